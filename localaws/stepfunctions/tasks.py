"""The Task states: EMR and Athena with ``.sync``, and ``aws-sdk``, all against the local AWS.

https://docs.aws.amazon.com/step-functions/latest/dg/connect-emr.html
https://docs.aws.amazon.com/step-functions/latest/dg/connect-athena.html
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, cast
from uuid import uuid4

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError
from moto.core.config import default_user_config
from moto.core.exceptions import AWSError
from moto.stepfunctions.parser.api import (
    ExecutionStatus,
    HistoryEventType,
    InvalidDefinition,
    TaskFailedEventDetails,
)
from moto.stepfunctions.parser.asl.component.common.error_name.error_name import ErrorName
from moto.stepfunctions.parser.asl.component.common.error_name.failure_event import (
    FailureEvent,
    FailureEventException,
)
from moto.stepfunctions.parser.asl.component.state.exec.state_map.iteration import iteration_worker
from moto.stepfunctions.parser.asl.component.state.exec.state_parallel import branches_decl
from moto.stepfunctions.parser.asl.component.state.exec.state_task import state_task_factory
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service import state_task_service_aws_sdk
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service.state_task_service import (
    StateTaskService,
)
from moto.stepfunctions.parser.asl.eval.event.event_detail import EventDetails
from moto.stepfunctions.parser.asl.utils.encoding import to_json_str
from moto.stepfunctions.parser.backend import execution as execution_module
from moto.stepfunctions.parser.models import StepFunctionsParserBackend, stepfunctions_parser_backends

from localaws import events
from localaws.stepfunctions import jsonata

POLL_SECONDS = 0.5
"""AWS polls EMR after 60 s, and every 300 s after the first ten minutes."""

Members = dict[str, Any]


@dataclass(frozen=True)
class Action:
    """An optimised integration: how it starts, and what ``.sync`` waits for."""

    start: Callable[[Any, Members], Members]
    """Sends the request with boto3 and returns the result without ``.sync``."""
    look: Callable[[Any, Members, Members], tuple[str, Members]] | None = None
    """Returns the state and the result with ``.sync``, from the arguments and the result of ``start``."""
    done: tuple[str, ...] = ()
    failed: tuple[str, ...] = ()


def _create_cluster(emr: Any, arguments: Members) -> Members:
    created = emr.run_job_flow(**arguments)
    return {"ClusterId": created["JobFlowId"], "ClusterArn": created["ClusterArn"]}


def _add_step(emr: Any, arguments: Members) -> Members:
    added = emr.add_job_flow_steps(JobFlowId=arguments["ClusterId"], Steps=[arguments["Step"]])
    return {"StepId": added["StepIds"][0]}


def _terminate(emr: Any, arguments: Members) -> Members:
    emr.terminate_job_flows(JobFlowIds=[arguments["ClusterId"]])
    return {}


def _cluster(emr: Any, arguments: Members, started: Members) -> tuple[str, Members]:
    cluster = emr.describe_cluster(ClusterId=started.get("ClusterId") or arguments["ClusterId"])["Cluster"]
    return cluster["Status"]["State"], started | {"Cluster": cluster}


def _step(emr: Any, arguments: Members, started: Members) -> tuple[str, Members]:
    step = emr.describe_step(ClusterId=arguments["ClusterId"], StepId=started["StepId"])["Step"]
    return step["Status"]["State"], {"Step": step}


def _query(athena: Any, arguments: Members, started: Members) -> tuple[str, Members]:
    found = athena.get_query_execution(QueryExecutionId=started["QueryExecutionId"])["QueryExecution"]
    return found["Status"]["State"], {"QueryExecution": found}


ENDED = ("TERMINATED", "TERMINATED_WITH_ERRORS")
ACTIONS = {
    ("elasticmapreduce", "createCluster"): Action(_create_cluster, _cluster, ("WAITING", "RUNNING"), ENDED),
    ("elasticmapreduce", "addStep"): Action(
        _add_step, _step, ("COMPLETED",), ("FAILED", "CANCELLED", "INTERRUPTED")
    ),
    ("elasticmapreduce", "terminateCluster"): Action(_terminate, _cluster, ENDED),
    ("athena", "startQueryExecution"): Action(
        lambda athena, arguments: dict(athena.start_query_execution(**arguments)),
        _query,
        ("SUCCEEDED",),
        ("FAILED", "CANCELLED"),
    ),
    ("athena", "getQueryExecution"): Action(
        lambda athena, arguments: dict(athena.get_query_execution(**arguments))
    ),
    ("athena", "getQueryResults"): Action(
        lambda athena, arguments: dict(athena.get_query_results(**arguments))
    ),
    ("athena", "stopQueryExecution"): Action(
        lambda athena, arguments: dict(athena.stop_query_execution(**arguments))
    ),
}
_BOTO_NAMES = {"elasticmapreduce": "emr"}
_ERROR_NAMES = {"elasticmapreduce": "ElasticMapReduce", "athena": "Athena"}


class _Service(StateTaskService):
    """A task of EMR or Athena."""

    endpoint_url = ""

    @property
    def _action(self) -> Action:
        return ACTIONS[self.resource.service_name, self.resource.api_action]

    def _get_supported_parameters(self) -> set[str]:
        return set()  # all

    def _get_sfn_resource(self) -> str:
        condition = f".{self.resource.condition}" if self.resource.condition else ""
        return f"{self.resource.api_action}{condition}"

    def _eval_service_task(
        self, env: Any, resource_runtime_part: Any, normalised_parameters: Members, state_credentials: Any
    ) -> None:
        name = self.resource.service_name
        client = _client(self.endpoint_url, resource_runtime_part.region, _BOTO_NAMES.get(name, name))
        try:
            result = self._action.start(client, normalised_parameters)
            if self.resource.condition:
                result = self._wait(env, client, normalised_parameters, result)
        except ClientError as error:
            code = f"{_ERROR_NAMES[name]}.{error.response['Error']['Code']}"
            raise self._failure(env, code, error.response["Error"]["Message"]) from error
        result.pop("ResponseMetadata", None)
        env.stack.append(json.loads(to_json_str(result)))

    def _wait(self, env: Any, client: Any, arguments: Members, started: Members) -> Members:
        assert self._action.look
        while env.is_running():
            state, result = self._action.look(client, arguments, started)
            if state in self._action.done:
                return result
            if state in self._action.failed:
                raise self._failure(env, "States.TaskFailed", to_json_str(result))
            time.sleep(POLL_SECONDS)
        return started  # the execution was stopped, or the state has timed out

    def _failure(self, env: Any, error: str, cause: str) -> FailureEventException:
        details = TaskFailedEventDetails(
            error=error,
            cause=cause,
            resource=self._get_sfn_resource(),
            resourceType=self._get_sfn_resource_type(),
        )
        return FailureEventException(
            FailureEvent(
                env=env,
                error_name=ErrorName(error),
                event_type=HistoryEventType.TaskFailed,
                event_details=cast("EventDetails", {"taskFailedEventDetails": details}),
            )
        )


class _AwsSdk(state_task_service_aws_sdk.StateTaskServiceAwsSdk):
    """A task of ``aws-sdk``; its result has the text of a body, which moto does not read."""

    def _eval_service_task(self, env: Any, *rest: Any, **named: Any) -> None:
        super()._eval_service_task(env, *rest, **named)
        result = env.stack.pop()
        texts = {name: value.read().decode() for name, value in result.items() if hasattr(value, "read")}
        env.stack.append(json.loads(to_json_str(result | texts)))


def install(endpoint_url: str) -> None:
    """Turn on moto's interpreter for this process; its tasks call ``endpoint_url``."""
    default_user_config["stepfunctions"] = {"execute_state_machine": True}
    stepfunctions_parser_backends.backend = _Backend
    jsonata.install()
    _Service.endpoint_url = endpoint_url
    vars(state_task_service_aws_sdk)["boto_client_for"] = lambda region, service, **_: _client(
        endpoint_url, region, service
    )
    _Communication.endpoint_url = endpoint_url
    vars(execution_module)["BaseExecutionWorkerCommunication"] = _Communication
    # moto replaces the error of a state in a Map or Parallel state if its name begins with States.
    for module in (iteration_worker, branches_decl):
        vars(module)["CustomErrorName"] = ErrorName
    # The definition is checked before: it has no other services.
    vars(state_task_factory)["state_task_service_for"] = lambda service_name: (
        _AwsSdk() if service_name == "aws-sdk" else _Service()
    )


class _Communication(execution_module.BaseExecutionWorkerCommunication):
    """The status of an execution, which is also sent to the rules of EventBridge."""

    endpoint_url = ""

    def __init__(self, execution: Any) -> None:
        super().__init__(execution)
        execution.exec_status = ExecutionStatus.RUNNING
        events.execution_changed(execution, self.endpoint_url)

    def terminated(self) -> None:
        super().terminated()
        events.execution_changed(self.execution, self.endpoint_url)


class _InvalidDefinition(AWSError):
    TYPE = "InvalidDefinition"
    STATUS = 400


class _Backend(StepFunctionsParserBackend):
    """moto's backend, which gives an execution without a name the name None, and some errors no code."""

    def create_state_machine(self, *arguments: Any, **members: Any) -> Any:
        try:
            return super().create_state_machine(*arguments, **members)
        except InvalidDefinition as error:
            raise _InvalidDefinition(error.message) from None

    def start_execution(self, state_machine_arn: str, name: str | None = None, *rest: Any) -> Any:
        return super().start_execution(state_machine_arn, name or str(uuid4()), *rest)


def _client(endpoint_url: str, region: str, service: str) -> Any:
    return boto3.client(
        service,
        endpoint_url=endpoint_url,
        region_name=region,
        aws_access_key_id="states",
        aws_secret_access_key="states",
        config=Config(retries={"total_max_attempts": 1}),
    )
