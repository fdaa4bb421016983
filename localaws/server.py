"""The HTTP server of the local AWS: which requests are allowed, and its own paths below ``/_localaws``."""

from __future__ import annotations

import fcntl
import logging
import os
import shutil
import socket
from collections.abc import Iterable, Iterator
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from threading import Lock
from typing import IO, Any
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from moto.moto_server.werkzeug_app import MotoRequestHandler
from werkzeug.serving import BaseWSGIServer, make_server
from werkzeug.wrappers import Request, Response

from localaws import StartError
from localaws.allowlist import Allowlist
from localaws.faults.client import PATH as FAULTS_PATH
from localaws.faults.endpoint import FaultsEndpoint
from localaws.moto_services import OWN_SERVICES, SUPPORTED_OPERATIONS, access_denied
from localaws.page import endpoint as page
from localaws.services import Services, Settings, json_response
from localaws.spark.history_server import PATH as SPARK_UI_PATH
from localaws.state import moto_backends

LOOPBACK = "127.0.0.1"
ALL_INTERFACES = "0.0.0.0"
STOP_POLL_SECONDS = 0.05
"""Interval at which the server checks whether to stop; the default of half a second delays the end of each test."""
HEALTH = "/_localaws/health"
RESET = "/_localaws/reset"
# moto keeps larger parts of an upload in temporary files instead of memory until the upload is complete.
os.environ.setdefault("MOTO_S3_DEFAULT_KEY_BUFFER_SIZE", str(2**20))
os.environ.setdefault("MOTO_IAM_LOAD_MANAGED_POLICIES", "true")  # AWS's managed policies can be attached
log = logging.getLogger(__name__)


class Server:
    """The HTTP server of a local AWS: ``serve`` blocks until ``stop`` is called from another thread."""

    def __init__(
        self,
        state: Path,
        host: str,
        port: int,
        settings: Settings,
        hosts: Iterable[str] = (),
        origins: Iterable[str] = (),
    ) -> None:
        """Sets ``endpoint_url``, the server's URL for clients on this machine. Raises StartError.

        ``hosts`` and ``origins`` are as in Allowlist.
        """
        try:
            self._allowlist = Allowlist([*hosts, *({host} - {ALL_INTERFACES})], origins)
        except ValueError as error:
            raise StartError(str(error)) from None
        self.state, self._settings = state.resolve(), settings
        self._lock_file = _lock(self.state)
        listener = _listen(host, port)
        self.endpoint_url = (
            f"http://{LOOPBACK if host == ALL_INTERFACES else host}:{listener.getsockname()[1]}"
        )
        moto_backends.forget_instances()
        self._services = self._start_services()
        self._resetting = Lock()
        self._server = _serve_on(listener, self)

    def _start_services(self) -> Services:
        return Services(self.state, self.endpoint_url, self._settings)

    def serve(self) -> None:
        self._server.serve_forever(STOP_POLL_SECONDS)

    def stop(self) -> None:
        """Stop serving, terminate all clusters with their processes, and release the state folder."""
        self._server.shutdown()
        self._services.stop()
        self._server.server_close()
        self._lock_file.close()

    def reset(self) -> None:
        """End all clusters and job runs, and remove the whole state: the local AWS is as new."""
        with self._resetting:
            self._services.stop()
            moto_backends.reset()
            for path in self.state.iterdir():
                if path.is_dir():
                    shutil.rmtree(path)
                elif path.name.startswith("state"):
                    path.unlink()
            self._services = self._start_services()

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        return self._application(environ)(environ, start_response)

    def _application(self, environ: WSGIEnvironment) -> WSGIApplication:  # noqa: PLR0911 - one return for each path
        path, services = environ["PATH_INFO"], self._services
        is_link = services.history_server.is_linked(path)
        if reason := self._allowlist.rejection(environ, is_link):
            return self._refused(Request(environ), reason)
        if path.startswith(f"{SPARK_UI_PATH}/"):
            return services.history_server.answer(Request(environ))
        if path == HEALTH:
            return json_response(200, self.health())
        if path == RESET:
            return self._answer_reset(Request(environ))
        if f"{path}/".startswith(f"{FAULTS_PATH}/"):
            return FaultsEndpoint(services.plan).answer(Request(environ))
        if page.is_page(Request(environ)):
            return page.answer(Request(environ), services, self.state)
        return services

    def _answer_reset(self, request: Request) -> Response:
        if request.method != "POST":
            return json_response(405, {"error": f"use POST {RESET}"})
        self.reset()
        return json_response(200, {})

    def health(self) -> dict[str, Any]:
        return {
            "versions": dict(_versions("moto", "pyspark", "duckdb")),
            "services": sorted([*OWN_SERVICES, *SUPPORTED_OPERATIONS]),
            "state": str(self.state),
            "clusters": [
                {"id": cluster.id, "name": cluster.name, "state": cluster.state}
                for cluster in self._services.clusters.newest_first()
                if cluster.is_alive
            ],
            "applications": [
                {"id": application.id, "name": application.name, "state": application.state}
                for application in self._services.applications.live_applications()
            ],
        }

    def _refused(self, request: Request, reason: str) -> Response:
        if request.path.startswith("/_localaws/"):
            return json_response(403, {"error": reason})
        return access_denied(request, reason)


class _Handler(MotoRequestHandler):
    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Do not log requests; errors are still logged."""


def _serve_on(listener: socket.socket, app: WSGIApplication) -> BaseWSGIServer:
    with listener:  # the server uses a duplicate of its file descriptor
        host, port = listener.getsockname()
        return make_server(host, port, app, threaded=True, request_handler=_Handler, fd=listener.fileno())


def _lock(state: Path) -> IO[str]:
    """Return the locked file of the state folder; closing it, or the end of the process, releases the lock."""
    try:
        state.mkdir(parents=True, exist_ok=True)
        lock_file = (state / "lock").open("w")
    except OSError as error:
        raise StartError(f"cannot write to the state folder {state}: {error.strerror}") from None
    try:
        fcntl.flock(lock_file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        lock_file.close()
        raise StartError(f"another local AWS is using the state folder {state}") from None
    return lock_file


def _listen(host: str, port: int) -> socket.socket:
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except (OSError, OverflowError) as error:
        listener.close()
        raise StartError(f"cannot listen on {host}:{port}: {error}") from None
    listener.listen(128)
    return listener


def _versions(*packages: str) -> Iterator[tuple[str, str]]:
    """Yield the packages that are installed with their versions."""
    for package in packages:
        with suppress(PackageNotFoundError):
            yield package, version(package)
