"""The wheel registers its plugin: Airflow loads it once, with or without the plugins folder of the repository."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
PLUGINS = ROOT / "plugins"
PROGRAM = Path(__file__).with_name("installed_plugin.py")


def pip(*arguments: str, python: str = sys.executable) -> None:
    subprocess.run([python, "-m", "pip", "-q", "--disable-pip-version-check", *arguments], check=True)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    pip("wheel", "--no-deps", f"--wheel-dir={folder}", str(PLUGINS))
    (built,) = folder.glob("airflow_emr_pipeline-*.whl")
    return built


def load(home: Path, plugins_folder: Path, path: str = "", python: str = sys.executable) -> dict[str, Any]:
    """Return the sources of the plugin and the import errors of an Airflow with this plugins folder."""
    environment = os.environ | {
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__CORE__PLUGINS_FOLDER": str(plugins_folder),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "PYTHONPATH": path,
    }
    ended = subprocess.run(
        [python, str(PROGRAM)], cwd=home, env=environment, check=True, stdout=subprocess.PIPE, text=True
    )
    result: dict[str, Any] = json.loads(ended.stdout.splitlines()[-1])
    return result


@pytest.mark.parametrize("with_folder", [False, True], ids=["wheel alone", "wheel and folder"])
def test_the_plugin_is_loaded_once_from_its_entry_point(
    wheel: Path, tmp_path: Path, with_folder: bool
) -> None:
    pip("install", "--no-deps", f"--target={tmp_path / 'site'}", str(wheel))
    (tmp_path / "empty").mkdir()
    result = load(tmp_path, PLUGINS if with_folder else tmp_path / "empty", path=str(tmp_path / "site"))
    (source,) = result["sources"]
    assert source.startswith("airflow-emr-pipeline==")
    assert not result["errors"]


def test_the_plugin_is_loaded_from_the_plugins_folder(tmp_path: Path) -> None:
    assert load(tmp_path, PLUGINS) == {"sources": ["$PLUGINS_FOLDER/emr_pipeline_view.py"], "errors": {}}


@pytest.mark.wheels
def test_the_wheel_installs_airflow_and_works_in_an_empty_environment(wheel: Path, tmp_path: Path) -> None:
    subprocess.run([sys.executable, "-m", "venv", str(tmp_path / "venv")], check=True)
    python = str(tmp_path / "venv" / "bin" / "python")
    pip("install", "--no-compile", f"--constraint={ROOT / 'requirements.txt'}", str(wheel), python=python)
    (tmp_path / "empty").mkdir()
    (source,) = load(tmp_path, tmp_path / "empty", python=python)["sources"]
    assert source.startswith("airflow-emr-pipeline==")
