"""Spark's history server over the event logs of all applications: started when needed, stopped when idle.

Browsers reach it through the local AWS, below a path with a random token. So it needs no port that is open to others,
and a web page cannot guess its address.
https://spark.apache.org/docs/latest/monitoring.html#viewing-after-the-fact
"""

from __future__ import annotations

import re
import secrets
import subprocess
import sys
import time
from contextlib import suppress
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from threading import Lock, Thread
from urllib.parse import quote, urlsplit

from werkzeug.wrappers import Request, Response

from localaws.spark import submit, supervisor
from localaws.spark.installation import SparkMissingError, find_spark

PATH = "/_localaws/spark-ui"
LINK_SECONDS = 3600.0
"""How long a link can be used."""

IDLE_SECONDS = 300.0
START_SECONDS = 120.0
READ_SECONDS = 60.0
"""The longest wait for an application whose event log the server has not read yet."""

READ_AGAIN_SECONDS = 0.5
MEMORY = "256m"
HEADERS = ("Accept", "Accept-Encoding", "Accept-Language", "User-Agent")
"""The headers of a browser that are passed on."""

CONNECTION_HEADERS = frozenset({"connection", "date", "keep-alive", "server", "transfer-encoding"})
BLOCK_BYTES = 64 * 1024
LOOPBACK = "127.0.0.1"
_APPLICATION_PAGE = re.compile(r"history/([^/]+)/jobs/")
_STARTED = re.compile(r"Bound HistoryServer to \S+, and started at http://\S+:(\d+)$", re.MULTILINE)


class HistoryServerError(Exception):
    """The history server does not start; the message is the reason."""


class HistoryServer:
    """``folder`` is for the event logs, in ``event-logs``, and for the files of the process.

    One history server has the applications of all clusters: each would need hundreds of megabytes of memory.
    """

    def __init__(self, folder: Path, idle_seconds: float = IDLE_SECONDS) -> None:
        self.event_logs = folder / "event-logs"
        self.event_logs.mkdir(parents=True, exist_ok=True)
        self._folder, self.idle_seconds = folder, idle_seconds
        self._process: subprocess.Popen[bytes] | None = None
        self._port, self._used = 0, 0.0
        self._links: dict[str, float] = {}  # the time at which each token expires
        self._lock = Lock()

    def link(self, application_id: str | None = None) -> str:
        """Return a new path of an application, or of the list of applications, which can be used for an hour."""
        now = time.monotonic()
        token = secrets.token_urlsafe(24)
        self._links = {known: end for known, end in self._links.items() if end > now} | {
            token: now + LINK_SECONDS
        }
        page = f"history/{quote(application_id, safe='')}/jobs/" if application_id else ""
        return f"{PATH}/{token}/{page}"

    def is_linked(self, path: str) -> bool:
        """Return whether the path belongs to a link that has not expired."""
        token = path.removeprefix(f"{PATH}/").partition("/")[0]
        return path.startswith(f"{PATH}/") and self._links.get(token, 0.0) > time.monotonic()

    def is_ready(self) -> bool:
        """Return whether the server is running; if it is not, start it in the background."""
        if self._port and self._is_running():
            return True
        if not self._lock.locked():
            Thread(target=self._try_start, name="start of the history server", daemon=True).start()
        return False

    def answer(self, request: Request) -> Response:
        """Return the response of the history server to a browser's request below ``PATH``."""
        if not self.is_linked(request.path):
            return Response(
                "This link has expired. Open the Spark UI again from the page with the link.\n", 403
            )
        if request.method not in {"GET", "HEAD"}:
            return Response("The Spark UI can only be read.\n", 405)
        token, _, page = request.path.removeprefix(f"{PATH}/").partition("/")
        base = f"{PATH}/{token}"
        headers = {name: request.headers[name] for name in HEADERS if name in request.headers}
        headers["X-Forwarded-Context"] = base  # Spark puts it before the paths in its pages
        target = f"/{quote(page)}" + (f"?{request.query_string.decode()}" if request.query_string else "")
        deadline = time.monotonic() + (READ_SECONDS if self._has_event_log(page) else 0.0)
        try:
            while True:
                connection = HTTPConnection(LOOPBACK, self._port_of_running_server(), timeout=START_SECONDS)
                connection.request(request.method, target, headers=headers)
                found = connection.getresponse()
                if found.status != HTTPStatus.NOT_FOUND or time.monotonic() > deadline:
                    break
                connection.close()
                time.sleep(READ_AGAIN_SECONDS)
        except (HistoryServerError, HTTPException, OSError) as error:
            return Response(f"Spark's history server does not answer: {error}\n", 502)
        kept = {name: value for name, value in found.getheaders() if name.lower() not in CONNECTION_HEADERS}
        if "Location" in kept:
            kept["Location"] = _below(base, kept["Location"])
        response = Response(iter(lambda: found.read(BLOCK_BYTES), b""), found.status, kept)
        response.call_on_close(connection.close)
        return response

    def _has_event_log(self, page: str) -> bool:
        """Return whether the page is that of an application that has an event log."""
        if not (application := _APPLICATION_PAGE.fullmatch(page)):
            return False
        return any(application[1] in log.name for log in self.event_logs.iterdir())

    def stop(self) -> None:
        with self._lock:
            self._stop()

    def _is_running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def _try_start(self) -> None:
        with suppress(HistoryServerError):  # the request for a page starts it again, and reports the error
            self._port_of_running_server()

    def _port_of_running_server(self) -> int:
        """Start the server if it is not running. Raises HistoryServerError."""
        with self._lock:
            self._used = time.monotonic()
            if not self._is_running():
                self._start()
            return self._port

    def _start(self) -> None:
        log, work = self._folder / "history-server.log", self._folder / "work"
        for folder in (self.event_logs, work):
            folder.mkdir(parents=True, exist_ok=True)
        try:
            spark = find_spark()
        except SparkMissingError as error:
            raise HistoryServerError(str(error)) from None
        properties = {
            "spark.history.fs.logDirectory": self.event_logs.as_uri(),
            "spark.history.fs.update.interval": "2s",
            "spark.history.ui.port": "0",
        }
        environment = submit.environment(spark, work) | {
            "SPARK_DAEMON_MEMORY": MEMORY,
            "SPARK_HISTORY_OPTS": " ".join(f"-D{name}={value}" for name, value in properties.items()),
        }
        command = [str(spark.home / "bin" / "spark-class"), "org.apache.spark.deploy.history.HistoryServer"]
        with log.open("wb") as output:
            self._process = subprocess.Popen(
                [sys.executable, "-I", supervisor.__file__, *command],
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=output,
                cwd=work,
                env=environment,
                start_new_session=True,
            )
        self._port = 0
        deadline = time.monotonic() + START_SECONDS
        while not (started := _STARTED.search(log.read_text(errors="replace"))):
            if not self._is_running() or time.monotonic() > deadline:
                self._stop()
                raise HistoryServerError(f"it has not started; its log is {log}")
            time.sleep(0.1)
        self._port = int(started[1])
        Thread(target=self._stop_when_idle, args=[self._process], name="history server", daemon=True).start()

    def _stop_when_idle(self, process: subprocess.Popen[bytes]) -> None:
        while process.poll() is None:
            time.sleep(0.5)
            with self._lock:
                if process is self._process and time.monotonic() - self._used > self.idle_seconds:
                    self._stop()

    def _stop(self) -> None:
        if self._process is None:
            return
        assert self._process.stdin
        self._process.stdin.close()  # the supervisor then ends all processes
        self._process.wait()
        supervisor.kill_session(self._process.pid)
        self._process, self._port = None, 0


def _below(base: str, location: str) -> str:
    """Return the path of a redirect, below ``base``."""
    parts = urlsplit(location)
    path = parts.path if parts.path.startswith(f"{base}/") else f"{base}{parts.path}"
    return f"{path}?{parts.query}" if parts.query else path
