"""The version of the job code depends on its content only."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import pytest

from emr_pipeline import package


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "job.py").write_text("print('job')\n")
    (tmp_path / "lib").mkdir()
    (tmp_path / "lib" / "__init__.py").write_text("")
    (tmp_path / "lib" / "rules.py").write_text("LIMIT = 1\n")
    return tmp_path


def test_scripts_are_unchanged_and_packages_are_zip_files(folder: Path) -> None:
    files = package.build(folder).files
    assert files["job.py"] == b"print('job')\n"
    with zipfile.ZipFile(io.BytesIO(files["lib.zip"])) as archive:
        assert archive.namelist() == ["lib/__init__.py", "lib/rules.py"]


def test_the_version_does_not_depend_on_time_and_folder(
    folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    copy = tmp_path_factory.mktemp("copy")
    for path in (p for p in folder.rglob("*") if p.is_file()):
        target = copy / path.relative_to(folder)
        target.parent.mkdir(exist_ok=True)
        target.write_bytes(path.read_bytes())
    (copy / "lib" / "__pycache__").mkdir()
    (copy / "lib" / "__pycache__" / "rules.pyc").write_bytes(b"bytecode")
    assert package.build(copy) == package.build(folder)


@pytest.mark.parametrize("name", ["job.py", "lib/rules.py"])
def test_a_change_gives_another_version(folder: Path, name: str) -> None:
    before = package.build(folder).version
    (folder / name).write_text("changed\n")
    assert package.build(folder).version != before


def test_a_folder_without_jobs_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"no Spark job"):
        package.build(tmp_path)
