"""The wheel brings its plugin with it: Airflow loads it once, with or without the plugins folder of the repository."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
PIP = (sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the wheel installed, built from a copy so that the build leaves nothing in the repository."""
    folder = tmp_path_factory.mktemp("wheel")
    source = shutil.copytree(
        ROOT / "plugins",
        folder / "source",
        ignore=shutil.ignore_patterns("__pycache__", "build", "*.egg-info"),
    )
    build = [*PIP, "wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", str(folder), str(source)]
    subprocess.run(build, check=True)
    (wheel,) = folder.glob("airflow_emr_pipeline-*.whl")
    subprocess.run([*PIP, "install", "--no-deps", "--target", str(folder / "site"), str(wheel)], check=True)
    return folder / "site"


def loaded(tmp_path: Path, plugins_folder: Path, *paths: Path) -> dict[str, Any]:
    """Return the sources of the plugin and the import errors in an Airflow with this plugins folder and path."""
    environment = os.environ | {
        "AIRFLOW_HOME": str(tmp_path),
        "AIRFLOW__CORE__PLUGINS_FOLDER": str(plugins_folder),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "PYTHONPATH": os.pathsep.join(map(str, paths)),
    }
    program = [sys.executable, str(Path(__file__).with_name("installed_plugin.py"))]
    ended = subprocess.run(
        program, cwd=tmp_path, env=environment, check=True, stdout=subprocess.PIPE, text=True
    )
    found: dict[str, Any] = json.loads(ended.stdout.splitlines()[-1])
    return found


@pytest.mark.parametrize("folder", ["empty", "plugins"])
def test_the_installed_plugin_is_loaded_once_from_its_entry_point(
    site: Path, tmp_path: Path, folder: str
) -> None:
    (tmp_path / "empty").mkdir()
    found = loaded(tmp_path, ROOT / "plugins" if folder == "plugins" else tmp_path / "empty", site)
    assert not found["errors"]
    (source,) = found["sources"]
    assert source.startswith("airflow-emr-pipeline==")


def test_without_the_wheel_the_plugins_folder_is_enough(tmp_path: Path) -> None:
    found = loaded(tmp_path, ROOT / "plugins")
    assert found == {"sources": ["$PLUGINS_FOLDER/emr_pipeline_view.py"], "errors": {}}
