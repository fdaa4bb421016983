"""The download of the wheels for the nodes, by pip."""

from __future__ import annotations

from pathlib import Path

import pytest

from emr_pipeline.cli import wheels
from emr_pipeline.cli.console import CommandError


@pytest.mark.wheels
def test_the_wheels_of_all_architectures_are_downloaded(tmp_path: Path) -> None:
    names = [wheel.name for wheel in wheels.download(tmp_path)]
    machines = ("aarch64", "x86_64")
    assert all(name.endswith(f"{machine}.whl") for name, machine in zip(names, machines, strict=True))
    assert all(name.startswith("numpy-2") and "-cp311-" in name for name in names)


def test_without_a_package_index_the_message_names_the_other_way(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path))
    with pytest.raises(CommandError, match=r"could not download numpy<3 for x86_64: .* use --wheels FOLDER"):
        wheels.download(tmp_path)
