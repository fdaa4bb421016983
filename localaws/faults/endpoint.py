"""The HTTP endpoint ``/_localaws/faults``: POST plans faults, GET lists them, DELETE removes them."""

from __future__ import annotations

import json
from typing import Any

from werkzeug.wrappers import Request, Response

from localaws.faults.client import PATH
from localaws.faults.error_responses import QUOTA_EXCEEDED
from localaws.faults.kinds import CallFault, Fault, QuotaExceeded, all_from_json
from localaws.faults.plan import FaultPlan
from localaws.operations import SERVICES, Operation, qualified_names, targets_cluster


class FaultsEndpoint:
    def __init__(self, plan: FaultPlan) -> None:
        self._plan = plan

    def answer(self, request: Request) -> Response:
        fault_id = request.path.removeprefix(PATH).lstrip("/")
        match request.method, fault_id:
            case "POST", "":
                return self._add(request)
            case "GET", "":
                return _json(200, {"faults": self._plan.report()})
            case "DELETE", "":
                self._plan.clear()
                return _json(200, {})
            case "DELETE", _:
                return self._remove(fault_id)
        return _json(405, {"error": f"use POST, GET or DELETE {PATH}, or DELETE {PATH}/<id>"})

    def _add(self, request: Request) -> Response:
        try:
            faults = all_from_json(json.loads(request.get_data()))
            for fault in faults:
                _check(fault)
        except (ValueError, TypeError) as error:
            return _json(400, {"error": str(error)})
        return _json(200, {"ids": self._plan.add(faults)})

    def _remove(self, fault_id: str) -> Response:
        try:
            self._plan.remove(fault_id)
        except KeyError:
            return _json(404, {"error": f"{fault_id} is not planned"})
        return _json(200, {})


def _check(fault: Fault) -> None:
    """Raise ValueError for a call fault that could never trigger, or whose operation is ambiguous."""
    if not isinstance(fault, CallFault):
        return
    [name, *others] = qualified_names(fault.operation) or [""]
    if not name:
        raise ValueError(f"{fault.operation!r} is not an operation of {', '.join(SERVICES)}")
    if others:
        raise ValueError(f"{fault.operation!r} is ambiguous: use {name} or {' or '.join(others)}")
    service, _, operation = name.partition(":")
    if isinstance(fault, QuotaExceeded) and QUOTA_EXCEEDED not in Operation(service, operation).errors:
        raise ValueError(f"{name} has no {QUOTA_EXCEEDED}")
    if (fault.cluster or fault.tags) and not targets_cluster(name):
        raise ValueError(f"{name} does not name a cluster or an application: omit cluster and tags")


def _json(status: int, members: Any) -> Response:
    return Response(json.dumps(members), status, mimetype="application/json")
