"""The bootstrap script in a Python without numpy and pip, with replacements for the AWS CLI, sudo and dnf."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
COMMANDS = {
    "sudo": 'exec "$@"',
    # aws s3 cp --recursive --no-progress --exclude * --include PATTERN s3://lake/wheels FOLDER
    "aws": 'echo "aws ${@: -2:1}" >> "$NODE/calls"; cd "$NODE/wheels" && cp $8 "${@: -1}"',
    "dnf": 'echo "dnf $*" >> "$NODE/calls"; [ -d "$NODE/internet" ] && cp -r "$NODE"/internet/* "$NODE/packages"',
}


@pytest.fixture
def node(tmp_path: Path) -> Path:
    """A node: ``packages`` has Python's packages; what a test adds to ``wheels`` is on S3, to ``internet`` in dnf."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", tmp_path / "python"], check=True)
    (packages,) = (tmp_path / "python/lib").glob("*/site-packages")
    (tmp_path / "packages").symlink_to(packages)
    for name, script in COMMANDS.items():
        command = tmp_path / "python/bin" / name
        command.write_text(f"#!/bin/bash\n{script}\n")
        command.chmod(0o755)
    (tmp_path / "calls").touch()
    return tmp_path


def bootstrap(node: Path) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"PATH": f"{node / 'python/bin'}:/usr/bin:/bin", "NODE": str(node)}
    environment.pop("PYTHONPATH", None)
    command = ["bash", str(ROOT / "spark/bootstrap.sh"), "s3://lake/wheels"]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


def calls(node: Path) -> list[str]:
    return (node / "calls").read_text().splitlines()


def stage(node: Path, machine: str, version: str) -> None:
    (node / "wheels").mkdir(exist_ok=True)
    name = f"numpy-{version}-cp311-cp311-manylinux_2_27_{machine}.manylinux_2_28_{machine}.whl"
    with zipfile.ZipFile(node / "wheels" / name, "w") as wheel:
        wheel.writestr("numpy/__init__.py", f"version = '{version} {machine}'")


def numpy_version(node: Path) -> str:
    command = [node / "python/bin/python3.11", "-c", "import numpy; print(numpy.version)"]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def test_an_existing_numpy_is_kept(node: Path) -> None:
    (node / "packages/numpy.py").write_text("version = 'existing'")
    assert bootstrap(node).returncode == 0
    assert numpy_version(node) == "existing"
    assert calls(node) == []


def test_without_internet_the_wheel_for_the_machine_is_unpacked(node: Path) -> None:
    for machine in ("aarch64", "x86_64"):
        stage(node, machine, "2.4.6")
    ended = bootstrap(node)
    assert ended.returncode == 0, ended.stderr
    assert numpy_version(node) == f"2.4.6 {platform.machine()}"
    assert calls(node) == ["aws s3://lake/wheels"]


@pytest.mark.parametrize("machine", ["", "s390x"], ids=["no wheel", "only another machine's wheel"])
def test_without_a_wheel_numpy_comes_from_pypi(node: Path, machine: str) -> None:
    if machine:
        stage(node, machine, "2.4.6")
    pip = node / "internet/pip"
    pip.mkdir(parents=True)
    install = "import pathlib, sys; pathlib.Path('{}').write_text(f'version = {{sys.argv[-1]!r}}')"
    (pip / "__main__.py").write_text(install.format(node / "packages/numpy.py"))
    ended = bootstrap(node)
    assert ended.returncode == 0, ended.stderr
    assert numpy_version(node) == "numpy<3"
    assert calls(node) == ["aws s3://lake/wheels", "dnf install -y python3.11-pip"]


def test_without_a_wheel_and_internet_the_reason_is_in_the_log(node: Path) -> None:
    ended = bootstrap(node)
    assert ended.returncode == 1
    assert "s3://lake/wheels has no wheel of numpy for Python 3.11 on" in ended.stderr
    assert "`emr-pipeline deploy` stages the wheels" in ended.stderr
