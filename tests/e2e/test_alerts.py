"""Alerts arrive, and assets trigger another DAG, on Airflow's own processes.

Run by ``make chaos``. The alerts are published to an SNS topic of the local AWS and read from a subscribed queue.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from urllib.parse import quote

import pytest

from devtools import airflow_services, aws, sales
from devtools.paths import PROJECT
from localaws.faults import Deny, Faults
from localaws.testing import LocalAws

pytestmark = pytest.mark.chaos

LATE_DAG = """
from datetime import timedelta
from airflow.sdk import DAG, task
from emr_pipeline.alerts import late_after, on_failure
from emr_pipeline.settings import Settings

settings = Settings.from_environment()
with DAG("slow", schedule=None, deadline=late_after(timedelta(seconds=5), settings)):
    @task.bash
    def sleep():
        return "sleep 60"
    sleep()
"""


@dataclass
class Stack:
    """A local AWS, an Airflow that sends alerts to an SNS topic, and the messages received so far."""

    local: LocalAws
    airflow: airflow_services.Airflow
    queue: str
    input: str
    customers: int
    messages: list[dict[str, str]] = field(default_factory=list)

    def alert(self, run: airflow_services.DagRun) -> dict[str, str]:
        """Wait for a message about a run and return it."""
        return dict(run.wait_for(lambda: self.about(run.run_id)))

    def about(self, run_id: str) -> dict[str, str]:
        sqs = self.local.client("sqs")
        for message in sqs.receive_message(QueueUrl=self.queue, MaxNumberOfMessages=10).get("Messages", []):
            self.messages.append(json.loads(message["Body"]))
            sqs.delete_message(QueueUrl=self.queue, ReceiptHandle=message["ReceiptHandle"])
        return next((message for message in self.messages if run_id in message["Message"]), {})


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    folder = tmp_path_factory.mktemp("alerts")
    written = sales.write(folder / "sales.csv", 500, customers=50)
    dags = shutil.copytree(PROJECT / "dags", folder / "dags")
    (folder / "spark").symlink_to(PROJECT / "spark")
    (dags / "slow").mkdir()
    (dags / "slow" / "dag.py").write_text(LATE_DAG)
    with LocalAws(state=folder / "aws", region=aws.REGION) as local:
        topic = local.client("sns").create_topic(Name="alerts")["TopicArn"]
        sqs = local.client("sqs")
        queue = sqs.create_queue(QueueName="alerts")["QueueUrl"]
        arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        local.client("sns").subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)
        uri = aws.provide(local, folder / "sales.csv", "beverage-lake", "raw/alerts.csv")
        with airflow_services.airflow(
            folder / "airflow",
            local.endpoint_url,
            AIRFLOW__CORE__DAGS_FOLDER=str(dags),
            PYTHONPATH=str(dags),
            EMR_PIPELINE_ALERT_TOPIC_ARN=topic,
        ) as airflow:
            yield Stack(local, airflow, queue, uri, written.customers)


def test_a_late_run_is_alerted(stack: Stack) -> None:
    run = stack.airflow.trigger("slow")
    alert = stack.alert(run)
    assert alert["Subject"].startswith("slow: late, its deadline was ")
    assert f"/dags/slow/runs/{quote(run.run_id)}" in alert["Message"]


@pytest.mark.parametrize(
    "conf", [{"k_min": 5, "k_max": 4}, {"kmax": 4}], ids=["empty range of k", "unknown param"]
)
def test_invalid_params_fail_before_a_cluster_is_created_and_are_alerted(
    stack: Stack, conf: dict[str, int]
) -> None:
    run = stack.airflow.trigger("sales_segmentation", input=stack.input, **conf)
    assert run.wait_for_end() == "failed"
    assert stack.alert(run)["Subject"] == "sales_segmentation: failed in check_input"
    assert stack.local.client("emr").list_clusters()["Clusters"] == []


def test_a_run_marked_failed_before_its_cluster_is_created_fails_and_is_alerted(stack: Stack) -> None:
    run = stack.airflow.trigger("sales_segmentation", input=stack.input)
    stack.airflow.api("PATCH", run.path, {"state": "failed"})
    assert run.wait_for_end() == "failed"
    assert stack.alert(run)["Subject"].startswith("sales_segmentation: failed in ")
    assert stack.local.client("emr").list_clusters()["Clusters"] == []


def test_tables_trigger_the_example_dag_and_a_failed_teardown_is_alerted(stack: Stack) -> None:
    faults = Faults(stack.local.endpoint_url)
    faults.plan(Deny("TerminateJobFlows", times=99))
    run = stack.airflow.trigger(
        "sales_segmentation", input=stack.input, run_date="2026-01-31", k_min=2, k_max=3, n_init=1
    )
    assert run.wait_for_end() == "failed"
    faults.clear()
    assert stack.alert(run)["Subject"] == "sales_segmentation: failed in sweep_clusters, terminate_cluster"

    events = stack.airflow.api("GET", "/assets/events?limit=100")["asset_events"]
    assert {event["extra"]["run_date"] for event in events} == {"2026-01-31"}
    assert {"beverage_analytics.segment_profiles", "sales_segmentation.report"} <= {e["name"] for e in events}

    (started,) = stack.airflow.api("GET", "/dags/segments_changed/dagRuns")["dag_runs"]
    example = airflow_services.DagRun(stack.airflow, "segments_changed", started["dag_run_id"])
    assert example.wait_for_end() == "success"
    assert example.return_value("read_events") == [{"run_date": "2026-01-31", "rows": stack.customers}]
