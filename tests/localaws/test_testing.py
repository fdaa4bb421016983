"""LocalAws: what it starts, and what it removes."""

from __future__ import annotations

from pathlib import Path

import pytest

from localaws import StartError
from localaws.testing import LocalAws


def test_a_temporary_state_folder_is_removed_at_the_end() -> None:
    with LocalAws() as aws:
        aws.client("s3").create_bucket(Bucket="lake")
        assert (aws.state / "s3" / "lake").is_dir()
    assert aws.process.returncode == 0
    assert not aws.state.exists()


def test_a_failed_start_says_why(local_aws: LocalAws, tmp_path: Path) -> None:
    with (
        pytest.raises(StartError, match="the local AWS did not start: another local AWS is using"),
        LocalAws(state=local_aws.state, log=tmp_path / "log"),
    ):
        pytest.fail("it started")


def test_an_unknown_option_is_named() -> None:
    with pytest.raises(StartError, match="unrecognized arguments: --prot"), LocalAws("--prot", "4566"):
        pytest.fail("it started")
