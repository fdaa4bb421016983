"""What the interpreter does not support is refused when a state machine is created."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from localaws.operations import service_model

_SDK = "arn:aws:states:::aws-sdk:"
_RESOURCE = re.compile(r"arn:aws:states:::(?:aws-sdk:)?([\w-]+):(\w+)(?:\.([\w:]+))?")
_FIELDS = ("Credentials", "HeartbeatSeconds", "ItemBatcher", "ItemReader", "ResultWriter")


def unsupported(members: Mapping[str, Any], operations: Mapping[str, frozenset[str]]) -> str:
    """Return what a request that defines a state machine has that is not supported; '' if it has nothing of that kind.

    ``operations`` are those of moto's services that a task of ``aws-sdk`` may call. A definition that is not valid is
    left to the interpreter. Raises ModuleNotFoundError if the packages of the extra ``stepfunctions`` are missing.
    """
    from localaws.stepfunctions.tasks import ACTIONS

    if members.get("type", "STANDARD") != "STANDARD":
        return f"a state machine of the type {members['type']}, only STANDARD"
    if members.get("loggingConfiguration", {}).get("level", "OFF") != "OFF":
        return "the log of a state machine"
    if members.get("tracingConfiguration", {}).get("enabled"):
        return "the tracing of a state machine"
    waiting = {name for name, action in ACTIONS.items() if action.look}
    try:
        states = [*_states(json.loads(members.get("definition", "null")))]
    except ValueError:
        return ""
    return next(
        (reason for state in states if (reason := _unsupported_state(state, waiting, operations))), ""
    )


def _states(machine: Any) -> Iterator[Mapping[str, Any]]:
    """Yield all states, with the processors of Map states and the branches of Parallel states."""
    states = machine.get("States") if isinstance(machine, dict) else None
    for state in states.values() if isinstance(states, dict) else ():
        if isinstance(state, dict):
            yield state
            for inner in (state.get("ItemProcessor"), state.get("Iterator"), *(state.get("Branches") or ())):
                yield from _states(inner)


def _unsupported_state(
    state: Mapping[str, Any], waiting: set[tuple[str, str]], operations: Mapping[str, frozenset[str]]
) -> str:
    """``waiting`` are the tasks that may be used with ``.sync``."""
    from localaws.stepfunctions.tasks import ACTIONS

    if field := next((name for name in _FIELDS if name in state), ""):
        return f"a state with {field}"
    if "DISTRIBUTED" in json.dumps((state.get("ItemProcessor") or {}).get("ProcessorConfig")):
        return "a distributed Map state"
    if state.get("Type") != "Task":
        return ""
    resource = str(state.get("Resource"))
    found = _RESOURCE.fullmatch(resource)
    service, action, pattern = found.groups("") if found else ("", "", "")
    if resource.startswith(_SDK):
        supported = not pattern and _has(service, action[:1].upper() + action[1:], operations)
    else:
        supported = (service, action) in {"": ACTIONS.keys(), "sync": waiting}.get(pattern, ())
    return "" if supported else f"a task of {resource}"


def _has(service: str, operation: str, operations: Mapping[str, frozenset[str]]) -> bool:
    """Return whether the local AWS has the operation; EMR and Athena refuse the others themselves."""
    if service in ("emr", "athena"):
        return operation in service_model(service).operation_names
    return operation in operations.get(service, ())
