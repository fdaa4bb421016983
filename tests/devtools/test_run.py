"""What may be asked of ``make run``, and what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from devtools import run
from devtools.run import DAG_ID, ROWS, RunError, RunOptions


def test_nothing_asked_means_the_sample_data_of_the_study() -> None:
    assert RunOptions.parse([]) == RunOptions(DAG_ID, None, ROWS, {})


def test_params_are_passed_by_their_names_in_the_form(tmp_path: Path) -> None:
    file = tmp_path / "sales.csv"
    file.touch()
    request = RunOptions.parse(
        [f"INPUT={file}", "K=4", "VARIANCE_TO_KEEP=0.8", "FEATURE_SET=notebook", "RUN_DATE=2026-01-31"]
    )
    assert request.input == file
    assert request.params == {
        "k": 4,
        "variance_to_keep": 0.8,
        "feature_set": "notebook",
        "run_date": "2026-01-31",
    }


@pytest.mark.parametrize(
    ("argument", "message"),
    [
        ("ROWS=0", "ROWS is '0'"),
        ("DAG=emr_reaper", "DAG is 'emr_reaper'; valid DAGs: sales_segmentation, word_count"),
        ("ROWS=1e6", "ROWS is '1e6'"),
        ("INPUT=/no/such/file", "there is no file /no/such/file"),
        ("K", "'K' is not NAME=value"),
    ],
)
def test_what_makes_no_sense_is_refused(argument: str, message: str) -> None:
    with pytest.raises(RunError, match=message):
        RunOptions.parse([argument])


def test_a_disk_without_room_is_refused_before_anything_is_made(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(run.paths, "LOCAL", tmp_path)
    with pytest.raises(RunError, match=r"MB are free at .*, this run needs about 400,000,000,000 MB"):
        run._check_disk(RunOptions(DAG_ID, None, 10**15, {}))
