"""Executions with tasks of EMR and Athena: one that succeeds, one whose step fails, one that is stopped."""

from __future__ import annotations

import json
import time
from typing import Any
from uuid import uuid4

import pytest
from botocore.exceptions import ClientError

from localaws.testing import LocalAws

ROLE = "arn:aws:iam::123456789012:role/states"
SCRIPT = "import sys\nsys.exit(int(sys.argv[1]))\n"


@pytest.fixture(scope="module")
def bucket(local_aws: LocalAws) -> str:
    name = f"states-{uuid4().hex}"
    s3 = local_aws.client("s3")
    s3.create_bucket(Bucket=name)
    s3.put_object(Bucket=name, Key="exit.py", Body=SCRIPT)
    return name


def task(resource: str, arguments: Any, **fields: Any) -> dict[str, Any]:
    state = {
        "Type": "Task",
        "Resource": f"arn:aws:states:::{resource}",
        "Arguments": arguments,
        "TimeoutSeconds": 120,
    }
    return state | ({} if "End" in fields else {"Catch": CATCH}) | fields


CATCH = [
    {
        "ErrorEquals": ["States.ALL"],
        "Assign": {"error": "{% $states.errorOutput %}"},
        "Next": "terminate",
    }
]
INSTANCES = {
    "InstanceGroups": [{"InstanceRole": "MASTER", "InstanceType": "m5.xlarge", "InstanceCount": 1}],
    "KeepJobFlowAliveWhenNoSteps": True,
}


def definition(bucket: str) -> dict[str, Any]:
    cluster = {
        "Name": "{% 'states ' & $states.context.Execution.Name %}",
        "ReleaseLabel": "emr-7.13.0",
        "Applications": [{"Name": "Spark"}],
        "Instances": INSTANCES,
        "ServiceRole": "EMR_DefaultRole",
        "JobFlowRole": "EMR_EC2_DefaultRole",
        "LogUri": f"s3://{bucket}/logs/",
    }
    step = {
        "Name": "exit",
        "ActionOnFailure": "CONTINUE",
        "HadoopJarStep": {
            "Jar": "command-runner.jar",
            "Args": ["spark-submit", f"s3://{bucket}/exit.py", "{% $string($status) %}"],
        },
    }
    query = {
        "QueryString": """{% "SELECT '" & $text & "' AS text" %}""",
        "WorkGroup": "primary",
        "ResultConfiguration": {"OutputLocation": f"s3://{bucket}/results/"},
    }
    states = {
        "start": {
            "Type": "Pass",
            "Assign": {"status": "{% $states.input.status %}", "text": 'a "quoted" \\ text', "error": ""},
            "Next": "create",
        },
        "create": task(
            "elasticmapreduce:createCluster.sync",
            cluster,
            Assign={"cluster_id": "{% $states.result.ClusterId %}"},
            Next="step",
        ),
        "step": task(
            "elasticmapreduce:addStep.sync",
            {"ClusterId": "{% $cluster_id %}", "Step": step},
            Next="query",
        ),
        "query": task(
            "athena:startQueryExecution.sync",
            query,
            Output="{% $states.result.QueryExecution.QueryExecutionId %}",
            Next="results",
        ),
        "results": task(
            "athena:getQueryResults",
            {"QueryExecutionId": "{% $states.input %}"},
            Assign={"answer": "{% $states.result.ResultSet.Rows[1].Data[0].VarCharValue %}"},
            Next="terminate",
        ),
        "terminate": task(
            "elasticmapreduce:terminateCluster.sync",
            '{% $merge([{"ClusterId": $cluster_id}]) %}',  # all arguments as one expression
            Output="{% $states.result.Cluster.Status.State %}",
            Next="has_failed",
            Catch=[],
        ),
        "has_failed": {
            "Type": "Choice",
            "Choices": [{"Condition": "{% $error != '' %}", "Next": "fail"}],
            "Default": "succeed",
        },
        "fail": {"Type": "Fail", "Error": "{% 'Caught.' & $error.Error %}", "Cause": "{% $error.Cause %}"},
        "succeed": {"Type": "Succeed", "Output": "{% {'cluster': $states.input, 'answer': $answer} %}"},
    }
    states["terminate"].pop("Catch")
    return {"QueryLanguage": "JSONata", "StartAt": "start", "States": states}


@pytest.fixture(scope="module")
def machine(local_aws: LocalAws, bucket: str) -> str:
    states = local_aws.client("stepfunctions")
    created = states.create_state_machine(
        name=bucket, definition=json.dumps(definition(bucket)), roleArn=ROLE
    )
    return str(created["stateMachineArn"])


def start(aws: LocalAws, machine: str, status: int) -> str:
    started = aws.client("stepfunctions").start_execution(
        stateMachineArn=machine, input=json.dumps({"status": status})
    )
    return str(started["executionArn"])


def ended(aws: LocalAws, execution: str) -> Any:
    states = aws.client("stepfunctions")
    until = time.monotonic() + 120
    while time.monotonic() < until:
        described = states.describe_execution(executionArn=execution)
        if described["status"] != "RUNNING":
            return described
        time.sleep(0.5)
    pytest.fail(f"{execution} has not ended")


def cluster_of(aws: LocalAws, execution: str) -> Any:
    clusters = aws.client("emr").list_clusters()["Clusters"]
    return next(c for c in clusters if c["Name"] == f"states {execution.rpartition(':')[2]}")


def test_a_step_that_succeeds_and_one_that_fails(local_aws: LocalAws, machine: str) -> None:
    green, red = start(local_aws, machine, 0), start(local_aws, machine, 3)
    described = ended(local_aws, green)
    assert described["status"] == "SUCCEEDED", described
    assert json.loads(described["output"]) == {"cluster": "TERMINATED", "answer": 'a "quoted" \\ text'}
    described = ended(local_aws, red)
    assert (described["status"], described["error"]) == ("FAILED", "Caught.States.TaskFailed")
    assert json.loads(described["cause"])["Step"]["Status"]["State"] == "FAILED"
    assert cluster_of(local_aws, red)["Status"]["State"] == "TERMINATED"
    events = local_aws.client("stepfunctions").get_execution_history(executionArn=red)["events"]
    entered = [e["stateEnteredEventDetails"]["name"] for e in events if "stateEnteredEventDetails" in e]
    assert entered == ["start", "create", "step", "terminate", "has_failed", "fail"]


def test_a_stopped_execution_leaves_its_cluster_as_on_aws(local_aws: LocalAws, machine: str) -> None:
    execution = start(local_aws, machine, 0)
    until = time.monotonic() + 60
    while time.monotonic() < until:
        try:
            cluster = cluster_of(local_aws, execution)
            break
        except StopIteration:
            time.sleep(0.1)
    local_aws.client("stepfunctions").stop_execution(executionArn=execution)
    assert ended(local_aws, execution)["status"] == "ABORTED"
    emr = local_aws.client("emr")
    state = emr.describe_cluster(ClusterId=cluster["Id"])["Cluster"]["Status"]["State"]
    assert not state.startswith("TERMINAT")
    emr.terminate_job_flows(JobFlowIds=[cluster["Id"]])


@pytest.mark.parametrize(
    ("resource", "fields"),
    [
        ("lambda:invoke", {}),
        ("glue:startJobRun.sync", {}),
        ("athena:getQueryResults.sync", {}),
        ("elasticmapreduce:addStep.waitForTaskToken", {}),
        ("aws-sdk:lambda:invoke", {}),
        ("athena:startQueryExecution", {"HeartbeatSeconds": 5}),
    ],
)
def test_what_the_interpreter_does_not_support_is_refused(
    local_aws: LocalAws, resource: str, fields: dict[str, Any]
) -> None:
    states = {"only": task(resource, {}, End=True) | fields}
    text = json.dumps({"QueryLanguage": "JSONata", "StartAt": "only", "States": states})
    with pytest.raises(ClientError, match="not supported by the local AWS"):
        local_aws.client("stepfunctions").create_state_machine(name="refused", definition=text, roleArn=ROLE)


def test_an_invalid_definition_is_refused(local_aws: LocalAws) -> None:
    with pytest.raises(ClientError, match="InvalidDefinition"):
        local_aws.client("stepfunctions").create_state_machine(
            name="invalid", definition='{"StartAt": "none"}', roleArn=ROLE
        )
