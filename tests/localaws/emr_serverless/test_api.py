"""The operations of EMR Serverless through boto3. Applications that do not start in time have job runs that wait."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from localaws.faults import (
    ApplicationFailsToStart,
    ApplicationStartsSlowly,
    Faults,
    QuotaExceeded,
    ServerError,
    Throttle,
)
from localaws.testing import LocalAws

ROLE = "arn:aws:iam::123456789012:role/job"
APPLICATION = {"releaseLabel": "emr-7.13.0", "type": "SPARK"}
JOB = {
    "executionRoleArn": ROLE,
    "jobDriver": {"sparkSubmit": {"entryPoint": "s3://lake/job.py"}},
}
Create = Callable[..., str]


@pytest.fixture
def serverless(local_aws: LocalAws) -> Any:
    return local_aws.client("emr-serverless")


@pytest.fixture
def faults(local_aws: LocalAws) -> Iterator[Faults]:
    faults = Faults(local_aws.endpoint_url)
    yield faults
    faults.clear()


@pytest.fixture
def create(serverless: Any) -> Create:
    """A function that creates an application and waits until it is CREATED."""

    def create(**members: Any) -> str:
        application_id: str = serverless.create_application(**{**APPLICATION, **members})["applicationId"]
        wait_for(serverless, application_id, "CREATED")
        return application_id

    return create


@pytest.fixture
def waiting(create: Create, faults: Faults) -> str:
    """An application in which job runs wait."""
    name = f"waiting-{uuid.uuid4().hex[:8]}"
    faults.plan(ApplicationStartsSlowly(3600, cluster=name))
    return create(name=name)


def wait_for(serverless: Any, application_id: str, state: str) -> dict[str, Any]:
    while True:
        found: dict[str, Any] = serverless.get_application(applicationId=application_id)["application"]
        if found["state"] == state:
            return found
        time.sleep(0.05)


def error_of(call: Callable[..., Any], **members: Any) -> tuple[int, str, str]:
    with pytest.raises(ClientError) as caught:
        call(**members)
    error = caught.value.response
    return error["ResponseMetadata"]["HTTPStatusCode"], error["Error"]["Code"], error["Error"]["Message"]


def test_an_application_has_its_settings_and_the_defaults_of_aws(serverless: Any, create: Create) -> None:
    capacity = {"cpu": "16 vCPU", "memory": "64 GB"}
    application_id = create(name="settings", maximumCapacity=capacity, tags={"project": "sales"})
    found = serverless.get_application(applicationId=application_id)["application"]
    assert found["arn"].endswith(f":/applications/{application_id}")
    assert {name: found[name] for name in ("name", "type", "architecture", "maximumCapacity", "tags")} == {
        "name": "settings",
        "type": "Spark",
        "architecture": "X86_64",
        "maximumCapacity": capacity,
        "tags": {"project": "sales"},
    }
    assert found["autoStartConfiguration"] == {"enabled": True}
    assert found["autoStopConfiguration"] == {"enabled": True, "idleTimeoutMinutes": 15}


def test_an_application_is_updated_before_it_is_started_and_deleted_after_it_is_stopped(
    serverless: Any, create: Create
) -> None:
    application_id = create()
    stop = {"enabled": True, "idleTimeoutMinutes": 5}
    serverless.update_application(applicationId=application_id, autoStopConfiguration=stop)
    serverless.start_application(applicationId=application_id)
    assert wait_for(serverless, application_id, "STARTED")["autoStopConfiguration"] == stop
    status, code, message = error_of(serverless.delete_application, applicationId=application_id)
    assert (status, code) == (400, "ValidationException")
    assert message.endswith("[STOPPED, CREATED]. Current status: STARTED")
    serverless.stop_application(applicationId=application_id)
    wait_for(serverless, application_id, "STOPPED")
    serverless.stop_application(applicationId=application_id)
    serverless.delete_application(applicationId=application_id)
    wait_for(serverless, application_id, "TERMINATED")
    pages = serverless.get_paginator("list_applications").paginate()
    assert application_id not in [a["id"] for page in pages for a in page["applications"]]
    pages = serverless.get_paginator("list_applications").paginate(states=["TERMINATED"])
    assert application_id in [a["id"] for page in pages for a in page["applications"]]


@pytest.mark.parametrize(
    ("members", "message"),
    [
        ({"type": "HIVE"}, "not supported by the local EMR Serverless: applications of type HIVE"),
        ({"type": "FLINK"}, "Unsupported engine FLINK"),
        ({"releaseLabel": "emr-6.9.0"}, "not supported by the local EMR: the release emr-6.9.0"),
        (
            {"releaseLabel": "emr-spark-8.0.0"},
            "not supported by this local EMR: emr-spark-8.0.0 has Spark 4, but Spark 3.5.6 is installed",
        ),
        ({"name": "no spaces allowed"}, "does not match"),
        ({"imageConfiguration": {"imageUri": "i"}}, "does not match"),
        (
            {"monitoringConfiguration": {"s3MonitoringConfiguration": {"logUri": "logs"}}},
            "not an S3 URI like s3://bucket/prefix/",
        ),
        (
            {
                "monitoringConfiguration": {
                    "cloudWatchLoggingConfiguration": {
                        "enabled": True,
                        "logTypes": {"HIVE_DRIVER": ["STDOUT"]},
                    }
                }
            },
            "The logTypes HIVE_DRIVER with STDOUT are not valid",
        ),
    ],
)
def test_an_invalid_application_is_refused(serverless: Any, members: dict[str, Any], message: str) -> None:
    status, code, text = error_of(serverless.create_application, **{**APPLICATION, **members})
    assert (status, code) == (400, "ValidationException")
    assert message in text


@pytest.mark.parametrize(
    ("members", "code", "message"),
    [
        ({"mode": "STREAMING"}, "ValidationException", "not supported by the local EMR Serverless: mode"),
        ({"jobDriver": {"hive": {"query": "SELECT 1"}}}, "ValidationException", "a jobDriver other than"),
        ({"executionTimeoutMinutes": 1}, "ValidationException", "must be at least 5 minutes"),
        ({"retryPolicy": {"maxAttempts": 11}}, "ValidationException", "maxAttempts must be at most 10"),
        ({"executionRoleArn": "arn:aws:iam::123456789012:user/u"}, "ValidationException", "IAM role"),
        (
            {"executionRoleArn": "arn:aws:iam::210987654321:role/job"},
            "AccessDeniedException",
            "Cross-account",
        ),
        (
            {
                "jobDriver": {
                    "sparkSubmit": {"entryPoint": "s3://b/x.py", "sparkSubmitParameters": "--conf 'a"}
                }
            },
            "ValidationException",
            "sparkSubmitParameters cannot be parsed",
        ),
        (
            {
                "jobDriver": {
                    "sparkSubmit": {
                        "entryPoint": "s3://b/x.py",
                        "sparkSubmitParameters": "--conf spark.executor.cores=5",
                    }
                }
            },
            "ValidationException",
            "spark.executor.cores is '5'",
        ),
    ],
)
def test_an_invalid_job_run_is_refused(
    serverless: Any, waiting: str, members: dict[str, Any], code: str, message: str
) -> None:
    _, found, text = error_of(serverless.start_job_run, applicationId=waiting, **{**JOB, **members})
    assert found == code
    assert message in text


def test_what_does_not_exist_is_not_found(serverless: Any, create: Create) -> None:
    application_id = create()
    arn = serverless.get_application(applicationId=application_id)["application"]["arn"]
    for call, members in (
        (serverless.get_application, {"applicationId": "0"}),
        (serverless.start_job_run, {"applicationId": "0", **JOB}),
        (serverless.get_job_run, {"applicationId": application_id, "jobRunId": "0"}),
        (serverless.list_tags_for_resource, {"resourceArn": f"{arn}/jobruns/0"}),
    ):
        assert error_of(call, **members)[:2] == (404, "ResourceNotFoundException")


def test_the_same_token_and_request_have_the_same_answer(serverless: Any, waiting: str) -> None:
    token = uuid.uuid4().hex
    first = serverless.create_application(clientToken=token, name="once", **APPLICATION)
    again = serverless.create_application(clientToken=token, name="once", **APPLICATION)
    assert first["applicationId"] == again["applicationId"]
    job = {"applicationId": waiting, "clientToken": token, **JOB}
    job_run_id = serverless.start_job_run(**job)["jobRunId"]
    assert serverless.start_job_run(**job)["jobRunId"] == job_run_id
    assert len(serverless.list_job_runs(applicationId=waiting)["jobRuns"]) == 1
    assert error_of(serverless.start_job_run, **job, name="other")[:2] == (409, "ConflictException")
    assert error_of(serverless.create_application, clientToken=token, name="other", **APPLICATION)[:2] == (
        409,
        "ConflictException",
    )


def test_a_refused_request_does_not_use_its_token(serverless: Any, waiting: str) -> None:
    job = {"applicationId": waiting, "clientToken": uuid.uuid4().hex, **JOB}
    assert error_of(serverless.start_job_run, **job, mode="STREAMING")[1] == "ValidationException"
    assert serverless.start_job_run(**job)["jobRunId"]


def test_job_runs_are_listed_by_state_and_time_in_pages(serverless: Any, waiting: str) -> None:
    ids = [serverless.start_job_run(applicationId=waiting, **JOB)["jobRunId"] for _ in range(3)]
    serverless.cancel_job_run(applicationId=waiting, jobRunId=ids[0])

    def listed(**members: Any) -> list[str]:
        pages = serverless.get_paginator("list_job_runs").paginate(applicationId=waiting, **members)
        return [job_run["id"] for page in pages for job_run in page["jobRuns"]]

    assert listed(PaginationConfig={"PageSize": 1}) == ids[::-1]
    assert listed(states=["SUBMITTED", "PENDING"]) == ids[:0:-1]
    assert listed(states=["CANCELLED"]) == ids[:1]
    second = serverless.get_job_run(applicationId=waiting, jobRunId=ids[1])["jobRun"]["createdAt"]
    assert listed(createdAtAfter=second) == ids[2:]
    assert listed(createdAtBefore=second) == ids[:1]
    token = {"applicationId": waiting, "nextToken": "unknown"}
    assert error_of(serverless.list_job_runs, **token)[1] == "ValidationException"


def test_tags_of_applications_and_job_runs_are_changed(serverless: Any, waiting: str) -> None:
    started = serverless.start_job_run(applicationId=waiting, tags={"try": "1"}, **JOB)
    application = serverless.get_application(applicationId=waiting)["application"]
    for arn, tags in ((application["arn"], {}), (started["arn"], {"try": "1"})):
        serverless.tag_resource(resourceArn=arn, tags={"run": "a b", "old": ""})
        serverless.untag_resource(resourceArn=arn, tagKeys=["old"])
        assert serverless.list_tags_for_resource(resourceArn=arn)["tags"] == {**tags, "run": "a b"}
    job_run = serverless.get_job_run(applicationId=waiting, jobRunId=started["jobRunId"])["jobRun"]
    assert job_run["tags"] == {"try": "1", "run": "a b"}


def test_an_application_with_active_job_runs_is_not_stopped(serverless: Any, waiting: str) -> None:
    job_run_id = serverless.start_job_run(applicationId=waiting, **JOB)["jobRunId"]
    _, code, message = error_of(serverless.stop_application, applicationId=waiting)
    assert (code, job_run_id in message) == ("ValidationException", True)
    serverless.cancel_job_run(applicationId=waiting, jobRunId=job_run_id)
    serverless.stop_application(applicationId=waiting)
    wait_for(serverless, waiting, "STOPPED")


def test_a_planned_failure_of_the_start_stops_the_application(
    serverless: Any, create: Create, faults: Faults
) -> None:
    faults.plan(ApplicationFailsToStart("no capacity", tags={"run": "fails"}))
    application_id = create(tags={"run": "fails"})
    job_run_id = serverless.start_job_run(applicationId=application_id, **JOB)["jobRunId"]
    assert wait_for(serverless, application_id, "STOPPED")["stateDetails"] == "no capacity"
    job_run = serverless.get_job_run(applicationId=application_id, jobRunId=job_run_id)["jobRun"]
    assert (job_run["state"], job_run["stateDetails"]) == (
        "FAILED",
        "The application failed to start: no capacity",
    )


def test_planned_faults_of_calls_apply_to_the_application_that_they_name(
    serverless: Any, create: Create, faults: Faults
) -> None:
    one, other = create(name="one"), create(name="other")
    faults.plan(
        Throttle("emr-serverless:GetApplication", cluster="one"),
        ServerError("emr-serverless:StartJobRun", containing="s3://lake/job.py", after_work=True),
    )
    assert serverless.get_application(applicationId=other)
    assert error_of(serverless.get_application, applicationId=one) == (
        429,
        "ThrottlingException",
        "Rate exceeded",
    )
    faults.plan(QuotaExceeded("StartApplication", cluster="one"))
    quota = (402, "ServiceQuotaExceededException")
    assert error_of(serverless.start_application, applicationId=one)[:2] == quota
    job = {"applicationId": one, "clientToken": "after-work", **JOB}
    faults.plan(ApplicationStartsSlowly(3600, cluster="one"))
    assert error_of(serverless.start_job_run, **job)[:2] == (500, "InternalServerException")
    started = serverless.start_job_run(**job)
    assert [j["id"] for j in serverless.list_job_runs(applicationId=one)["jobRuns"]] == [started["jobRunId"]]


def test_an_operation_without_effect_here_is_refused(serverless: Any, create: Create) -> None:
    status, code, message = error_of(serverless.list_sessions, applicationId=create())
    assert (status, code) == (501, "UnknownOperationException")
    assert message == "not supported by the local AWS: ListSessions"
