"""`make up`, `make down` and `make clean` against a ``docker`` that answers as told and notes what it is asked."""

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

ANSWERS = {
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
    """A program ``docker`` on the PATH, the only one there; a command it has no answer for fails."""

    def __init__(self, folder: Path) -> None:
        self._log = folder / "asked"
        self._answers = folder / "answers"
        self._answers.mkdir()
        for command, answer in ANSWERS.items():
            self.answer(command, answer)
        program = folder / "docker"
        program.write_text(
            f"""#!/bin/sh
            echo "$*" >>{self._log}
            for file in {self._answers}/*; do
              case "$*" in "${{file##*/}}"*) read -r line <"$file"; echo "$line"; exit 0;; esac
            done
            echo no such thing >&2
            exit 1
            """
        )
        program.chmod(0o755)

    def answer(self, command: str, text: str) -> None:
        (self._answers / command).write_text(f"{text}\n")

    def fail(self, command: str) -> None:
        (self._answers / command).unlink()

    def asked(self) -> str:
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


def test_up_waits_for_health_and_says_where_it_is_and_how_to_get_in(stack: Stack, docker: Docker) -> None:
    welcome = stack.up()
    assert "http://localhost:1\n" in welcome
    assert "open sesame" in welcome
    assert re.search("compose up .*--wait ", docker.asked())


def test_the_keys_are_made_once_and_are_for_the_user_alone(stack: Stack, docker: Docker) -> None:
    stack.up()
    first = stack.env.read_text()
    assert stat.S_IMODE(stack.env.stat().st_mode) == 0o600
    stack.up()
    assert stack.env.read_text() == first
    with pytest.raises(FileExistsError):
        write_env(stack.folder / ".env.example", stack.env)


def test_each_key_is_of_the_kind_its_reader_asks_for_and_no_two_machines_share_one(tmp_path: Path) -> None:
    """Fernet takes 32 bytes in URL-safe base64; a JWT secret of 64 bytes is what HS512 asks for (RFC 7518, 3.2)."""
    made = []
    for name in ("one", "two"):
        write_env(PROJECT / ".env.example", tmp_path / name)
        lines = (tmp_path / name).read_text().splitlines()
        made.append(dict(line.split("=", 1) for line in lines if "=" in line and not line.startswith("#")))
    assert not any(made[0][key] == made[1][key] for key in SECRETS)
    assert len(base64.urlsafe_b64decode(made[0]["FERNET_KEY"])) == 32
    assert len(made[0]["JWT_SECRET"]) >= 64
    assert all(re.fullmatch(r"[\w=-]{16,}", made[0][key]) for key in SECRETS), (
        "it must fit into a URL and into JSON"
    )


@pytest.mark.parametrize(
    ("command", "answer", "sentence"),
    [
        ("compose version --short", None, "Docker Compose 2.20 or newer is needed, here is none"),
        ("compose version --short", "v1.29.2", "Docker Compose 2.20 or newer is needed, here is v1.29.2"),
        ("info --format {{.MemTotal}}", None, "the Docker engine does not answer"),
        ("info --format {{.MemTotal}}", str(4 * 2**30), "Docker has 4.0 GiB of memory and the stack needs 6"),
        ("volume ls", "sales-segmentation_postgres", "there is data of an earlier start but not its keys"),
        ("compose config --format json", None, "docker compose refuses the settings in .*: no such thing"),
        ("compose build", None, "the images could not be built"),
        ("compose up", None, "not all services are healthy"),
    ],
)
def test_what_is_missing_is_said_in_one_sentence(
    stack: Stack, docker: Docker, command: str, answer: str | None, sentence: str
) -> None:
    if answer is None:
        docker.fail(command)
    else:
        docker.answer(command, answer)
    with pytest.raises(StackError, match=f"^{sentence}[^\n]*$"):
        stack.up()
    assert ("compose up" in docker.asked()) == (command == "compose up")


def test_without_docker_up_says_where_to_get_it(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(StackError, match="Docker is not installed: see https"):
        stack.up()


def test_a_port_of_another_program_is_refused_and_one_of_the_stack_itself_is_not(
    stack: Stack, docker: Docker
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = str(other.getsockname()[1])
        docker.answer(
            "compose config --format json",
            ANSWERS["compose config --format json"].replace('"1"', f'"{port}"'),
        )
        with pytest.raises(StackError, match=f"^port {port} is in use by another program"):
            stack.up()
        docker.answer("compose port", f"127.0.0.1:{port}")
        stack.up()


@pytest.mark.parametrize(("user", "runs_as"), [(501, 501), (0, 50000)])
def test_airflow_runs_as_you_and_never_as_root(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, user: int, runs_as: int
) -> None:
    monkeypatch.setattr("os.getuid", lambda: user)
    write_env(PROJECT / ".env.example", tmp_path / ".env")
    assert f"\nAIRFLOW_UID={runs_as}\n" in (tmp_path / ".env").read_text()


def test_down_keeps_the_data_and_clean_removes_it_and_the_keys_stay(stack: Stack, docker: Docker) -> None:
    stack.up()
    stack.down()
    assert "--volumes" not in docker.asked()
    stack.clean()
    assert re.search("--profile local down .*--volumes", docker.asked())
    assert stack.env.exists()


def test_clean_has_nothing_to_do_where_there_is_no_docker(
    stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", os.devnull)
    stack.clean()


def test_clean_is_refused_only_where_there_is_something_to_remove(stack: Stack, docker: Docker) -> None:
    docker.fail("info --format {{.MemTotal}}")
    stack.clean()
    stack.env.touch()
    with pytest.raises(StackError, match="the Docker engine does not answer"):
        stack.clean()


def test_a_stack_that_has_lost_its_memory_can_be_stopped(stack: Stack, docker: Docker) -> None:
    docker.answer("info --format {{.MemTotal}}", str(4 * 2**30))
    stack.down()
    assert "--profile local down" in docker.asked()


def test_a_word_it_does_not_know_is_exit_2(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["restart"]) == 2
    assert capsys.readouterr().err == "say one of: python3 -m devtools.compose up, down, clean\n"
