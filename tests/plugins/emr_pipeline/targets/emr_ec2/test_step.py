"""The request of a step: spark-submit with its options, the script, and the arguments of the script."""

from __future__ import annotations

from typing import Any

import pytest

from emr_pipeline.specs import EMR_EC2, StepSpec
from emr_pipeline.targets.emr_ec2.step import add_steps_request, spark_step


def test_every_field_is_in_the_command_line() -> None:
    step = StepSpec(
        "count",
        "s3://lake/count.py",
        arguments=["s3://lake/in", 3],
        flags={"top": 10, "language": "en"},
        conf={"spark.executor.memory": "8g", "spark.sql.shuffle.partitions": 64},
        jars=["s3://lake/a.jar", "s3://lake/b.jar"],
        py_files=["s3://lake/a.zip", "s3://lake/b.py"],
        action_on_failure="CONTINUE",
    )
    request = spark_step(step)
    assert (request["Name"], request["ActionOnFailure"]) == ("count", "CONTINUE")
    assert " ".join(request["HadoopJarStep"]["Args"]) == (
        "spark-submit --deploy-mode client --conf spark.executor.memory=8g --conf spark.sql.shuffle.partitions=64 "
        "--jars s3://lake/a.jar,s3://lake/b.jar --py-files s3://lake/a.zip,s3://lake/b.py "
        "s3://lake/count.py s3://lake/in 3 --top 10 --language en"
    )


def test_a_script_alone_is_enough() -> None:
    arguments = ["spark-submit", "--deploy-mode", "client", "s3://lake/count.py"]
    assert spark_step(StepSpec("count", "s3://lake/count.py"))["HadoopJarStep"]["Args"] == arguments


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"script": ""}, "script is ''"),
        ({"action_on_failure": "RETRY"}, "action_on_failure is 'RETRY'; it must be one of CONTINUE"),
    ],
)
def test_an_invalid_field_is_named(fields: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        spark_step(StepSpec(**{"name": "count", "script": "s3://lake/count.py", **fields}))


def test_steps_run_with_their_runtime_role_or_with_the_instance_profile() -> None:
    role = "arn:aws:iam::123456789012:role/pca"
    own = StepSpec("pca", "s3://lake/pca.py", execution_roles={EMR_EC2: role, "emr-serverless": "other"})
    assert add_steps_request("j-1", [own, own])["ExecutionRoleArn"] == role
    plain = StepSpec("pca", "s3://lake/pca.py")
    assert "ExecutionRoleArn" not in add_steps_request("j-1", [plain])
    with pytest.raises(ValueError, match="execution_roles"):
        add_steps_request("j-1", [own, plain])
