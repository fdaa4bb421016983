"""The HTTP server of the local AWS: its own EMR, EMR Serverless and Athena, and the other services over moto."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import socket
import uuid
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from datetime import timedelta
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from threading import Lock
from typing import IO, TYPE_CHECKING, Any, Generic, TypeVar
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from moto.moto_server.werkzeug_app import MotoRequestHandler
from werkzeug.serving import BaseWSGIServer, make_server
from werkzeug.wrappers import Request, Response

from localaws import StartError
from localaws.allowlist import Allowlist
from localaws.budgets import BudgetsApi
from localaws.cloudformation.api import CloudFormationApi, Stacks
from localaws.cloudformation.resources.base import Aws
from localaws.emr.api import EmrApi
from localaws.emr.app_uis import AppUis
from localaws.emr.cluster_registry import ClusterRegistry
from localaws.emr.roles import check_execution_role, check_roles
from localaws.emr.runner import Runner
from localaws.emr_serverless.api import EmrServerlessApi
from localaws.emr_serverless.application_registry import ApplicationRegistry
from localaws.emr_serverless.dashboards import Dashboards
from localaws.emr_serverless.runner import Runner as ServerlessRunner
from localaws.faults.client import PATH as FAULTS_PATH
from localaws.faults.endpoint import FaultsEndpoint
from localaws.faults.middleware import FaultMiddleware
from localaws.faults.plan import FaultPlan
from localaws.iam.enforcement import Enforcement
from localaws.iam.recording import Recording
from localaws.iam.resources import KnownResources
from localaws.memory import machine_memory
from localaws.moto_services import (
    CATALOG_REGION,
    OWN_SERVICES,
    SUPPORTED_OPERATIONS,
    MotoServices,
    access_denied,
)
from localaws.operations import signing_service
from localaws.protocol import AwsError, JsonService
from localaws.query_protocol import Caller, QueryService
from localaws.rest_protocol import RestJsonService
from localaws.s3.cors import strip_cors_headers
from localaws.s3.store import Store
from localaws.service_quotas import ServiceQuotasApi
from localaws.spark.history_server import PATH as SPARK_UI_PATH
from localaws.spark.history_server import HistoryServer

if TYPE_CHECKING:
    from localaws.athena.api.operations import AthenaApi

T = TypeVar("T")
LOOPBACK = "127.0.0.1"
ALL_INTERFACES = "0.0.0.0"
HEALTH = "/_localaws/health"
# moto keeps larger parts of an upload in temporary files instead of memory until the upload is complete.
os.environ.setdefault("MOTO_S3_DEFAULT_KEY_BUFFER_SIZE", str(2**20))
os.environ.setdefault("MOTO_IAM_LOAD_MANAGED_POLICIES", "true")  # AWS's managed policies can be attached


class Server:
    """The HTTP server of a local AWS: ``serve`` blocks until ``stop`` is called from another thread."""

    def __init__(
        self,
        state: Path,
        host: str,
        port: int,
        phase: timedelta,
        hosts: Iterable[str] = (),
        origins: Iterable[str] = (),
        query_memory: str | None = None,
        record_calls: Path | None = None,
        enforce_iam: bool = False,
        browser_url: str | None = None,
    ) -> None:
        """Sets ``endpoint_url``, the server's URL for clients on this machine. Raises StartError.

        ``phase`` is the duration of STARTING and of BOOTSTRAPPING; ``hosts`` and ``origins`` are as in Allowlist;
        ``query_memory``, such as ``2GB``, is the memory limit of all Athena queries together (default: a quarter of
        the machine's memory). ``record_calls`` is a file to which each API call is appended, as a line of JSON.
        ``enforce_iam`` refuses the calls of IAM users and roles that their policies do not allow. ``browser_url`` is
        the server's URL for browsers, in links to the Spark UI (default: ``endpoint_url``).
        """
        try:
            self._allowlist = Allowlist([*hosts, *({host} - {ALL_INTERFACES})], origins)
        except ValueError as error:
            raise StartError(str(error)) from None
        self.state = state.resolve()
        self._lock_file = _lock(self.state)
        listener = _listen(host, port)
        self.endpoint_url = (
            f"http://{LOOPBACK if host == ALL_INTERFACES else host}:{listener.getsockname()[1]}"
        )
        self._store = Store(self.state / "s3")
        self._spill = self.state / "athena"
        self._remove_spill()
        self._registry = ClusterRegistry()
        plan = FaultPlan()
        self._faults = FaultsEndpoint(plan)
        self._history_server = HistoryServer(self.state / "spark-history")
        event_logs = self._history_server.event_logs
        self._runner = Runner(self._registry, self._store, self.state / "emr", event_logs, plan)
        self._app_uis = AppUis(self._history_server, browser_url or self.endpoint_url)
        emr = EmrApi(self._registry, phase, check_roles, self._runner.launch, self._app_uis)
        self._applications = ApplicationRegistry()
        job_runs = self.state / "emr-serverless"
        self._serverless_runner = ServerlessRunner(
            self._applications, self._store, job_runs, event_logs, plan
        )
        serverless = EmrServerlessApi(
            self._applications,
            phase,
            check_execution_role,
            self._serverless_runner.launch,
            Dashboards(self._history_server, browser_url or self.endpoint_url, job_runs),
        )
        self._emr_serverless = _Lazy(lambda: RestJsonService("emr-serverless", serverless))
        self._athena: _Lazy[AthenaApi] = _Lazy(lambda: self._make_athena(plan, query_memory))
        self._json_services = {
            "ElasticMapReduce": _Lazy(lambda: JsonService("emr", emr)),
            "AWSBudgetServiceGateway": _Lazy(
                lambda: JsonService("budgets", BudgetsApi(), "InvalidParameterException")
            ),
            "ServiceQuotasV20190624": _Lazy(lambda: JsonService("service-quotas", ServiceQuotasApi())),
            "AmazonAthena": _Lazy(lambda: JsonService("athena", self._athena(), "InvalidRequestException")),
        }
        self._stacks: defaultdict[str, Stacks] = defaultdict(Stacks)  # by region
        self._aws = lru_cache(
            lambda caller: Aws(self.endpoint_url, caller.region, caller.access_key, caller.token)
        )
        self._cloudformation = _Lazy(lambda: QueryService("cloudformation", self._cloudformation_api))
        self._fault_middleware = FaultMiddleware(
            self._services,
            plan,
            self._registry.get,
            self._applications.get,
            lambda execution_id: self._athena().sql(execution_id),
        )
        self._moto = MotoServices(self._wrap_moto)
        self._calls: WSGIApplication = self._fault_middleware
        if enforce_iam:
            self._calls = Enforcement(self._calls, self._known_resources())
        if record_calls:
            try:
                self._calls = Recording(self._calls, record_calls, self._known_resources())
            except OSError as error:
                raise StartError(f"cannot record calls in {record_calls}: {error.strerror}") from None
        self._server = _serve_on(listener, self)

    def serve(self) -> None:
        self._server.serve_forever()

    def stop(self) -> None:
        """Stop serving, terminate all clusters with their processes, and release the state folder."""
        self._server.shutdown()
        self._runner.stop()
        self._serverless_runner.stop()
        self._history_server.stop()
        self._server.server_close()
        self._remove_spill()
        self._lock_file.close()

    def _remove_spill(self) -> None:
        """Remove the spill files of earlier queries."""
        shutil.rmtree(self._spill, ignore_errors=True)

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        is_link = self._history_server.is_linked(environ["PATH_INFO"])
        if reason := self._allowlist.rejection(environ, is_link):
            return self._refused(Request(environ), reason)(environ, start_response)
        if environ["PATH_INFO"].startswith(f"{SPARK_UI_PATH}/"):
            return self._history_server.answer(Request(environ))(environ, start_response)
        if environ["PATH_INFO"] == HEALTH:
            return _json(200, self.health(), "application/json")(environ, start_response)
        if f"{environ['PATH_INFO']}/".startswith(f"{FAULTS_PATH}/"):
            return self._faults.answer(Request(environ))(environ, start_response)
        try:
            return self._calls(environ, start_response)
        except AwsError as error:  # Athena is not installed
            return _json_service_response(error.status, error.body())(environ, start_response)

    def _services(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        target = environ.get("HTTP_X_AMZ_TARGET", "")
        if service := self._json_services.get(target.partition(".")[0]):
            answer = service().handle(target, Request(environ).get_data())
            return _json_service_response(*answer)(environ, start_response)
        match signing_service(Request(environ)):
            case "cloudformation":
                return self._cloudformation().handle(Request(environ))(environ, start_response)
            case "emr-serverless":
                return self._emr_serverless().handle(Request(environ))(environ, start_response)
        response: Iterable[bytes] = self._moto(environ, start_response)
        return response

    def health(self) -> dict[str, Any]:
        return {
            "versions": dict(_versions("moto", "pyspark", "duckdb")),
            "services": sorted([*OWN_SERVICES, *SUPPORTED_OPERATIONS]),
            "state": str(self.state),
            "clusters": [
                {"id": cluster.id, "name": cluster.name, "state": cluster.state}
                for cluster in self._registry.newest_first()
                if cluster.is_alive
            ],
            "applications": [
                {"id": application.id, "name": application.name, "state": application.state}
                for application in self._applications.live_applications()
            ],
        }

    def _refused(self, request: Request, reason: str) -> Response:
        if request.path.startswith("/_localaws/"):
            return _json(403, {"error": reason}, "application/json")
        return access_denied(request, reason)

    def _wrap_moto(self, service: str, moto: WSGIApplication) -> WSGIApplication:
        moto = strip_cors_headers(moto)
        if service == "sns":
            from localaws.sns import with_pending_mail

            return with_pending_mail(moto)
        if service == "iam":
            from localaws.iam.simulation import with_simulation

            return with_simulation(moto)
        if service == "stepfunctions":
            with suppress(ModuleNotFoundError):  # CreateStateMachine is refused then
                from localaws.stepfunctions.tasks import install

                install(self.endpoint_url)
        if service != "s3":
            return moto
        from localaws.s3.app import S3App

        return S3App(moto, self._store)

    def _known_resources(self) -> KnownResources:
        def tags(cluster_id: str) -> Mapping[str, str]:
            cluster = self._registry.get(cluster_id)
            return cluster.tags if cluster else {}

        return KnownResources(
            tags,
            self._applications.tags,
            lambda query: self._athena().workgroup_and_output(query),
            CATALOG_REGION,
            self._app_uis.target,
        )

    def _cloudformation_api(self, caller: Caller) -> CloudFormationApi:
        return CloudFormationApi(self._stacks[caller.region], self._aws(caller))

    def _make_athena(self, plan: FaultPlan, memory: str | None) -> AthenaApi:
        """Raises AwsError if the packages of the extra ``athena`` are not installed."""
        try:
            from localaws.athena.api.operations import build
        except ModuleNotFoundError as missing:
            reason = f"Athena without the Python package {missing.name}: pip install 'localaws[athena]'"
            raise AwsError(
                "UnknownOperationException", f"not supported by the local AWS: {reason}", 501
            ) from None

        share = memory or f"{machine_memory() // 4 // 2**20}MiB"
        return build(self.endpoint_url, self._store, plan, share, self._spill)


class _Lazy(Generic[T]):
    """Calls ``make`` at the first call and returns the same object at each call."""

    def __init__(self, make: Callable[[], T]) -> None:
        self._make, self._lock = make, Lock()
        self._made: T | None = None

    def __call__(self) -> T:
        with self._lock:
            if self._made is None:
                self._made = self._make()
            return self._made


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


def _json_service_response(status: int, members: Any) -> Response:
    return _json(status, members, "application/x-amz-json-1.1")


def _json(status: int, members: Any, mimetype: str) -> Response:
    headers = {"x-amzn-RequestId": str(uuid.uuid4())}
    return Response(json.dumps(members), status, headers, content_type=mimetype)
