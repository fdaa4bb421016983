"""Airflow as four processes on loopback: api-server, scheduler, DAG processor and triggerer.

Needed for tests of what a single process cannot show: killed workers, a lost triggerer, concurrent runs, the web UI.
"""

from __future__ import annotations

import json
import os
import secrets
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime
from http import HTTPStatus
from pathlib import Path
from typing import Any
from urllib.parse import quote

from devtools import airflow_home
from localaws.spark import supervisor

START_TIMEOUT = 300
STOP_TIMEOUT = 15
RETRY_SECONDS = 60
"""Requests that fail with a server error are retried for this time: SQLite allows one writer, others time out."""

REQUEST_TIMEOUT = 120
"""Timeout of a response in seconds; on a busy machine the web server can be slow."""

RUN_TIMEOUT = 1200
"""Maximum seconds for a run, or for a condition of a run, on a busy machine."""

USER = "admin"
COMPONENTS = ("api-server", "scheduler", "dag-processor", "triggerer")


class ServiceError(Exception):
    """A service did not start or returned an error; the message names the service and its log.

    ``status`` is the HTTP status of the response, 0 if there was none.
    """

    def __init__(self, message: str, status: int = 0) -> None:
        super().__init__(message)
        self.status = status


@dataclass
class Airflow:
    """A running Airflow at ``url``, where USER logs in with ``password``.

    ``processes`` maps each component to the supervisor of its processes, the leader of their session. They end with the
    process that started them, however that ends.
    """

    url: str
    password: str
    variables: Mapping[str, str]
    logs: Path
    python: str = sys.executable
    """The interpreter of the environment in which Airflow is installed."""
    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)
    _token: str = ""

    def start(self, component: str) -> None:
        """Start or restart a component."""
        port = ("--port", self.url.rpartition(":")[2]) if component == "api-server" else ()
        airflow = str(Path(self.python).with_name("airflow"))
        with (self.logs / f"{component}.log").open("ab") as log:
            self.processes[component] = subprocess.Popen(
                [sys.executable, "-I", supervisor.__file__, airflow, component, *port],
                env={**os.environ, **self.variables},
                stdin=subprocess.PIPE,
                bufsize=0,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def kill(self, component: str) -> None:
        """Send SIGKILL to all processes of a component and wait until they have ended."""
        self._end(component, supervisor.KILL)
        self.processes[component].wait(STOP_TIMEOUT)

    def stop(self) -> None:
        """Stop all components with all their processes."""
        for component in self.processes:
            self._end(component, supervisor.TERMINATE)
        for process in self.processes.values():
            process.wait(STOP_TIMEOUT)

    def _end(self, component: str, how: bytes) -> None:
        control = self.processes[component].stdin
        assert control is not None
        with suppress(BrokenPipeError, ValueError), control:  # it has ended, or was killed before
            control.write(how)

    def api(self, method: str, path: str, body: Any = None) -> Any:
        """Return the JSON response of ``/api/v2<path>``. Raises ServiceError with Airflow's message.

        Requests that fail with a server error are retried for RETRY_SECONDS.
        """
        deadline = time.monotonic() + RETRY_SECONDS
        while True:
            try:
                self._token = self._token or self._log_in()
                bearer = {"Authorization": f"Bearer {self._token}"}
                answer = _request(method, f"{self.url}/api/v2{path}", body, bearer)
            except ServiceError as failure:
                if failure.status < 500 or time.monotonic() > deadline:
                    raise
                time.sleep(1)
            else:
                return json.loads(answer) if answer else None

    def _log_in(self) -> str:
        """Return an access token for the API."""
        credentials = {"username": USER, "password": self.password}
        return str(json.loads(_request("POST", f"{self.url}/auth/token", credentials))["access_token"])

    def trigger(self, dag_id: str, **conf: Any) -> DagRun:
        """Trigger a DAG run with these params."""
        body = {"logical_date": None, "conf": conf}
        return DagRun(self, dag_id, self.api("POST", f"/dags/{dag_id}/dagRuns", body)["dag_run_id"])

    def wait_for_dag(self, dag_id: str) -> None:
        """Wait until the DAG processor has stored the DAG. Raises ServiceError after START_TIMEOUT."""
        deadline = time.monotonic() + START_TIMEOUT
        while True:
            try:
                self.api("GET", f"/dags/{dag_id}")
            except ServiceError as failure:
                if failure.status != HTTPStatus.NOT_FOUND or time.monotonic() > deadline:
                    raise
                time.sleep(1)
            else:
                return


@dataclass(frozen=True)
class DagRun:
    """A DAG run, accessed through Airflow's API."""

    airflow: Airflow
    dag_id: str
    run_id: str

    @property
    def path(self) -> str:
        return f"/dags/{self.dag_id}/dagRuns/{quote(self.run_id)}"

    @property
    def state(self) -> str:
        return str(self.airflow.api("GET", self.path)["state"])

    def tasks(self) -> list[tuple[str, str]]:
        """Return task id and state of each task instance; the state is "" if it has none yet."""
        return [(task["task_id"], task["state"] or "") for task in self._task_instances()]

    def last_end(self, task_id: str) -> datetime:
        """Return when the last instance of an ended task has ended."""
        ends = [task["end_date"] for task in self._task_instances() if task["task_id"] == task_id]
        return max(map(datetime.fromisoformat, ends))

    def _task_instances(self) -> list[dict[str, Any]]:
        listed = self.airflow.api("GET", f"{self.path}/taskInstances?limit=200")
        return list(listed["task_instances"])

    def return_value(self, task_id: str) -> Any:
        """Return the task's XCom ``return_value``."""
        path = f"{self.path}/taskInstances/{task_id}/xcomEntries/return_value?deserialize=true"
        return self.airflow.api("GET", path)["value"]

    def wait_for(self, condition: Callable[[], Any], seconds: float = RUN_TIMEOUT) -> Any:
        """Poll ``condition`` and return its first true value. Raises ServiceError after ``seconds``."""
        deadline = time.monotonic() + seconds
        while not (value := condition()):
            if time.monotonic() > deadline:
                open_tasks = [(task_id, state) for task_id, state in self.tasks() if state != "success"]
                raise ServiceError(f"{self.run_id} is {self.state} after {seconds:.0f} s: {open_tasks}")
            time.sleep(1)
        return value

    def wait_for_end(self) -> str:
        """Wait for the end of the run and return its state."""
        return str(self.wait_for(lambda: (state := self.state) in ("success", "failed") and state))


def _request(method: str, url: str, body: Any = None, headers: Mapping[str, str] | None = None) -> bytes:
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(
        url, data=data, method=method, headers={"Content-Type": "application/json", **(headers or {})}
    )
    try:
        with urllib.request.urlopen(request, timeout=REQUEST_TIMEOUT) as response:
            answer: bytes = response.read()
            return answer
    except urllib.error.HTTPError as error:
        body_text = error.read().decode(errors="replace")
        raise ServiceError(f"{method} {url}: {error.code} {body_text}", error.code) from None


def free_port() -> int:
    """Return a free loopback port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def airflow(
    folder: Path, endpoint: str, *, python: str = sys.executable, **variables: str
) -> Iterator[Airflow]:
    """Run Airflow with its home in ``folder`` against the AWS at ``endpoint``, with one user and a new password.

    ``python`` is the interpreter of the environment in which Airflow is installed; ``variables`` are added to the
    environment of its processes. Raises ServiceError if it is not healthy after START_TIMEOUT.
    """
    url = f"http://127.0.0.1:{free_port()}"
    password, passwords = secrets.token_urlsafe(16), folder / "passwords.json"
    environment = {
        **airflow_home.environment(folder, endpoint),
        "AIRFLOW__API__HOST": "127.0.0.1",
        "AIRFLOW__API__BASE_URL": url,
        "AIRFLOW__API__WORKERS": "1",
        "AIRFLOW__API_AUTH__JWT_SECRET": secrets.token_urlsafe(64),
        "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"{url}/execution/",
        "AIRFLOW__WORKERS__EXECUTION_API_TIMEOUT": "30",
        "AIRFLOW__CORE__EXECUTOR": "LocalExecutor",
        "AIRFLOW__CORE__PARALLELISM": "4",
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS": f"{USER}:admin",
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": str(passwords),
        "AIRFLOW__CORE__DAGS_ARE_PAUSED_AT_CREATION": "False",
        "AIRFLOW__DAG_PROCESSOR__REFRESH_INTERVAL": "10",
        # Parse each DAG file once: the files do not change, and parsing is slow on a busy machine.
        "AIRFLOW__DAG_PROCESSOR__MIN_FILE_PROCESS_INTERVAL": "3600",
        "AIRFLOW__DAG_PROCESSOR__DAG_FILE_PROCESSOR_TIMEOUT": "180",
        "AIRFLOW__CORE__DAGBAG_IMPORT_TIMEOUT": "150",
        **variables,
    }
    logs = folder / "services"
    logs.mkdir(parents=True, exist_ok=True)
    passwords.touch(0o600)
    passwords.write_text(json.dumps({USER: password}))
    airflow_home.migrate(environment, logs / "migrate.log", python)
    running = Airflow(url, password, environment, logs, python)
    with ExitStack() as stack:
        stack.callback(running.stop)
        for component in COMPONENTS:
            running.start(component)
        _wait_until_healthy(running)
        yield running


def _wait_until_healthy(running: Airflow) -> None:
    deadline = time.monotonic() + START_TIMEOUT
    while True:
        try:
            health = json.loads(_request("GET", f"{running.url}/api/v2/monitor/health"))
            unhealthy = [name for name, part in health.items() if part and part["status"] != "healthy"]
        except (OSError, ServiceError) as error:
            unhealthy = [str(error)]
        if not unhealthy:
            return
        for component, process in running.processes.items():
            if process.poll() is not None:
                raise ServiceError(f"airflow {component} has ended; see {running.logs / component}.log")
        if time.monotonic() > deadline:
            raise ServiceError(
                f"not healthy after {START_TIMEOUT} s: {', '.join(unhealthy)}; see {running.logs}"
            )
        time.sleep(0.5)
