"""The requests to EMR Serverless match the service model of AWS."""

from __future__ import annotations

from typing import Any

import botocore.session
import pytest
from botocore.validate import ParamValidator

from emr_pipeline.settings import Settings
from emr_pipeline.specs import ClusterSpec, StepSpec
from emr_pipeline.tags import run_tags
from emr_pipeline.targets.emr_serverless.application import (
    application_name,
    create_application_request,
    end_call,
    spark_defaults,
)
from emr_pipeline.targets.emr_serverless.job_run import client_token, start_job_run_request

ROLE = "arn:aws:iam::123456789012:role/job"
SETTINGS = Settings(bucket="lake", job_role=ROLE)
MODEL = botocore.session.get_session().get_service_model("emr-serverless")


def check(operation: str, request: dict[str, Any]) -> None:
    report = ParamValidator().validate(request, MODEL.operation_model(operation).input_shape)
    assert not report.has_errors(), report.generate_report()


def application(settings: Settings = SETTINGS, **spec: Any) -> dict[str, Any]:
    cluster = ClusterSpec(**{"release_label": "emr-7.13.0", "core_nodes": "2", **spec})
    tags = run_tags("dag", "manual__2026-01-31T00:00:00+00:00", settings)
    return create_application_request("name", cluster, settings, tags)


def step(**members: Any) -> StepSpec:
    roles = SETTINGS.execution_roles
    return StepSpec(**{"name": "pca", "script": "s3://lake/jobs/pca.py", "execution_roles": roles, **members})


def test_the_application_matches_the_model_and_stops_when_it_is_idle() -> None:
    request = application()
    check("CreateApplication", request | {"clientToken": "t"})
    assert request["autoStopConfiguration"] == {"enabled": True, "idleTimeoutMinutes": 15}
    assert request["tags"]["run_id"] == "manual__2026-01-31T00:00:00+00:00"


def test_the_workers_are_together_as_large_as_the_nodes_of_a_cluster() -> None:
    assert application(task_nodes=1)["maximumCapacity"] == {
        "cpu": "16 vCPU",
        "memory": "64 GB",
        "disk": "80 GB",
    }


def test_the_processors_are_those_of_the_settings() -> None:
    assert application()["architecture"] == "ARM64"
    assert application(Settings(bucket="lake", architecture="x86_64"))["architecture"] == "X86_64"


def test_live_logs_need_the_setting_and_can_be_turned_off() -> None:
    settings = Settings(bucket="lake", log_group="/steps")
    request = application(settings)
    check("CreateApplication", request | {"clientToken": "t"})
    logs = {"enabled": True, "logGroupName": "/steps"}
    assert request["monitoringConfiguration"]["cloudWatchLoggingConfiguration"] == logs
    for without in (application(), application(settings, live_logs=False)):
        assert set(without["monitoringConfiguration"]) == {"s3MonitoringConfiguration"}


@pytest.mark.parametrize(
    ("spec", "field"),
    [
        ({"core_nodes": 0}, "core_nodes"),
        ({"idle_minutes": 99999}, "idle_minutes"),
        ({"extra": {"A": 1}}, "extra"),
    ],
)
def test_an_invalid_field_is_named(spec: dict[str, Any], field: str) -> None:
    with pytest.raises(ValueError, match=field):
        application(**spec)


def test_the_archive_of_python_packages_is_on_the_path_of_driver_and_executors() -> None:
    settings = Settings(bucket="lake", python_archive="s3://lake/wheels/numpy.zip")
    properties = spark_defaults(ClusterSpec("emr-7.13.0", 1), settings)
    assert properties["spark.archives"] == "s3://lake/wheels/numpy.zip#packages"
    assert properties["spark.emr-serverless.driverEnv.PYTHONPATH"] == "./packages"
    assert properties["spark.executorEnv.PYTHONPATH"] == "./packages"
    assert "spark.archives" not in spark_defaults(ClusterSpec("emr-7.13.0", 1), SETTINGS)


def test_the_properties_of_the_cluster_are_those_of_the_application() -> None:
    assert spark_defaults(ClusterSpec("emr-7.13.0", 1), SETTINGS)["spark.sql.session.timeZone"] == "UTC"


def test_a_name_has_only_the_characters_that_are_allowed_and_differs_for_each_run() -> None:
    first, second = (application_name("dag", f"manual__{'9' * 200}+0{end}") for end in "12")
    assert first != second
    check("CreateApplication", application() | {"clientToken": "t", "name": first})


def test_the_job_run_matches_the_model() -> None:
    request = start_job_run_request(
        step(
            flags={"k": 4, "label": "a b"},
            py_files=["s3://lake/jobs/segmentation.zip"],
            conf={"spark.executor.extraJavaOptions": "-Da=1 -Db=2"},
        )
    )
    check("StartJobRun", request | {"applicationId": "00a", "clientToken": "t"})
    driver = request["jobDriver"]["sparkSubmit"]
    assert driver["entryPointArguments"] == ["--k", "4", "--label", "a b"]
    assert driver["sparkSubmitParameters"] == "--py-files s3://lake/jobs/segmentation.zip"


@pytest.mark.parametrize(
    ("members", "message"),
    [
        ({"name": ""}, "name is ''"),
        ({"execution_roles": {}}, "EMR_PIPELINE_JOB_ROLE"),
        ({"py_files": ["s3://lake/a b.zip"]}, "white space"),
    ],
)
def test_an_invalid_step_is_refused(members: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        start_job_run_request(step(**members))


def test_the_token_is_equal_for_a_repeated_call_and_changes_with_the_application_the_step_and_the_try() -> (
    None
):
    token = client_token("00a", "pca", None)
    assert token == client_token("00a", "pca", None)
    others = {
        client_token("00b", "pca", None),
        client_token("00a", "kmeans", None),
        client_token("00a", "pca", "1"),
    }
    assert len({token, *others}) == 4
    check("StartJobRun", start_job_run_request(step()) | {"applicationId": "00a", "clientToken": token})


def test_an_application_is_ended_by_the_call_that_its_state_allows() -> None:
    assert end_call("STARTED", has_open_job_runs=True) == ""
    assert end_call("STARTED", has_open_job_runs=False) == "stop_application"
    assert end_call("CREATED", has_open_job_runs=False) == "delete_application"
    assert end_call("STOPPING", has_open_job_runs=False) == ""
