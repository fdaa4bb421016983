"""Client of a local AWS's fault endpoint."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any
from urllib.error import HTTPError
from urllib.request import ProxyHandler, Request, build_opener

from localaws.faults.kinds import Fault, from_json, to_json

PATH = "/_localaws/faults"
TIMEOUT = 30.0  # seconds


class FaultRejected(Exception):
    """The local AWS has rejected the request; the message says why."""


@dataclass(frozen=True)
class Planned:
    """A planned fault; it has triggered ``triggered`` of ``fault.times`` times."""

    id: str
    fault: Fault
    triggered: int


class Faults:
    """The planned faults of the local AWS at ``endpoint``, such as ``http://127.0.0.1:4566``."""

    def __init__(self, endpoint: str) -> None:
        self._url = endpoint.rstrip("/") + PATH
        self._opener = build_opener(ProxyHandler({}))  # the server is on this machine: do not use a proxy

    def plan(self, *faults: Fault) -> list[str]:
        """Plan the faults and return their ids. Raises FaultRejected, and then plans none of them."""
        ids: list[str] = self._send("POST", [to_json(fault) for fault in faults])["ids"]
        return ids

    def planned(self) -> list[Planned]:
        """Return all planned faults, including those that will not trigger again."""
        found = []
        for entry in self._send("GET")["faults"]:
            identity, triggered = entry.pop("id"), entry.pop("triggered")
            found.append(Planned(identity, from_json(entry), triggered))
        return found

    def triggered(self, fault_id: str) -> int:
        """Return how many times the fault has triggered. Raises KeyError if it is not planned."""
        return {planned.id: planned.triggered for planned in self.planned()}[fault_id]

    def clear(self, *ids: str) -> None:
        """Remove these faults, or all if no id is given. Raises FaultRejected if an id is not planned."""
        for suffix in [f"/{fault_id}" for fault_id in ids] or [""]:
            self._send("DELETE", suffix=suffix)

    def _send(self, method: str, body: Any = None, suffix: str = "") -> Any:
        data = None if body is None else json.dumps(body).encode()
        headers = {"Content-Type": "application/json"}
        request = Request(self._url + suffix, data=data, headers=headers, method=method)
        try:
            with self._opener.open(request, timeout=TIMEOUT) as response:
                return json.load(response)
        except HTTPError as error:
            raise FaultRejected(json.load(error)["error"]) from None
