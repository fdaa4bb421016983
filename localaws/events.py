"""EventBridge: rules for the status of executions of Step Functions, whose targets are state machines.

moto stores the rules. The events are those of
https://docs.aws.amazon.com/step-functions/latest/dg/eventbridge-integration.html
"""

from __future__ import annotations

import json
import logging
import sys
import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from localaws import ACCOUNT

SOURCE = "aws.states"
DETAIL_TYPE = "Step Functions Execution Status Change"
_RULE_MEMBERS = {"Name", "EventPattern", "State", "Description", "Tags"}
_TARGET_MEMBERS = {"Id", "Arn", "RoleArn"}
log = logging.getLogger(__name__)


def unsupported(operation: str, members: Mapping[str, Any]) -> str:
    """Return what a request has that is not supported; '' if it has nothing of that kind."""
    if members.get("EventBusName", "default") != "default":
        return "an event bus other than default"
    if operation == "PutRule":
        if other := sorted(members.keys() - _RULE_MEMBERS - {"EventBusName"}):
            return f"a rule with {other[0]}"
        return _unsupported_pattern(members.get("EventPattern", ""))
    if operation == "PutTargets":
        for target in members.get("Targets", []):
            if other := sorted(target.keys() - _TARGET_MEMBERS):
                return f"a target with {other[0]}"
            if ":stateMachine:" not in target.get("Arn", ""):
                return f"the target {target.get('Arn')}, only state machines"
    return ""


def _unsupported_pattern(text: str) -> str:
    try:
        pattern = json.loads(text)
    except ValueError:
        return ""  # moto responds
    if not isinstance(pattern, dict) or pattern.get("source") != [SOURCE]:
        return f'a rule whose pattern has another source than ["{SOURCE}"]'
    return "filters in an event pattern, only values" if _has_filter(pattern) else ""


def _has_filter(pattern: Mapping[str, Any]) -> bool:
    return any(
        key.startswith("$")
        or (_has_filter(value) if isinstance(value, dict) else any(isinstance(each, dict) for each in value))
        for key, value in pattern.items()
        if isinstance(value, dict | list)
    )


def execution_changed(execution: Any, endpoint_url: str) -> None:
    """Start the targets of the rules that match the status of moto's ``execution``."""
    event = _event(execution)
    for rule in _rules(execution.region_name):
        if rule.state == "ENABLED" and rule.event_pattern.matches_event(event):
            for target in rule.targets:
                _start(endpoint_url, target["Arn"], event)


def _rules(region: str) -> list[Any]:
    models = sys.modules.get("moto.events.models")
    if not models:  # no rule was ever created
        return []
    return list(models.events_backends[ACCOUNT][region].event_buses["default"].rules.values())


def _event(execution: Any) -> dict[str, Any]:
    detail = {
        "executionArn": execution.exec_arn,
        "stateMachineArn": execution.state_machine.arn,
        "name": execution.name,
        "status": execution.exec_status.value,
        "startDate": _milliseconds(execution.start_date),
        "stopDate": _milliseconds(execution.stop_date),
        "input": json.dumps(execution.input_data),
        "inputDetails": {"included": True},
        "output": None if execution.output is None else json.dumps(execution.output),
        "outputDetails": None if execution.output is None else {"included": True},
        "error": execution.error,
        "cause": execution.cause,
    }
    return {
        "version": "0",
        "id": str(uuid.uuid4()),
        "detail-type": DETAIL_TYPE,
        "source": SOURCE,
        "account": ACCOUNT,
        "time": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "region": execution.region_name,
        "resources": [execution.exec_arn],
        "detail": detail,
    }


def _milliseconds(time: datetime | None) -> int | None:
    return int(time.timestamp() * 1000) if time else None


def _start(endpoint_url: str, arn: str, event: Mapping[str, Any]) -> None:
    """A target that cannot be started is logged, as there is nobody to return an error to."""
    states = boto3.client(
        "stepfunctions",
        endpoint_url=endpoint_url,
        region_name=arn.split(":")[3],
        aws_access_key_id="events",
        aws_secret_access_key="events",
    )
    try:
        states.start_execution(stateMachineArn=arn, input=json.dumps(event))
    except (BotoCoreError, ClientError) as error:
        log.warning("EventBridge cannot start %s: %s", arn, error)
