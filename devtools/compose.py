"""Start and stop the stack of ``docker-compose.yaml``: ``python3 -m devtools.compose up|down|clean``.

Needs Docker and only Python's standard library, because it runs before any package is installed.
"""

from __future__ import annotations

import base64
import hashlib
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
"""The first version that supports ``required: false`` in ``depends_on``."""

GIB = 2**30
MIN_MEMORY = 5.5 * GIB
"""The memory that Docker reports in a virtual machine of 6 GiB."""

START_TIMEOUT = 600

SECRETS: Mapping[str, Callable[[], str]] = {
    "ADMIN_PASSWORD": lambda: secrets.token_hex(8),
    "POSTGRES_PASSWORD": lambda: secrets.token_urlsafe(24),
    "FERNET_KEY": lambda: base64.urlsafe_b64encode(secrets.token_bytes(32)).decode(),
    "API_SECRET_KEY": lambda: secrets.token_urlsafe(32),
    "JWT_SECRET": lambda: secrets.token_urlsafe(64),
}
"""The secrets that are empty in ``.env.example``, each with a function that generates one in the required format."""

AIRFLOW_UID = 50000
"""The default user of the Airflow image, used instead of root."""


class StackError(Exception):
    """The stack cannot be started or stopped; the message is one sentence with the cause and the solution."""


class Stack:
    """The compose project in ``folder``, which contains its ``.env``."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.env = folder, folder / ".env"

    @property
    def project(self) -> str:
        """The name of the compose project, which differs for each folder: two clones must not stop each other."""
        digest = hashlib.sha256(str(self.folder.resolve()).encode()).hexdigest()
        return f"sales-segmentation-{digest[:8]}"

    def up(self) -> str:
        """Start all services, wait until they are healthy, and return how to log in. Raises StackError."""
        check_memory(check_engine())
        if not self.env.exists():
            self._check_orphaned_volumes()
            write_env(self.folder / ".env.example", self.env, self.project)
        config = json.loads(self._capture("config", "--format", "json"))
        self._check_ports(config)
        if self._run("build"):
            raise StackError("the images could not be built: see the output above")
        if self._run("up", "--detach", "--remove-orphans", "--wait", f"--wait-timeout={START_TIMEOUT}"):
            raise StackError(
                "not all services are healthy: see `docker compose ps --all` and `docker compose logs SERVICE`"
            )
        return self._login_text(config)

    def down(self) -> None:
        """Stop and remove the containers; keep the volumes with the data. Raises StackError."""
        check_engine()
        self._down()

    def clean(self) -> None:
        """Remove the containers and the volumes, if the stack was ever started. Raises StackError."""
        try:
            check_engine()
        except StackError:
            if self.env.exists():
                raise
            return
        self._down("--volumes")

    def _down(self, *options: str) -> None:
        # Always with the profile: .env may have been changed since the start.
        if self._run("--profile", "local", "down", "--remove-orphans", *options):
            raise StackError("docker compose could not remove the stack: see the output above")

    def _check_orphaned_volumes(self) -> None:
        """Raise StackError if there is a database without ``.env``: a new password would not fit PostgreSQL's data."""
        label = f"label=com.docker.compose.project={self.project}"
        if _output("docker", "volume", "ls", "--quiet", "--filter", label):
            raise StackError(
                f"there is data of an earlier start, but its secrets are missing: restore {self.env}, "
                "or remove the data with `make clean`"
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
            "Next:      log in, open the DAG Customer segmentation and press Trigger; the defaults work.\n"
            "           make down stops all services and keeps the data; make clean also removes the data.\n"
        )

    def _capture(self, *arguments: str, check: bool = True) -> str:
        answer = subprocess.run(
            ["docker", "compose", *arguments], cwd=self.folder, capture_output=True, text=True, check=False
        )
        if check and answer.returncode:
            raise StackError(
                f"docker compose rejects the settings in {self.env}: {_last_line(answer.stderr)}"
            )
        return answer.stdout

    def _run(self, *arguments: str) -> int:
        """Run docker compose with its output in the terminal and return the exit code."""
        environment = dict(os.environ)
        if not self.env.exists():
            # Without the secrets Compose cannot read the file.
            environment |= dict.fromkeys(SECRETS, "unused") | {"COMPOSE_PROJECT_NAME": self.project}
        return subprocess.call(["docker", "compose", *arguments], cwd=self.folder, env=environment)


def check_engine() -> int:
    """Return the Docker engine's memory in bytes. Raises StackError if it does not respond or Compose is too old."""
    if not shutil.which("docker"):
        raise StackError("Docker is not installed: see https://docs.docker.com/get-started/get-docker/")
    version = _output("docker", "compose", "version", "--short")
    numbers = tuple(int(number) for number in re.findall(r"\d+", version)[:2])
    if numbers < MIN_COMPOSE_VERSION:
        raise StackError(
            f"Docker Compose {'.'.join(map(str, MIN_COMPOSE_VERSION))} or newer is required, found "
            f"{version or 'none'}: see https://docs.docker.com/compose/install/"
        )
    memory = _output("docker", "info", "--format", "{{.MemTotal}}")
    if not memory.isdecimal() or int(memory) == 0:
        raise StackError(
            "the Docker engine does not respond: start it, or check your permission to use it (`docker info`)"
        )
    return int(memory)


def check_memory(available: int) -> None:
    """Raise StackError if the memory is not enough for the stack."""
    if available < MIN_MEMORY:
        raise StackError(
            f"Docker has {available / GIB:.1f} GiB of memory and the stack needs 6: increase it in Docker's settings"
        )


def write_env(example: Path, env: Path, project: str) -> None:
    """Copy ``example`` to ``env``, readable only by the user, with new secrets, the user's id and the ``project``.

    Raises FileExistsError if ``env`` exists: the data in the volumes depends on its secrets.
    """
    values = {name: generate() for name, generate in SECRETS.items()} | {
        "AIRFLOW_UID": str(os.getuid() or AIRFLOW_UID),
        "COMPOSE_PROJECT_NAME": project,
    }
    text = re.sub(
        rf"^({'|'.join(values)})=$",
        lambda line: f"{line[0]}{values[line[1]]}",
        example.read_text(),
        flags=re.MULTILINE,
    )
    env.touch(0o600, exist_ok=False)
    env.write_text(text)


def published_ports(config: Mapping[str, Any]) -> list[tuple[str, int, int]]:
    """Return service, container port and published port of all ports with a fixed published port."""
    return [
        (name, int(port["target"]), int(port["published"]))
        for name, service in config["services"].items()
        for port in service.get("ports", [])
        if int(port["published"])
    ]


def is_taken(port: int) -> bool:
    """Return whether a program is listening on this loopback port."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _output(*command: str) -> str:
    """Return the output of a command; '' if it fails."""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return "" if done.returncode else done.stdout.strip()


def _last_line(text: str) -> str:
    return text.strip().rpartition("\n")[2]


def main(arguments: list[str]) -> int:
    """Return the exit code: 0 for success, 2 for an error, 130 after Ctrl-C."""
    stack = Stack(PROJECT)
    try:
        if arguments == ["up"]:
            sys.stdout.write(stack.up())
        elif arguments == ["down"]:
            stack.down()
        elif arguments == ["clean"]:
            stack.clean()
        else:
            raise StackError("usage: python3 -m devtools.compose up|down|clean")
    except StackError as problem:
        sys.stderr.write(f"{problem}\n")
        return 2
    except KeyboardInterrupt:
        sys.stderr.write("Interrupted: `make down` stops the started services\n")
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
