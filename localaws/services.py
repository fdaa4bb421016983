"""All services of a local AWS with their state: its own EMR, EMR Serverless and Athena, and the others over moto."""

from __future__ import annotations

import json
import shutil
import uuid
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from functools import lru_cache, partial
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any, Generic, TypeVar
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from werkzeug.wrappers import Request, Response

from localaws import StartError
from localaws.budgets import Budget, BudgetsApi
from localaws.cloudformation import saved as cloudformation_saved
from localaws.cloudformation.api import CloudFormationApi, Stacks, availability_zones
from localaws.cloudformation.resources.base import Aws
from localaws.emr import saved as emr_saved
from localaws.emr.api import EmrApi
from localaws.emr.app_uis import AppUis
from localaws.emr.cluster_registry import ClusterRegistry
from localaws.emr.roles import check_execution_role, check_roles
from localaws.emr.runner import Runner
from localaws.emr_serverless import saved as emr_serverless_saved
from localaws.emr_serverless.api import EmrServerlessApi
from localaws.emr_serverless.application_registry import ApplicationRegistry
from localaws.emr_serverless.dashboards import Dashboards
from localaws.emr_serverless.runner import Runner as ServerlessRunner
from localaws.faults.middleware import FaultMiddleware
from localaws.faults.plan import FaultPlan
from localaws.iam.enforcement import Enforcement
from localaws.iam.recording import Recording
from localaws.iam.resources import KnownResources
from localaws.memory import machine_memory
from localaws.moto_services import CATALOG_REGION, MotoServices
from localaws.operations import signing_service
from localaws.protocol import AwsError, JsonService
from localaws.query_protocol import Caller, QueryService
from localaws.rest_protocol import RestJsonService
from localaws.s3.cors import strip_cors_headers
from localaws.s3.mirror import Mirror
from localaws.s3.store import Store
from localaws.service_quotas import ServiceQuotasApi
from localaws.spark.history_server import HistoryServer
from localaws.state.database import Database
from localaws.state.moto_backends import MotoBackends, drop_other_version
from localaws.state.saving import Resources, Saver, Source

if TYPE_CHECKING:
    from localaws.athena.api.operations import AthenaApi

T = TypeVar("T")


@dataclass(frozen=True)
class Settings:
    """The options of the command line that the services need.

    ``phase`` is the duration of STARTING and of BOOTSTRAPPING. ``query_memory``, such as ``2GB``, is the memory limit
    of all Athena queries together (default: a quarter of the machine's memory). ``record_calls`` is a file to which
    each API call is appended, as a line of JSON. ``enforce_iam`` refuses the calls of IAM users and roles that their
    policies do not allow. ``browser_url`` is the server's URL for browsers, in links to the Spark UI (default: that for
    clients). ``s3a_jars`` is a folder with the jars of the S3A connector, through which steps then use S3.
    """

    phase: timedelta
    query_memory: str | None = None
    record_calls: Path | None = None
    enforce_iam: bool = False
    browser_url: str | None = None
    s3a_jars: Path | None = None


class Services:
    """The WSGI application that answers the calls of clients."""

    def __init__(self, state: Path, endpoint_url: str, settings: Settings) -> None:
        """Restore the saved state in the folder ``state``. Raises StartError if it cannot be read."""
        self.endpoint_url, self._settings = endpoint_url, settings
        browser_url = settings.browser_url or endpoint_url
        self.database = Database(state)
        drop_other_version(self.database)
        self.store = Store(state / "s3")
        self._spill = state / "athena"
        self._remove_spill()
        self.plan = FaultPlan()
        self.history_server = HistoryServer(state / "spark-history")
        event_logs = self.history_server.event_logs

        self.clusters = ClusterRegistry()
        self._runner = Runner(
            self.clusters,
            self.store,
            state / "emr",
            event_logs,
            self.plan,
            endpoint_url,
            settings.s3a_jars,
        )
        self._app_uis = AppUis(self.history_server, browser_url)
        emr = EmrApi(self.clusters, settings.phase, check_roles, self._runner.launch, self._app_uis)
        self.applications = ApplicationRegistry()
        job_runs = state / "emr-serverless"
        self._serverless_runner = ServerlessRunner(
            self.applications, self.store, job_runs, event_logs, self.plan
        )
        serverless = EmrServerlessApi(
            self.applications,
            settings.phase,
            check_execution_role,
            self._serverless_runner.launch,
            Dashboards(self.history_server, browser_url, job_runs),
        )
        budgets = BudgetsApi()
        self._emr_serverless = _Lazy(lambda: RestJsonService("emr-serverless", serverless))
        self.athena: _Lazy[AthenaApi] = _Lazy(self._make_athena)
        self._json_services = {
            "ElasticMapReduce": _Lazy(lambda: JsonService("emr", emr)),
            "AWSBudgetServiceGateway": _Lazy(
                lambda: JsonService("budgets", budgets, "InvalidParameterException")
            ),
            "ServiceQuotasV20190624": _Lazy(lambda: JsonService("service-quotas", ServiceQuotasApi())),
            "AmazonAthena": _Lazy(lambda: JsonService("athena", self.athena(), "InvalidRequestException")),
        }
        self._stacks: defaultdict[str, Stacks] = defaultdict(Stacks)  # by region
        self._aws = lru_cache(
            lambda caller: Aws(self.endpoint_url, caller.region, caller.access_key, caller.token)
        )
        self._cloudformation = _Lazy(lambda: QueryService("cloudformation", self._cloudformation_api))
        moto_backends = MotoBackends()
        self._moto = MotoServices(self._wrap_moto, moto_backends.changed)
        self._calls = self._checked_calls()

        moto_backends.load(self.database)
        self._mirror = Mirror(self.store, self.database)
        self._saver = Saver(
            self.database,
            [
                moto_backends,
                *emr_saved.restore(self.database, emr, self.clusters, self._app_uis),
                *emr_serverless_saved.restore(
                    self.database, self.applications, self._serverless_runner.launch
                ),
                *cloudformation_saved.restore(self.database, self._stacks, self._zones),
                _restore_budgets(self.database, budgets),
            ],
        )

    def stop(self) -> None:
        """Terminate all clusters with their processes, and save the state."""
        self._runner.stop()
        self._serverless_runner.stop()
        self.history_server.stop()
        if athena := self.athena.made:
            athena.runner.close()
        self._saver.stop()
        self.database.close()
        self._remove_spill()

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        try:
            return self._calls(environ, start_response)
        except AwsError as error:  # Athena is not installed
            return _json_service_response(error.status, error.body())(environ, start_response)

    def _checked_calls(self) -> WSGIApplication:
        calls: WSGIApplication = FaultMiddleware(
            self._services,
            self.plan,
            self.clusters.get,
            self.applications.get,
            lambda execution_id: self.athena().sql(execution_id),
        )
        if self._settings.enforce_iam:
            calls = Enforcement(calls, self._known_resources())
        if record_calls := self._settings.record_calls:
            try:
                calls = Recording(calls, record_calls, self._known_resources())
            except OSError as error:
                raise StartError(f"cannot record calls in {record_calls}: {error.strerror}") from None
        return calls

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

        return S3App(moto, self.store, self._mirror)

    def _known_resources(self) -> KnownResources:
        def tags(cluster_id: str) -> Mapping[str, str]:
            cluster = self.clusters.get(cluster_id)
            return cluster.tags if cluster else {}

        return KnownResources(
            tags,
            self.applications.tags,
            lambda query: self.athena().workgroup_and_output(query),
            CATALOG_REGION,
            self._app_uis.target,
        )

    def _cloudformation_api(self, caller: Caller) -> CloudFormationApi:
        return CloudFormationApi(self._stacks[caller.region], self._aws(caller))

    def _zones(self, region: str) -> list[str]:
        return availability_zones(self._aws(Caller(region, "localaws", None)), region)

    def _make_athena(self) -> AthenaApi:
        """Raises AwsError if the packages of the extra ``athena`` are not installed."""
        try:
            from localaws.athena.api.operations import build
            from localaws.athena.api.saved import restore
        except ModuleNotFoundError as missing:
            reason = f"Athena without the Python package {missing.name}: pip install 'localaws[athena]'"
            raise AwsError(
                "UnknownOperationException", f"not supported by the local AWS: {reason}", 501
            ) from None

        memory = self._settings.query_memory or f"{machine_memory() // 4 // 2**20}MiB"
        athena = build(self.endpoint_url, self.store, self.plan, memory, self._spill)
        self._saver.add(restore(self.database, athena))
        return athena

    def _remove_spill(self) -> None:
        """Remove the spill files of earlier queries."""
        shutil.rmtree(self._spill, ignore_errors=True)


class _Lazy(Generic[T]):
    """Calls ``make`` at the first call and returns the same object at each call."""

    def __init__(self, make: Callable[[], T]) -> None:
        self._make, self._lock = make, Lock()
        self.made: T | None = None
        """The object; None before the first call."""

    def __call__(self) -> T:
        with self._lock:
            if self.made is None:
                self.made = self._make()
            return self.made


def _restore_budgets(database: Database, api: BudgetsApi) -> Source:
    saved: Resources[Budget] = Resources(
        "budget", lambda: {"/".join(key): budget for key, budget in list(api.budgets.items())}
    )
    for key, budget in saved.load_as(database, Budget).items():
        account, _, name = key.partition("/")
        api.budgets[account, name] = budget
    return saved


def json_response(status: int, members: Any, mimetype: str = "application/json") -> Response:
    headers = {"x-amzn-RequestId": str(uuid.uuid4())}
    return Response(json.dumps(members), status, headers, content_type=mimetype)


_json_service_response = partial(json_response, mimetype="application/x-amz-json-1.1")
