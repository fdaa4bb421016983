"""The lifetime of Airflow's processes. `make chaos` runs Airflow itself with this module."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from devtools.airflow_services import Airflow

AIRFLOW = """\
#!/bin/sh
sleep 600 &
echo $! > {folder}/child
wait
"""

OWNER = """\
import sys, time
from pathlib import Path
from devtools.airflow_services import Airflow

folder = Path(sys.argv[1])
Airflow("http://127.0.0.1:1", "", {}, folder, python=str(folder / "python")).start("scheduler")
time.sleep(600)
"""


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A folder with a command ``airflow`` that starts another process and waits for it."""
    command = tmp_path / "airflow"
    command.write_text(AIRFLOW.format(folder=tmp_path))
    command.chmod(0o755)
    return tmp_path


def child(home: Path) -> psutil.Process:
    file = home / "child"
    deadline = time.monotonic() + 30
    while not (file.exists() and file.read_text().strip()):
        assert time.monotonic() < deadline, "the component did not start"
        time.sleep(0.05)
    return psutil.Process(int(file.read_text()))


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_the_processes_end_with_the_process_that_started_them(home: Path, number: signal.Signals) -> None:
    owner = subprocess.Popen([sys.executable, "-c", OWNER, str(home)])
    started = child(home)
    owner.send_signal(number)
    owner.wait()
    started.wait(30)


@pytest.mark.parametrize("end", [lambda airflow: airflow.kill("scheduler"), Airflow.stop])
def test_a_component_is_ended_with_all_its_processes(home: Path, end: object) -> None:
    airflow = Airflow("http://127.0.0.1:1", "", {}, home, python=str(home / "python"))
    airflow.start("scheduler")
    started = child(home)
    assert callable(end)
    end(airflow)
    started.wait(30)
    airflow.stop()  # no error if it has ended before
