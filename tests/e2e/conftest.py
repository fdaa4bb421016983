"""Fixtures that run the whole pipeline like a user, in a separate state folder."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest

ROOT = Path(__file__).parents[2]
BUCKET = Path("aws/s3/beverage-lake")


@dataclass(frozen=True)
class Run:
    """A finished ``python -m devtools.run``: its exit code, its output, and its state folder."""

    code: int
    screen: str
    state: Path

    @property
    def bucket(self) -> Path:
        return self.state / BUCKET

    def processes(self) -> list[str]:
        """Return the command lines of the running processes that use the state folder."""
        return [
            " ".join(command)
            for process in psutil.process_iter(["cmdline"])
            if str(self.state) in " ".join(command := process.info["cmdline"] or [])
        ]


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "devtools.run", *arguments]


def environment(state: Path) -> dict[str, str]:
    """Return the environment of a user, without Java and without settings of AWS and Airflow."""
    hidden = ("JAVA_HOME", "AWS_", "AIRFLOW", "EMR_PIPELINE_")
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(hidden)}
    return inherited | {"DEVTOOLS_STATE": str(state), "COLUMNS": "200"}


@pytest.fixture(scope="module")
def state(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("devtools")


@pytest.fixture(scope="module")
def pipeline(state: Path) -> Callable[..., Run]:
    def start(*arguments: str) -> Run:
        ended = subprocess.run(
            command(*arguments), cwd=ROOT, env=environment(state), capture_output=True, text=True, check=False
        )
        return Run(ended.returncode, ended.stdout + ended.stderr, state)

    return start
