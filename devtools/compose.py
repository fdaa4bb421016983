"""The stack of ``docker-compose.yaml`` from start to end: ``python3 -m devtools.compose up|down|clean``.

Needs Docker, and of Python the standard library only: it runs before anything is installed.
"""

from __future__ import annotations

import base64
import json
import os
import re
import secrets
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

PROJECT = Path(__file__).parents[1]
MIN_COMPOSE_VERSION = (2, 20)
"""The first that knows ``required: false`` in ``depends_on``."""

GIB = 2**30
MIN_MEMORY = 5.5 * GIB
"""What Docker counts of a virtual machine of 6 GiB."""

START_TIMEOUT = 600

SECRETS: Mapping[str, Callable[[], str]] = {
    "ADMIN_PASSWORD": lambda: secrets.token_hex(8),
    "POSTGRES_PASSWORD": lambda: secrets.token_urlsafe(24),
    "FERNET_KEY": lambda: base64.urlsafe_b64encode(secrets.token_bytes(32)).decode(),
    "API_SECRET_KEY": lambda: secrets.token_urlsafe(32),
    "JWT_SECRET": lambda: secrets.token_urlsafe(64),
}
"""The secrets ``.env.example`` leaves empty, each with what makes one of the kind its reader asks for."""

AIRFLOW_UID = 50000
"""The user of Airflow's image, which takes the place of root."""


class StackError(Exception):
    """The stack cannot be started or stopped; the message says why, and what to do, in one sentence."""


class Stack:
    """The compose project in ``folder``, which holds its ``.env``."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.env = folder, folder / ".env"

    def up(self) -> str:
        """Start what is not running, wait until all is healthy, and return where it is. Raises StackError."""
        check_memory(check_engine())
        if not self.env.exists():
            self._check_orphaned_volumes()
            write_env(self.folder / ".env.example", self.env)
        config = json.loads(self._capture("config", "--format", "json"))
        self._check_ports(config)
        if self._run("build"):
            raise StackError("the images could not be built: the lines above say why")
        if self._run("up", "--detach", "--remove-orphans", "--wait", f"--wait-timeout={START_TIMEOUT}"):
            raise StackError(
                "not all services are healthy: `docker compose ps --all` says which, `docker compose logs SERVICE` why"
            )
        return self._login_text(config)

    def down(self) -> None:
        """Stop and remove the containers; volumes, and with them the data, stay. Raises StackError."""
        check_engine()
        self._down()

    def clean(self) -> None:
        """Remove the containers and the volumes; nothing to do where no stack was ever started. Raises StackError."""
        try:
            check_engine()
        except StackError:
            if self.env.exists():
                raise
            return
        self._down("--volumes")

    def _down(self, *options: str) -> None:
        # With the profile, though .env may have been changed since the start.
        if self._run("--profile", "local", "down", "--remove-orphans", *options):
            raise StackError("docker compose could not remove the stack: its words are above")

    def _check_orphaned_volumes(self) -> None:
        """PostgreSQL keeps the password it was made with, so a new one would only fail later, and less clearly."""
        label = "label=com.docker.compose.project=sales-segmentation"
        if _output("docker", "volume", "ls", "--quiet", "--filter", label):
            raise StackError(
                f"there is data of an earlier start but not its keys: put {self.env} back, or remove the data by "
                "`make clean`"
            )

    def _check_ports(self, config: Mapping[str, Any]) -> None:
        for service, target, published in published_ports(config):
            ours = self._capture("port", service, str(target), check=False).strip()
            if is_taken(published) and not ours.endswith(f":{published}"):
                raise StackError(
                    f"port {published} is in use by another program: stop it, or set another port for {service} in "
                    f"{self.env}"
                )

    def _login_text(self, config: Mapping[str, Any]) -> str:
        variables = config["services"]["api-server"]["environment"]
        return (
            f"\nAirflow:   {variables['AIRFLOW__API__BASE_URL']}\n"
            "User:      admin\n"
            f"Password:  {variables['ADMIN_PASSWORD']}\n"
            "Next:      log in, open the DAG Customer segmentation and press Trigger; its defaults run at once.\n"
            "           make down stops all and keeps the data, make clean removes the data too.\n"
        )

    def _capture(self, *arguments: str, check: bool = True) -> str:
        answer = subprocess.run(
            ["docker", "compose", *arguments], cwd=self.folder, capture_output=True, text=True, check=False
        )
        if check and answer.returncode:
            raise StackError(
                f"docker compose refuses the settings in {self.env}: {_last_line(answer.stderr)}"
            )
        return answer.stdout

    def _run(self, *arguments: str) -> int:
        """Return the exit code; what Docker says goes to the terminal."""
        environment = dict(os.environ)
        if not self.env.exists():
            environment |= dict.fromkeys(SECRETS, "unused")  # or the file could not even be read
        return subprocess.call(["docker", "compose", *arguments], cwd=self.folder, env=environment)


def check_engine() -> int:
    """Return the engine's bytes of memory; raise StackError unless it answers, and Compose is new enough."""
    if not shutil.which("docker"):
        raise StackError("Docker is not installed: see https://docs.docker.com/get-started/get-docker/")
    version = _output("docker", "compose", "version", "--short")
    numbers = tuple(int(number) for number in re.findall(r"\d+", version)[:2])
    if numbers < MIN_COMPOSE_VERSION:
        raise StackError(
            f"Docker Compose {'.'.join(map(str, MIN_COMPOSE_VERSION))} or newer is needed, here is "
            f"{version or 'none'}: see https://docs.docker.com/compose/install/"
        )
    memory = _output("docker", "info", "--format", "{{.MemTotal}}")
    if not memory.isdecimal() or int(memory) == 0:
        raise StackError(
            "the Docker engine does not answer: start it, or see to it that you may use it (`docker info`)"
        )
    return int(memory)


def check_memory(available: int) -> None:
    """Raise StackError unless there is enough to start the stack."""
    if available < MIN_MEMORY:
        raise StackError(
            f"Docker has {available / GIB:.1f} GiB of memory and the stack needs 6: give it more in its settings"
        )


def write_env(example: Path, env: Path) -> None:
    """Copy ``example`` to ``env`` with new keys and the user's id; only the user may read it.

    Raises FileExistsError rather than replace a file: the data in the volumes depends on its keys.
    """
    made = {name: make() for name, make in SECRETS.items()} | {"AIRFLOW_UID": str(os.getuid() or AIRFLOW_UID)}
    text = re.sub(
        rf"^({'|'.join(made)})=$",
        lambda line: f"{line[0]}{made[line[1]]}",
        example.read_text(),
        flags=re.MULTILINE,
    )
    env.touch(0o600, exist_ok=False)
    env.write_text(text)


def published_ports(config: Mapping[str, Any]) -> list[tuple[str, int, int]]:
    """Return service, port in the container and port on this machine, of all that have a fixed one."""
    return [
        (name, int(port["target"]), int(port["published"]))
        for name, service in config["services"].items()
        for port in service.get("ports", [])
        if int(port["published"])
    ]


def is_taken(port: int) -> bool:
    """Return whether somebody listens on this port of loopback."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _output(*command: str) -> str:
    """Return what the command prints, nothing when it fails."""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return "" if done.returncode else done.stdout.strip()


def _last_line(text: str) -> str:
    return text.strip().rpartition("\n")[2]


def main(arguments: list[str]) -> int:
    """Return the exit code: 0 when done, 2 when refused."""
    stack = Stack(PROJECT)
    try:
        if arguments == ["up"]:
            sys.stdout.write(stack.up())
        elif arguments == ["down"]:
            stack.down()
        elif arguments == ["clean"]:
            stack.clean()
        else:
            raise StackError("say one of: python3 -m devtools.compose up, down, clean")
    except StackError as problem:
        sys.stderr.write(f"{problem}\n")
        return 2
    except KeyboardInterrupt:
        sys.stderr.write("Interrupted: `make down` stops what has been started\n")
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
