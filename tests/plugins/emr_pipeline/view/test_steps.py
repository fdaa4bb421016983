"""The page of a step shows its state and its logs to users who may read the logs of the task."""

from __future__ import annotations

import gzip
import re
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from airflow.models.dagrun import DagRun
from airflow.utils.session import create_session
from fastapi.testclient import TestClient
from sqlalchemy import select

from emr_pipeline.cost import ClusterCost, RunCost
from emr_pipeline.cost_records import record_key, write_run_cost
from emr_pipeline.extra_links import STEP, StepLink
from emr_pipeline.settings import Settings
from emr_pipeline.specs import ClusterSpec
from emr_pipeline.tags import run_tags
from emr_pipeline.targets.emr_ec2.cluster import run_job_flow_request
from emr_pipeline.view.steps import command
from tests.plugins.emr_pipeline.conftest import BUCKET, SECRET, Run

Browser = Callable[..., TestClient]

APPLICATION = "application_1700000000000_0001"
FAILS = f"""
import sys
print("Submitted application {APPLICATION}", file=sys.stderr)
from pyspark.sql import SparkSession
def work(number):
    raise ValueError("no variance in 7 columns <b>")
SparkSession.builder.getOrCreate().sparkContext.range(1).map(work).collect()
"""
HANGS = "import time; print('the newest line', flush=True); time.sleep(600)"


class Steps:
    """A cluster of one run with a failed step and a running step."""

    def __init__(self, aws: Any, run: Run) -> None:
        self.run, self.emr, s3 = run, aws.client("emr"), aws.client("s3")
        settings = Settings(bucket=BUCKET, log_group="/view")
        tags = run_tags(run.dag_id, run.run_id, settings)
        request = run_job_flow_request("view", ClusterSpec("emr-7.13.0", 1), settings, tags)
        self.cluster_id = self.emr.run_job_flow(**request)["JobFlowId"]
        for name, code in {"fails": FAILS, "hangs": HANGS}.items():
            s3.put_object(Bucket=BUCKET, Key=f"jobs/{name}.py", Body=code.encode())
        self.failed, self.running = (self._step(name) for name in ("fails", "hangs"))
        container = f"logs/{self.cluster_id}/containers/{APPLICATION}/container_1_0001_01_000001/stdout"
        s3.put_object(Bucket=BUCKET, Key=container, Body=b"output of the driver")
        self._wait_for(self.failed, "FAILED")
        self._wait_for(self.running, "RUNNING")

    def _step(self, name: str) -> str:
        step = {
            "Name": name,
            "ActionOnFailure": "CONTINUE",
            "HadoopJarStep": {
                "Jar": "command-runner.jar",
                "Args": ["spark-submit", f"s3://{BUCKET}/jobs/{name}.py", "--k", "a b"],
            },
        }
        added = self.emr.add_job_flow_steps(JobFlowId=self.cluster_id, Steps=[step])
        return str(added["StepIds"][0])

    def _wait_for(self, step_id: str, state: str) -> None:
        for _ in range(1200):
            step = self.emr.describe_step(ClusterId=self.cluster_id, StepId=step_id)["Step"]
            if step["Status"]["State"] == state:
                return
            time.sleep(0.1)
        raise AssertionError(f"{step['Name']} is {step['Status']}, not {state}")

    def page(self, step_id: str) -> str:
        """Let a task wait for this step and return the path of its page."""
        self.run.task("pca", "running", **{STEP: {"cluster_id": self.cluster_id, "step_id": step_id}})
        return f"{self.run.path}/tasks/pca/step"


@pytest.fixture(scope="module")
def steps(aws: Any, make_run: Callable[..., Run]) -> Iterator[Steps]:
    made = Steps(aws, make_run())
    yield made
    made.emr.terminate_job_flows(JobFlowIds=[made.cluster_id])


def test_a_failed_step_shows_its_cause_its_command_and_its_logs(browser: Browser, steps: Steps) -> None:
    response = browser("reader").get(steps.page(steps.failed))
    assert response.status_code == 200
    text = response.text
    assert "<strong>ValueError: no variance in 7 columns &lt;b&gt;</strong>" in text
    assert text.index("in work") < text.index("py4j.protocol.Py4JJavaError") < text.index("<h2>Logs</h2>")
    assert "--k &#39;a b&#39;" in text
    assert f"Submitted application {APPLICATION}" in text
    assert "output of the driver" in text
    names = re.findall(r'<pre tabindex="0" role="region" aria-label="([^"]+)">', text)
    kinds = [name.rpartition(" ")[2] for name in names]
    assert max(place for place, kind in enumerate(kinds) if kind == "stdout") < kinds.index("stderr")
    assert "Refresh" not in response.headers
    assert "default-src 'none'" in response.headers["Content-Security-Policy"]


def test_the_page_of_a_running_step_reloads_with_the_live_log(
    browser: Browser, steps: Steps, aws: Any
) -> None:
    """EMR also uploads the log to S3 every few minutes; this copy is older."""
    uploaded = f"logs/{steps.cluster_id}/steps/{steps.running}/stdout.gz"
    aws.client("s3").put_object(Bucket=BUCKET, Key=uploaded, Body=gzip.compress(b"an older line"))
    response = browser("reader").get(steps.page(steps.running))
    assert response.headers["Refresh"] == "5"
    assert "RUNNING" in response.text
    deadline = time.monotonic() + 60
    while "the newest line" not in response.text and time.monotonic() < deadline:
        time.sleep(0.5)
        response = browser("reader").get(steps.page(steps.running))
    assert f"/view: /steps/{steps.running}/stdout" in response.text
    assert "the newest line" in response.text


def test_the_spark_ui_of_a_step_opens_as_soon_as_it_is_ready(
    browser: Browser, steps: Steps, aws: Any
) -> None:
    page = steps.page(steps.failed)
    assert 'href="spark-ui"' in browser("reader").get(page).text
    path = page.removesuffix("step") + "spark-ui"
    response = browser("reader").get(path)
    deadline = time.monotonic() + 90
    while response.status_code == 200 and time.monotonic() < deadline:
        assert "is starting" in response.text
        assert response.headers["Refresh"] == "2"
        time.sleep(0.5)
        response = browser("reader").get(path)
    assert response.status_code == 307
    assert re.fullmatch(
        rf"{aws.endpoint_url}/_localaws/spark-ui/[\w-]+/history/local-\d+/jobs/", response.headers["Location"]
    )


def test_the_spark_ui_of_another_run_is_not_opened(
    browser: Browser, steps: Steps, make_run: Callable[..., Run]
) -> None:
    other = make_run()
    other.task("pca", **{STEP: {"cluster_id": steps.cluster_id, "step_id": steps.failed}})
    assert browser("reader").get(f"{other.path}/tasks/pca/spark-ui").status_code == 404


def test_the_console_is_linked_if_its_address_is_set(
    browser: Browser, steps: Steps, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = steps.page(steps.failed)
    link = f"https://console.aws.amazon.com/emr/home?region=us-east-1#/clusterDetails/{steps.cluster_id}"
    assert link in browser("reader").get(page).text
    monkeypatch.setenv("EMR_PIPELINE_CONSOLE_URL", "")
    assert "AWS console" not in browser("reader").get(page).text


def test_a_step_on_the_cluster_of_another_run_is_not_shown(
    browser: Browser, steps: Steps, make_run: Callable[..., Run]
) -> None:
    """A user who may write XComs must not read the logs of any cluster."""
    other = make_run()
    other.task("pca", **{STEP: {"cluster_id": steps.cluster_id, "step_id": steps.failed}})
    response = browser("reader").get(f"{other.path}/tasks/pca/step")
    assert response.status_code == 404
    assert "no variance" not in response.text


@pytest.mark.parametrize("step_id", ["../../s-1", "s-1/../x", None, 7])
def test_an_xcom_that_is_not_a_step_is_refused(
    browser: Browser, make_run: Callable[..., Run], step_id: object
) -> None:
    run = make_run()
    run.task("pca", **{STEP: {"cluster_id": "j-1", "step_id": step_id}})
    response = browser("reader").get(f"{run.path}/tasks/pca/step")
    assert response.status_code == 404
    assert "which is not a step" in response.text


def test_the_page_of_a_task_without_a_step_gives_the_reason(
    browser: Browser, make_run: Callable[..., Run]
) -> None:
    run = make_run()
    run.task("pca", "queued")
    response = browser("reader").get(f"{run.path}/tasks/pca/step")
    assert response.status_code == 200
    assert "<h1>No step yet</h1>" in response.text
    assert "Task pca is queued and has no step" in response.text
    run.task("pca", "failed", failure="cluster j-1 is TERMINATED")
    failed = browser("reader").get(f"{run.path}/tasks/pca/step").text
    assert "<h1>No step</h1>" in failed
    assert "Task pca is failed and has no step on EMR. cluster j-1 is TERMINATED" in failed
    assert browser("reader").get(f"{run.path}/tasks/nope/step").status_code == 404
    assert browser("reader").get(f"{run.path}/tasks/pca/step?map_index=x").status_code == 422


def test_a_cluster_that_emr_no_longer_knows_is_an_error(
    browser: Browser, make_run: Callable[..., Run]
) -> None:
    run = make_run()
    run.task("pca", **{STEP: {"cluster_id": "j-OLD", "step_id": "s-1"}})
    response = browser("reader").get(f"{run.path}/tasks/pca/step")
    assert response.status_code == 404
    assert "two months after its end, and a local AWS until its state is removed" in response.text


@pytest.mark.parametrize(
    ("target", "cluster_id", "step_id", "key"),
    [
        ("emr-ec2", "j-OLD", "s-1", "j-OLD/steps/s-1/stdout.gz"),
        ("emr-serverless", "00old", "00step", "applications/00old/jobs/00step/SPARK_DRIVER/stdout.gz"),
    ],
)
def test_the_logs_of_a_cluster_that_aws_no_longer_knows_are_shown_if_the_run_has_recorded_it(
    browser: Browser,
    make_run: Callable[..., Run],
    aws: Any,
    target: str,
    cluster_id: str,
    step_id: str,
    key: str,
) -> None:
    """The record is on S3: a user who may write XComs cannot change it."""
    run, other, s3 = make_run(), make_run(), aws.client("s3")
    body = gzip.compress(b"pca.py: error: no variance in 7 columns")
    s3.put_object(Bucket=BUCKET, Key=f"logs/{key}", Body=body)
    with create_session() as session:
        after = session.scalar(select(DagRun.run_after).filter_by(run_id=run.run_id))
    tags = run_tags(run.dag_id, run.run_id, Settings(bucket=BUCKET))
    cost = RunCost(tags, "", (ClusterCost(cluster_id, "", 1.0, None, ()),), None, 0, 0, 0, "", "", None, None)
    write_run_cost(s3, BUCKET, record_key(run.dag_id, run.run_id, after), cost)
    for one in (run, other):
        one.task("pca", "failed", **{STEP: {"target": target, "cluster_id": cluster_id, "step_id": step_id}})
    text = browser("reader").get(f"{run.path}/tasks/pca/step").text
    assert "<strong>no variance in 7 columns</strong>" in text
    assert "two months after its end" in text
    assert "Open the Spark UI" not in text
    refused = browser("reader").get(f"{other.path}/tasks/pca/step")
    assert refused.status_code == 404
    assert "no variance" not in refused.text


def test_an_application_that_emr_serverless_does_not_know_is_an_error(
    browser: Browser, make_run: Callable[..., Run]
) -> None:
    run = make_run()
    ids = {"target": "emr-serverless", "cluster_id": "00old", "step_id": "00step"}
    run.task("pca", **{STEP: ids})
    response = browser("reader").get(f"{run.path}/tasks/pca/step")
    assert response.status_code == 404
    assert "There is no step 00step of cluster 00old" in response.text
    run.task("pca", **{STEP: ids | {"target": "other"}})
    assert "which is not a step" in browser("reader").get(f"{run.path}/tasks/pca/step").text


def test_only_users_who_may_read_the_logs_see_the_step(
    browser: Browser, make_run: Callable[..., Run]
) -> None:
    run = make_run(SECRET)
    page = f"{run.path}/tasks/pca/step"
    assert browser("reader").get(page).status_code == 403
    assert browser().get(page).status_code == 307
    assert browser("admin").get(page).status_code == 200


def test_the_link_leads_to_the_page(steps: Steps) -> None:
    class Task:
        dag_id, run_id, task_id, map_index = steps.run.dag_id, steps.run.run_id, "pca", -1

    assert f"/{StepLink().get_link(None, ti_key=Task)}" == steps.page(steps.failed).replace(":", "%3A")


def test_a_flag_and_its_value_are_on_one_line() -> None:
    arguments = ["spark-submit", "--deploy-mode", "cluster", "s3://b/pca.py", "--seed", "7", "--quiet"]
    assert command(arguments).split(" \\\n  ") == [
        "spark-submit", "--deploy-mode cluster", "s3://b/pca.py", "--seed 7", "--quiet",
    ]  # fmt: skip
