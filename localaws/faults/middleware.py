"""WSGI middleware that applies planned faults to API calls."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from io import BytesIO
from typing import Any, Protocol
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from werkzeug.wrappers import Request, Response

from localaws.faults.error_responses import error_response
from localaws.faults.kinds import CallFault, Delay, DropConnection
from localaws.faults.plan import FaultPlan
from localaws.operations import REST_JSON_SERVICES, SERVICES, Operation, operation_of, s3_target
from localaws.protocol import JSON, OWN_USER_AGENT, AwsError
from localaws.rest_protocol import rest_members


class NamedCluster(Protocol):
    @property
    def name(self) -> str: ...

    @property
    def tags(self) -> Mapping[str, str]: ...


class FaultMiddleware:
    """The WSGI application around ``services``. Calls by the local AWS itself are passed on unchanged."""

    def __init__(
        self,
        services: WSGIApplication,
        plan: FaultPlan,
        cluster: Callable[[str], NamedCluster | None],
        application: Callable[[str], NamedCluster | None],
        sql: Callable[[str], str],
    ) -> None:
        """``cluster`` returns a cluster by its id, ``application`` one of EMR Serverless, ``sql`` a query's text by its
        execution id ('' if unknown).
        """
        self._services, self._plan, self._sql = services, plan, sql
        self._cluster, self._application = cluster, application

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        if self._plan.is_empty or environ.get("HTTP_USER_AGENT", "").startswith(OWN_USER_AGENT):
            return self._services(environ, start_response)
        call = self._call(environ)
        fault = call and self._plan.trigger(CallFault, str(call.operation), call.matches)
        if not call or not fault:
            return self._services(environ, start_response)
        return self._faulty(call.operation, fault, environ)(environ, start_response)

    def _faulty(self, operation: Operation, fault: CallFault, environ: WSGIEnvironment) -> Response:
        answer = Response.from_app(self._services, environ, buffered=True) if fault.after_work else None
        if isinstance(fault, DropConnection):
            environ["werkzeug.socket"].shutdown(socket.SHUT_RDWR)
            raise ConnectionAbortedError  # tells werkzeug that the connection is closed
        if isinstance(fault, Delay):
            time.sleep(fault.seconds)
            return answer or Response.from_app(self._services, environ)
        return error_response(operation, fault)

    def _call(self, environ: WSGIEnvironment) -> _Call | None:
        request = Request(environ)
        operation = operation_of(request)
        if operation is None:
            return None
        if operation.service == "s3":
            return _Call(operation, s3_target(request), ())
        body = request.get_data()
        environ["wsgi.input"] = BytesIO(body)  # the service reads it again
        members = _members(request, operation)
        texts = (
            [*_texts(members), *self._queries(members)] if operation.service == "athena" else _texts(members)
        )
        clusters: Iterable[tuple[str, Mapping[str, str]]] = ()
        if operation.service == "elasticmapreduce":
            clusters = self._clusters(operation, members)
        elif operation.service == "emr-serverless":
            clusters = self._applications(operation, members)
        return _Call(operation, "\n".join(texts), tuple(clusters))

    def _queries(self, members: JSON) -> Iterator[str]:
        for execution_id in [members.get("QueryExecutionId"), *members.get("QueryExecutionIds", [])]:
            if execution_id:
                yield self._sql(execution_id)

    def _clusters(self, operation: Operation, members: JSON) -> Iterator[tuple[str, Mapping[str, str]]]:
        if operation.name == "RunJobFlow":
            yield members.get("Name", ""), {t.get("Key"): t.get("Value") for t in members.get("Tags", [])}
        names = ("ClusterId", "JobFlowId", "ResourceId")
        for cluster_id in [*map(members.get, names), *members.get("JobFlowIds", [])]:
            if cluster_id and (cluster := self._cluster(cluster_id)):
                yield cluster.name, cluster.tags

    def _applications(self, operation: Operation, members: JSON) -> Iterator[tuple[str, Mapping[str, str]]]:
        if operation.name == "CreateApplication":
            yield members.get("name", ""), members.get("tags", {})
        path = members.get("resourceArn", "").partition("/applications/")[2]
        application_id = members.get("applicationId") or path.partition("/")[0]
        if application := self._application(application_id):
            yield application.name, application.tags


@dataclass(frozen=True)
class _Call:
    """An API call; ``clusters`` are the name and the tags of each cluster or application that the call names."""

    operation: Operation
    text: str
    clusters: tuple[tuple[str, Mapping[str, str]], ...]

    def matches(self, fault: CallFault) -> bool:
        if (
            fault.operation not in (self.operation.name, str(self.operation))
            or fault.containing not in self.text
        ):
            return False
        any_cluster = not fault.cluster and not fault.tags
        return any_cluster or any(fault.matches_cluster(name, tags) for name, tags in self.clusters)


def _members(request: Request, operation: Operation) -> JSON:
    """Return the request's members; none if the body is not a JSON object (the service then returns an error)."""
    try:
        if operation.service in REST_JSON_SERVICES:
            return rest_members(SERVICES[operation.service], operation.name, request)
        members = json.loads(request.get_data() or b"{}")
    except (ValueError, AwsError):
        return {}
    return members if isinstance(members, dict) else {}


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for item in value.values() if isinstance(value, dict) else value:
            yield from _texts(item)
