"""Bootstrap actions and the commands of a node, as processes. Through boto3 against a running server."""

from __future__ import annotations

import gzip
import subprocess
import sys
import time
import zipfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from localaws.emr.node import Node
from localaws.testing import LocalAws
from tests.localaws.emr.clusters import create_cluster, step, wait_for_end

BUCKET = "node-tests"
INSTALL = """#!/bin/bash
set -e
echo "installing from $1"
sudo python3.11 -m pip install --quiet --no-index --find-links "$1" tinypackage
"""
SCRIPT = """#!/bin/bash
echo "script $1 with $MY_SETTING"
hadoop fs -cat s3://node-tests/copied/in/lines.csv
"""
CONFIGURATIONS = [
    {
        "Classification": "spark-env",
        "Configurations": [
            {
                "Classification": "export",
                "Properties": {"MY_SETTING": "a variable", "PYSPARK_PYTHON": "/usr/bin/python3.11"},
            }
        ],
    }
]
SCRIPT_RUNNER = "s3://us-east-1.elasticmapreduce/libs/script-runner/script-runner.jar"


@pytest.fixture
def aws(local_aws: LocalAws) -> LocalAws:
    s3 = local_aws.client("s3")
    if BUCKET not in [b["Name"] for b in s3.list_buckets()["Buckets"]]:
        s3.create_bucket(Bucket=BUCKET)
    for name, text in {
        "install.sh": INSTALL,
        "fail.sh": "#!/bin/bash\necho 'no such mirror' >&2\nexit 3\n",
        "script.sh": SCRIPT,
        "in/lines.csv": "id\n1\n2\n",
        "fail.py": "raise ValueError('in the container')",
    }.items():
        s3.put_object(Bucket=BUCKET, Key=name, Body=text.encode())
    return local_aws


def start(
    aws: LocalAws, *steps: dict[str, Any], bootstrap: Sequence[Sequence[str]] = (), **changes: Any
) -> str:
    """Return the id of a new cluster; ``bootstrap`` has the path and the arguments of each bootstrap action."""
    actions = [
        {"Name": path, "ScriptBootstrapAction": {"Path": path, "Args": args}} for path, *args in bootstrap
    ]
    cluster = {"BootstrapActions": actions, "Configurations": CONFIGURATIONS, **changes}
    return create_cluster(aws, *steps, bucket=BUCKET, **cluster)


def logs_of(aws: LocalAws, folder: str) -> dict[str, str]:
    """Return the texts of the logs below the folder in ``logs/``."""
    s3 = aws.client("s3")
    listed = s3.list_objects_v2(Bucket=BUCKET, Prefix=f"logs/{folder}").get("Contents", [])
    return {
        item["Key"].removeprefix(f"logs/{folder}"): gzip.decompress(
            s3.get_object(Bucket=BUCKET, Key=item["Key"])["Body"].read()
        ).decode()
        for item in listed
    }


def test_the_packages_of_a_bootstrap_action_are_those_of_its_cluster_only(
    aws: LocalAws, tmp_path: Path
) -> None:
    with zipfile.ZipFile(tmp_path / "tinypackage-1.0-py3-none-any.whl", "w") as wheel:
        wheel.writestr("tinypackage.py", "VALUE = 42\n")
        info = {
            "METADATA": "Metadata-Version: 2.1\nName: tinypackage\nVersion: 1.0\n",
            "WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        }
        for name, text in {**info, "RECORD": ""}.items():
            wheel.writestr(f"tinypackage-1.0.dist-info/{name}", text)
    use = step("use", "python3", "-c", "import numpy, tinypackage; print(tinypackage.VALUE)")
    cluster_id = start(aws, use, bootstrap=[(f"s3://{BUCKET}/install.sh", str(tmp_path))])
    _, steps = wait_for_end(aws, cluster_id)
    [(name, text)] = [
        (name, text)
        for name, text in logs_of(aws, f"{cluster_id}/node/").items()
        if name.endswith("stdout.gz")
    ]
    assert text == f"installing from {tmp_path}\n"
    [instance] = aws.client("emr").list_instances(ClusterId=cluster_id)["Instances"]
    assert name == f"{instance['Ec2InstanceId']}/bootstrap-actions/1/stdout.gz"
    assert steps["use"]["State"] == "COMPLETED", logs_of(aws, f"{cluster_id}/steps/")
    assert logs_of(aws, f"{cluster_id}/steps/{steps['use']['Id']}/")["stdout.gz"] == "42\n"
    import_it = [sys.executable, "-c", "import tinypackage"]
    assert subprocess.run(import_it, check=False, capture_output=True).returncode == 1


@pytest.mark.parametrize(
    ("script", "message", "code"),
    [
        ("fail.sh", "bootstrap action 1 returned a non-zero return code", "PRIMARY_WITH_NON_ZERO_CODE"),
        ("none.sh", "failed attempting to download bootstrap action 1", "BA_DOWNLOAD_FAILED_PRIMARY"),
    ],
)
def test_a_failed_bootstrap_action_ends_the_cluster(
    aws: LocalAws, script: str, message: str, code: str
) -> None:
    cluster_id = start(aws, step("never", "true"), bootstrap=[(f"s3://{BUCKET}/{script}",)])
    status, steps = wait_for_end(aws, cluster_id)
    assert (status["State"], status["StateChangeReason"]["Code"]) == (
        "TERMINATED_WITH_ERRORS",
        "BOOTSTRAP_FAILURE",
    )
    assert message in status["StateChangeReason"]["Message"]
    assert status["ErrorDetails"][0]["ErrorCode"] == f"BOOTSTRAP_FAILURE_{code}"
    assert steps["never"]["State"] == "CANCELLED"
    logs = "".join(logs_of(aws, f"{cluster_id}/node/").values())
    assert ("no such mirror" if script == "fail.sh" else "none.sh does not exist") in logs


def test_the_commands_of_a_node_run(aws: LocalAws) -> None:
    cluster_id = start(
        aws,
        step("to hdfs", "s3-dist-cp", "--src", f"s3://{BUCKET}/in/", "--dest", "hdfs:///data/in"),
        step("from hdfs", "s3-dist-cp", "--src=hdfs:///data", f"--dest=s3://{BUCKET}/copied/"),
        step("grouped", "s3-dist-cp", "--src=hdfs:///data", "--dest=hdfs:///x", "--groupBy=.*"),
        step("script", f"s3://{BUCKET}/script.sh", "one", jar=SCRIPT_RUNNER),
        step("pi", "/usr/lib/spark/bin/run-example", "SparkPi", "2"),
        step("sql", "bash", "-c", "spark-sql --master yarn -e 'select 40 + 2'"),
        step("none", "no-such-program"),
    )
    _, steps = wait_for_end(aws, cluster_id)
    out = {
        name: logs_of(aws, f"{cluster_id}/steps/{status['Id']}/").get("stdout.gz", "")
        for name, status in steps.items()
    }
    failed = {name: status["FailureDetails"] for name, status in steps.items() if status["State"] == "FAILED"}
    assert failed.keys() == {"grouped", "none"}
    assert "--groupBy" in logs_of(aws, f"{cluster_id}/steps/{steps['grouped']['Id']}/")["stderr.gz"]
    assert 'Cannot run program "no-such-program"' in failed["none"]["Message"]
    assert out["script"] == "script one with a variable\nid\n1\n2\n"
    assert out["pi"].startswith("Pi is roughly 3.")
    assert out["sql"].strip() == "42"


def test_steps_run_in_parallel_and_their_logs_are_archived_meanwhile(aws: LocalAws) -> None:
    wait = "echo {0} is waiting; touch {0}; while [ ! -e {1} ]; do sleep 0.1; done"
    cluster_id = start(
        aws,
        step("a", "bash", "-c", wait.format("a", "b")),
        step("b", "bash", "-c", wait.format("b", "end")),
        StepConcurrencyLevel=2,
    )
    deadline = time.monotonic() + 60
    while "b is waiting\n" not in (logs := logs_of(aws, f"{cluster_id}/steps/")).values():
        assert time.monotonic() < deadline, logs
        time.sleep(0.2)
    emr = aws.client("emr")
    states = {each["Name"]: each["Status"]["State"] for each in emr.list_steps(ClusterId=cluster_id)["Steps"]}
    assert states == {"a": "COMPLETED", "b": "RUNNING"}
    (aws.state / "emr" / cluster_id / "work" / "end").touch()
    status, _ = wait_for_end(aws, cluster_id)
    assert status["State"] == "TERMINATED"


def test_steps_that_start_together_configure_spark(tmp_path: Path) -> None:
    """A temporary file that two steps shared made one of them fail."""
    node = Node(tmp_path)
    node.prepare(tmp_path, own_python=False)

    def configure(_: int) -> None:
        node.configure({}, event_logs=tmp_path, s3a={})

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(configure, range(200)))
    assert sorted(path.name for path in node.conf.iterdir()) == ["core-site.xml", "spark-defaults.conf"]


def test_the_logs_of_a_driver_in_cluster_mode_are_those_of_a_container(aws: LocalAws) -> None:
    cluster_id = start(
        aws, step("fails", "spark-submit", "--deploy-mode", "cluster", f"s3://{BUCKET}/fail.py")
    )
    _, steps = wait_for_end(aws, cluster_id)
    logs = logs_of(aws, f"{cluster_id}/steps/{steps['fails']['Id']}/")
    details = steps["fails"]["FailureDetails"]
    assert details["Message"].endswith("finished with failed status")
    assert details["LogFile"].endswith("/stderr.gz")
    assert (logs["stdout.gz"], details["Message"] in logs["stderr.gz"]) == ("", True)
    containers = logs_of(aws, f"{cluster_id}/containers/")
    [stdout] = [name for name in containers if name.endswith("_01_000001/stdout.gz")]
    assert stdout.split("/")[0] in logs["stderr.gz"]
    assert "ValueError: in the container" in containers[stdout]
