"""The log of a failed task has the error message in one line, before the traceback that Airflow logs."""

from __future__ import annotations

import re
from typing import Any

import pytest
from airflow.providers.amazon.aws.hooks.s3 import S3Hook
from airflow.sdk.bases.operator import TRIGGER_FAIL_REPR, TriggerFailureReason
from airflow.sdk.exceptions import (
    AirflowException,
    AirflowFailException,
    TaskDeferralError,
    TaskDeferralTimeout,
)
from botocore.exceptions import ClientError

from emr_pipeline.operators.base import IdempotentAwsOperator
from emr_pipeline.operators.cluster import TerminateClusterOperator

DENIED = ClientError(
    {
        "Error": {"Code": "AccessDenied", "Message": "no s3:GetObject"},
        "ResponseMetadata": {"HTTPStatusCode": 403},
    },
    "GetObject",
)
SLOW = ClientError({"Error": {"Code": "Throttling", "Message": "slow down"}}, "DescribeStep")


class Fails(IdempotentAwsOperator):
    """An operator that raises ``error``."""

    aws_hook_class = S3Hook

    def __init__(self, *, error: Exception, **kwargs: Any) -> None:
        super().__init__(task_id="fails", **kwargs)
        self.error = error

    def reconcile(self, context: Any) -> Any:
        raise self.error


def errors(capsys: pytest.CaptureFixture[str]) -> list[str]:
    """Return the lines logged at level ERROR, without the name of the logger."""
    lines = capsys.readouterr().out.splitlines()
    return [
        line.partition("[error    ] ")[2].partition(" [airflow.")[0].rstrip()
        for line in lines
        if "[error" in line
    ]


@pytest.mark.parametrize(
    ("error", "raised", "logged"),
    [
        (AirflowFailException("no input;\n  upload it"), AirflowFailException, "no input; upload it"),
        (AirflowException("query q FAILED"), AirflowException, "query q FAILED"),
        (
            DENIED,
            AirflowFailException,
            "AWS refused GetObject: An error occurred (AccessDenied) when calling the GetObject operation: "
            "no s3:GetObject",
        ),
        (
            SLOW,
            ClientError,
            "An error occurred (Throttling) when calling the DescribeStep operation: slow down",
        ),
        (ValueError("core_nodes is 0"), ValueError, "ValueError: core_nodes is 0"),
        (KeyError("rows"), KeyError, "KeyError: 'rows'"),
    ],
    ids=["final", "retried", "refused", "throttled", "ValueError", "KeyError"],
)
def test_a_failure_is_logged_in_one_line(
    error: Exception, raised: type[Exception], logged: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(raised):
        Fails(error=error).execute({})
    assert errors(capsys) == [logged]


def test_the_notes_of_an_exception_follow_its_message(capsys: pytest.CaptureFixture[str]) -> None:
    error = AirflowException("pca: no variance")
    error.add_note("Log: s3://lake/stdout.gz")
    with pytest.raises(AirflowException):
        Fails(error=error).execute({})
    assert errors(capsys) == ["pca: no variance", "Log: s3://lake/stdout.gz"]


def test_a_record_of_the_log_of_a_step_keeps_its_level(capsys: pytest.CaptureFixture[str]) -> None:
    records = {
        "26/11/28 07:00:00 INFO SparkContext: Running Spark": "info",
        "2026-11-28 07:00:00,123 INFO preprocess 12 lines read": "info",
        "26/11/28 07:00:00 DEBUG BlockManager: block": "info",  # Airflow does not show DEBUG
        "26/11/28 07:00:01 WARN TaskSetManager: Lost task": "warning",
        "26/11/28 07:00:02 ERROR Executor: Exception": "error",
        "ValueError: no INFO": "error",
    }
    error = AirflowException("preprocess: no INFO")
    for record in records:
        error.add_note(record)
    with pytest.raises(AirflowException):
        Fails(error=error).execute({})
    logged = [
        line for line in capsys.readouterr().out.splitlines() if any(record in line for record in records)
    ]
    assert [re.findall(r"\[(\w+) *\] ", line)[0] for line in logged] == list(records.values())


@pytest.mark.parametrize(
    ("event", "raised", "logged"),
    [
        (
            {"error": TriggerFailureReason.TRIGGER_TIMEOUT},
            TaskDeferralTimeout,
            "the triggerer has not fired in time; check that it is running",
        ),
        (
            {
                "error": TriggerFailureReason.TRIGGER_FAILURE,
                "traceback": ["Traceback:\n", "KeyError: 'Step'\n"],
            },
            TaskDeferralError,
            "the trigger failed: KeyError: 'Step'",
        ),
    ],
    ids=["timeout", "failure"],
)
def test_a_failure_of_the_triggerer_is_logged_in_one_line(
    event: dict[str, Any], raised: type[Exception], logged: str, capsys: pytest.CaptureFixture[str]
) -> None:
    operator = TerminateClusterOperator(task_id="end", cluster_id="")
    with pytest.raises(raised):
        operator.resume_execution(TRIGGER_FAIL_REPR, event, {})
    assert errors(capsys)[0] == logged


def test_a_failure_after_a_deferral_is_logged_in_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    operator = TerminateClusterOperator(task_id="end", cluster_id="")
    event = {"cluster_ids": ["j-1"], "timed_out": True}
    with pytest.raises(AirflowException):
        operator.resume_execution("execute_complete", {"event": event}, {})
    assert errors(capsys) == [
        "cluster j-1 has not ended within 0:30:00; terminate it in the EMR console, it costs money until then"
    ]
