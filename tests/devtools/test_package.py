"""The packages for Amazon MWAA and for a git-synced Airflow: files, settings, and requirements that MWAA accepts."""

from __future__ import annotations

import re
import subprocess
import zipfile
from pathlib import Path

import pytest

from devtools import package
from emr_pipeline.package import build

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def mwaa(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("package") / "mwaa"
    package.build_mwaa(folder, {"EMR_PIPELINE_BUCKET": "lake", "EMR_PIPELINE_OWNER": "Ann's team"})
    return folder


def test_the_dags_and_the_jobs_are_those_of_the_repository(mwaa: Path) -> None:
    assert (mwaa / "dags" / "sales_segmentation" / "sql" / "totals.sql").is_file()
    assert (mwaa / "dags" / ".airflowignore").is_file()
    assert build(mwaa / "dags" / "spark").version == build(ROOT / "spark").version
    assert not list(mwaa.rglob("__pycache__"))


def test_the_plugins_are_the_files_of_the_plugins_folder(mwaa: Path) -> None:
    with zipfile.ZipFile(mwaa / "plugins.zip") as archive:
        names = archive.namelist()
    assert {name for name in names if "/" not in name} == {".airflowignore", "emr_pipeline_view.py"}
    assert {"emr_pipeline/plugin.py", "emr_pipeline/view/templates/step.html"} <= set(names)


def test_the_same_files_give_the_same_zip(mwaa: Path, tmp_path: Path) -> None:
    """Otherwise each upload would be a new version, and MWAA would need an update."""
    package.build_mwaa(tmp_path / "again", {})
    assert (tmp_path / "again" / "plugins.zip").read_bytes() == (mwaa / "plugins.zip").read_bytes()


def test_every_requirement_is_pinned_and_the_constraints_of_mwaa_stay_in_force(mwaa: Path) -> None:
    """MWAA applies the constraints of its image unless a line, even a comment, contains ``-c`` or ``--constraint``."""
    lines = (mwaa / "requirements.txt").read_text().splitlines()
    assert all(re.fullmatch(r"[a-z0-9.-]+==[\w.]+", line) for line in lines)
    assert not [line for line in lines if re.search(r"-c |--constraint ", line)]
    assert any(line.startswith("matplotlib==") for line in lines)


def test_the_requirements_do_not_change_a_package_of_the_image(mwaa: Path) -> None:
    image = set((ROOT / "requirements-mwaa-image.txt").read_text().splitlines())
    names = {line.partition("==")[0] for line in image}
    ours = (mwaa / "requirements.txt").read_text().splitlines()
    assert [line for line in ours if line.partition("==")[0] in names and line not in image] == []


def test_the_start_up_script_exports_the_settings(mwaa: Path) -> None:
    command = 'source "$1"; echo "$EMR_PIPELINE_BUCKET|$EMR_PIPELINE_OWNER|$EMR_PIPELINE_JOBS_FOLDER"'
    shell = ["bash", "-euc", command, "bash", str(mwaa / "startup.sh")]
    ended = subprocess.run(shell, env={"AIRFLOW_HOME": "/home"}, check=True, capture_output=True, text=True)
    assert ended.stdout == "lake|Ann's team|/home/dags/spark\n"


def test_only_settings_of_the_pipeline_are_read_from_the_settings_file(tmp_path: Path) -> None:
    file = tmp_path / ".env.aws"
    assert package.read_settings(file) == {}
    file.write_text("# comment\nEMR_PIPELINE_BUCKET=lake\nAWS_DEFAULT_REGION=eu-central-1\n")
    assert package.read_settings(file) == {"EMR_PIPELINE_BUCKET": "lake"}


def test_a_git_synced_airflow_gets_the_jobs_next_to_the_dags_and_the_plugin_as_a_wheel(
    tmp_path: Path,
) -> None:
    package.build_git_sync(tmp_path / "git-sync")
    assert build(tmp_path / "git-sync" / "spark").version == build(ROOT / "spark").version
    assert (tmp_path / "git-sync" / "dags" / "sales_segmentation" / "dag.py").is_file()
    image = {path.name for path in (tmp_path / "git-sync" / "image").iterdir()}
    assert "requirements.txt" in image
    (wheel,) = image - {"requirements.txt"}
    assert re.fullmatch(r"airflow_emr_pipeline-.*-py3-none-any\.whl", wheel)
