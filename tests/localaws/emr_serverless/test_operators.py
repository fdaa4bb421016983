"""The operators of Airflow's Amazon provider, unchanged, with the local EMR Serverless."""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from airflow.exceptions import AirflowException
from airflow.providers.amazon.aws.operators.emr import (
    EmrServerlessCreateApplicationOperator,
    EmrServerlessDeleteApplicationOperator,
    EmrServerlessStartJobOperator,
    EmrServerlessStopApplicationOperator,
)

from localaws.faults import Faults, StepFails, StepStartsSlowly
from localaws.testing import LocalAws
from tests.conftest import connected

BUCKET = "serverless-operators"
ROLE = "arn:aws:iam::123456789012:role/job"
WAIT = {"waiter_delay": 1, "waiter_max_attempts": 600}
NO_CONTEXT: Any = {}


@pytest.fixture(autouse=True)
def connection(local_aws: LocalAws) -> Iterator[None]:
    with connected(local_aws):
        yield


@pytest.fixture
def faults(local_aws: LocalAws) -> Iterator[Faults]:
    faults = Faults(local_aws.endpoint_url)
    yield faults
    faults.clear()


def create() -> str:
    application_id = EmrServerlessCreateApplicationOperator(
        task_id="create",
        release_label="emr-7.13.0",
        job_type="SPARK",
        config={"name": f"operators-{uuid.uuid4().hex[:8]}"},
        **WAIT,
    ).execute(NO_CONTEXT)
    assert application_id
    return application_id


def start_job(application_id: str, name: str, **options: Any) -> EmrServerlessStartJobOperator:
    return EmrServerlessStartJobOperator(
        task_id="start",
        application_id=application_id,
        execution_role_arn=ROLE,
        job_driver={"sparkSubmit": {"entryPoint": f"s3://{BUCKET}/job.py"}},
        name=name,
        **{**WAIT, **options},
    )


def test_an_application_is_created_runs_a_job_and_is_stopped_and_deleted(local_aws: LocalAws) -> None:
    s3, serverless = local_aws.client("s3"), local_aws.client("emr-serverless")
    s3.create_bucket(Bucket=BUCKET)
    s3.put_object(Bucket=BUCKET, Key="job.py", Body=b"print('done')")
    application_id = create()
    job_run_id = start_job(application_id, "succeeds").execute(NO_CONTEXT)
    [job_run] = serverless.list_job_runs(applicationId=application_id)["jobRuns"]
    assert (job_run["id"], job_run["name"], job_run["state"]) == (job_run_id, "succeeds", "SUCCESS")
    EmrServerlessDeleteApplicationOperator(task_id="delete", application_id=application_id, **WAIT).execute(
        NO_CONTEXT
    )
    assert serverless.get_application(applicationId=application_id)["application"]["state"] == "TERMINATED"


def test_a_failed_job_fails_the_task_and_its_log_has_the_details(
    faults: Faults, caplog: pytest.LogCaptureFixture
) -> None:
    application_id = create()
    faults.plan(StepFails("fails", "no column Region"))
    with pytest.raises(AirflowException, match='"FAILED"'):
        start_job(application_id, "fails").execute(NO_CONTEXT)
    assert "RuntimeError: no column Region" in caplog.text


def test_a_forced_stop_cancels_the_job_runs(local_aws: LocalAws, faults: Faults) -> None:
    application_id = create()
    faults.plan(StepStartsSlowly("runs", 600.0))
    job_run_id = start_job(application_id, "runs", wait_for_completion=False).execute(NO_CONTEXT)
    serverless = local_aws.client("emr-serverless")

    def state() -> str:
        found = serverless.get_job_run(applicationId=application_id, jobRunId=job_run_id)
        return str(found["jobRun"]["state"])

    while state() != "RUNNING":
        time.sleep(0.05)
    EmrServerlessStopApplicationOperator(
        task_id="stop", application_id=application_id, force_stop=True, **WAIT
    ).execute(NO_CONTEXT)
    assert state() == "CANCELLED"
    assert serverless.get_application(applicationId=application_id)["application"]["state"] == "STOPPED"
