"""`make up`, `make down` and `make clean` with a fake ``docker`` that records its calls."""

from __future__ import annotations

import base64
import json
import os
import re
import socket
import stat
from pathlib import Path

import pytest

from devtools.compose import PROJECT, SECRETS, Stack, StackError, main, write_env

OUTPUTS = {
    "compose version --short": "2.26.1",
    "info --format {{.MemTotal}}": str(6 * 2**30),
    "volume ls": "",
    "compose config --format json": json.dumps(
        {
            "services": {
                "api-server": {
                    "environment": {
                        "AIRFLOW__API__BASE_URL": "http://localhost:1",
                        "ADMIN_PASSWORD": "open sesame",
                    },
                    "ports": [{"target": 8080, "published": "1"}],
                },
                "postgres": {},
            }
        }
    ),
    "compose port": "",
    "compose build": "",
    "compose up": "",
    "compose --profile local down": "",
}


class Docker:
    """A fake ``docker`` program, the only one on the PATH; commands without a configured output fail."""

    def __init__(self, folder: Path) -> None:
        self._log = folder / "calls"
        self._outputs = folder / "outputs"
        self._outputs.mkdir()
        for command, output in OUTPUTS.items():
            self.output(command, output)
        program = folder / "docker"
        program.write_text(
            f"""#!/bin/sh
            echo "$*" >>{self._log}
            for file in {self._outputs}/*; do
              case "$*" in "${{file##*/}}"*) read -r line <"$file"; echo "$line"; exit 0;; esac
            done
            echo no such thing >&2
            exit 1
            """
        )
        program.chmod(0o755)

    def output(self, command: str, text: str) -> None:
        (self._outputs / command).write_text(f"{text}\n")

    def fail(self, command: str) -> None:
        (self._outputs / command).unlink()

    def calls(self) -> str:
        return self._log.read_text() if self._log.exists() else ""


@pytest.fixture
def docker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Docker:
    (tmp_path / "bin").mkdir()
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    return Docker(tmp_path / "bin")


@pytest.fixture
def stack(tmp_path: Path) -> Stack:
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / ".env.example").write_bytes((PROJECT / ".env.example").read_bytes())
    return Stack(folder)


def test_up_waits_for_health_and_returns_url_and_login(stack: Stack, docker: Docker) -> None:
    text = stack.up()
    assert "http://localhost:1\n" in text
    assert "open sesame" in text
    assert re.search("compose up .*--wait ", docker.calls())


def test_secrets_are_generated_once_and_readable_only_by_the_user(stack: Stack, docker: Docker) -> None:
    stack.up()
    first = stack.env.read_text()
    assert stat.S_IMODE(stack.env.stat().st_mode) == 0o600
    stack.up()
    assert stack.env.read_text() == first
    with pytest.raises(FileExistsError):
        write_env(stack.folder / ".env.example", stack.env, stack.project)


def test_two_clones_have_different_projects_and_volumes(stack: Stack, docker: Docker, tmp_path: Path) -> None:
    stack.up()
    assert f"\nCOMPOSE_PROJECT_NAME={stack.project}\n" in stack.env.read_text()
    assert stack.project != Stack(tmp_path / "clone").project
    assert f"volume ls --quiet --filter label=com.docker.compose.project={stack.project}\n" in docker.calls()


def test_secrets_have_the_required_format_and_are_unique(tmp_path: Path) -> None:
    """Fernet requires 32 bytes in URL-safe base64; HS512 requires a JWT secret of 64 bytes (RFC 7518, 3.2)."""
    values = []
    for name in ("one", "two"):
        write_env(PROJECT / ".env.example", tmp_path / name, "one")
        lines = (tmp_path / name).read_text().splitlines()
        values.append(dict(line.split("=", 1) for line in lines if "=" in line and not line.startswith("#")))
    assert not any(values[0][key] == values[1][key] for key in SECRETS)
    assert len(base64.urlsafe_b64decode(values[0]["FERNET_KEY"])) == 32
    assert len(values[0]["JWT_SECRET"]) >= 64
    assert all(re.fullmatch(r"[\w=-]{16,}", values[0][key]) for key in SECRETS), (
        "secrets must be valid in a URL and in JSON"
    )


@pytest.mark.parametrize(
    ("command", "output", "sentence"),
    [
        ("compose version --short", None, "Docker Compose 2.20 or newer is required, found none"),
        ("compose version --short", "v1.29.2", "Docker Compose 2.20 or newer is required, found v1.29.2"),
        ("info --format {{.MemTotal}}", None, "the Docker engine does not respond"),
        ("info --format {{.MemTotal}}", str(4 * 2**30), "Docker has 4.0 GiB of memory and the stack needs 6"),
        (
            "volume ls",
            "sales-segmentation_postgres",
            "there is data of an earlier start, but its secrets are missing",
        ),
        ("compose config --format json", None, "docker compose rejects the settings in .*: no such thing"),
        ("compose build", None, "the images could not be built"),
        ("compose up", None, "not all services are healthy"),
    ],
)
def test_an_unmet_requirement_is_one_sentence(
    stack: Stack, docker: Docker, command: str, output: str | None, sentence: str
) -> None:
    if output is None:
        docker.fail(command)
    else:
        docker.output(command, output)
    with pytest.raises(StackError, match=f"^{sentence}[^\n]*$"):
        stack.up()
    assert ("compose up" in docker.calls()) == (command == "compose up")


def test_up_without_docker_has_a_link_to_install_it(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(StackError, match="Docker is not installed: see https"):
        stack.up()


def test_a_port_in_use_by_another_program_is_an_error(stack: Stack, docker: Docker) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = str(other.getsockname()[1])
        docker.output(
            "compose config --format json",
            OUTPUTS["compose config --format json"].replace('"1"', f'"{port}"'),
        )
        with pytest.raises(StackError, match=f"^port {port} is in use by another program"):
            stack.up()
        docker.output("compose port", f"127.0.0.1:{port}")
        stack.up()


@pytest.mark.parametrize(("user", "runs_as"), [(501, 501), (0, 50000)])
def test_airflow_runs_as_the_user_but_not_as_root(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, user: int, runs_as: int
) -> None:
    monkeypatch.setattr("os.getuid", lambda: user)
    write_env(PROJECT / ".env.example", tmp_path / ".env", "one")
    assert f"\nAIRFLOW_UID={runs_as}\n" in (tmp_path / ".env").read_text()


def test_down_keeps_the_data_and_clean_removes_it_but_not_the_secrets(stack: Stack, docker: Docker) -> None:
    stack.up()
    stack.down()
    assert "--volumes" not in docker.calls()
    stack.clean()
    assert re.search("--profile local down .*--volumes", docker.calls())
    assert stack.env.exists()


def test_clean_without_docker_does_nothing(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", os.devnull)
    stack.clean()


def test_clean_fails_without_docker_engine_only_if_a_stack_was_started(stack: Stack, docker: Docker) -> None:
    docker.fail("info --format {{.MemTotal}}")
    stack.clean()
    stack.env.touch()
    with pytest.raises(StackError, match="the Docker engine does not respond"):
        stack.clean()


def test_down_works_with_too_little_memory(stack: Stack, docker: Docker) -> None:
    docker.output("info --format {{.MemTotal}}", str(4 * 2**30))
    stack.down()
    assert "--profile local down" in docker.calls()


def test_an_unknown_command_has_exit_code_2(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["restart"]) == 2
    assert capsys.readouterr().err == "usage: python3 -m devtools.compose up|down|clean\n"
