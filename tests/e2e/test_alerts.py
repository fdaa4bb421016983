"""Alerts that arrive and assets that start another DAG, on Airflow's own processes.

Run by ``make chaos``. The alerts go to a topic of the local AWS, and a queue that is subscribed to it shows them.
"""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

import pytest

from laptop import aws, sales, services
from laptop.state import PROJECT
from localaws.faults import Deny, Faults

pytestmark = pytest.mark.chaos

SECONDS = 900

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
    """A local AWS, an Airflow on it whose alerts go to a topic, and the messages that have arrived there."""

    local: aws.LocalAws
    airflow: services.Airflow
    queue: str
    input: str
    customers: int
    messages: list[dict[str, str]] = field(default_factory=list)

    def trigger(self, dag_id: str, **conf: Any) -> str:
        body = {"logical_date": None, "conf": conf}
        created = self.airflow.api("POST", f"/dags/{dag_id}/dagRuns", body)
        return str(created["dag_run_id"])

    def state(self, dag_id: str, run_id: str) -> str:
        return str(self.airflow.api("GET", f"/dags/{dag_id}/dagRuns/{quote(run_id)}")["state"])

    def wait_for_end(self, dag_id: str, run_id: str) -> str:
        ended = ("success", "failed")
        return str(wait_for(lambda: (state := self.state(dag_id, run_id)) in ended and state))

    def alert(self, run_id: str) -> dict[str, str]:
        """Wait for a message about a run and return it."""
        return dict(wait_for(lambda: self.about(run_id)))

    def about(self, run_id: str) -> dict[str, str]:
        sqs = self.local.client("sqs")
        for message in sqs.receive_message(QueueUrl=self.queue, MaxNumberOfMessages=10).get("Messages", []):
            self.messages.append(json.loads(message["Body"]))
            sqs.delete_message(QueueUrl=self.queue, ReceiptHandle=message["ReceiptHandle"])
        return next((message for message in self.messages if run_id in message["Message"]), {})


def wait_for(what: Callable[[], Any]) -> Any:
    """Return the first true answer of ``what``."""
    deadline = time.monotonic() + SECONDS
    while not (answer := what()):
        assert time.monotonic() < deadline
        time.sleep(1)
    return answer


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    folder = tmp_path_factory.mktemp("alerts")
    written = sales.write(folder / "sales.csv", 500, customers=50)
    dags = shutil.copytree(PROJECT / "dags", folder / "dags")
    (folder / "spark").symlink_to(PROJECT / "spark")
    (dags / "slow.py").write_text(LATE_DAG)
    with aws.local_aws(folder / "aws", folder / "localaws.log") as local:
        topic = local.client("sns").create_topic(Name="alerts")["TopicArn"]
        sqs = local.client("sqs")
        queue = sqs.create_queue(QueueName="alerts")["QueueUrl"]
        arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        local.client("sns").subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)
        uri = local.provide(folder / "sales.csv", "beverage-lake", "raw/alerts.csv")
        with services.airflow(
            folder / "airflow",
            local.endpoint,
            AIRFLOW__CORE__DAGS_FOLDER=str(dags),
            PYTHONPATH=str(dags),
            EMR_PIPELINE_ALERT_TOPIC_ARN=topic,
        ) as airflow:
            yield Stack(local, airflow, queue, uri, written.customers)


def test_a_run_that_has_not_ended_in_time_is_told(stack: Stack) -> None:
    run_id = stack.trigger("slow")
    alert = stack.alert(run_id)
    assert alert["Subject"].startswith("slow: late, was to end by ")
    assert f"/dags/slow/runs/{quote(run_id)}" in alert["Message"]


@pytest.mark.parametrize(
    "conf", [{"k_min": 5, "k_max": 4}, {"kmax": 4}], ids=["range without any k", "no param"]
)
def test_what_the_form_lets_pass_fails_before_there_is_a_cluster_and_is_told(
    stack: Stack, conf: dict[str, int]
) -> None:
    run_id = stack.trigger("sales_segmentation", input=stack.input, **conf)
    assert stack.wait_for_end("sales_segmentation", run_id) == "failed"
    assert stack.alert(run_id)["Subject"] == "sales_segmentation: failed in check_input"
    assert stack.local.client("emr").list_clusters()["Clusters"] == []


def test_the_tables_start_the_example_and_a_teardown_that_fails_alone_is_told(stack: Stack) -> None:
    faults = Faults(stack.local.endpoint)
    faults.plan(Deny("TerminateJobFlows", times=99))
    run_id = stack.trigger(
        "sales_segmentation", input=stack.input, run_date="2026-01-31", k_min=2, k_max=3, starts=1
    )
    assert stack.wait_for_end("sales_segmentation", run_id) == "failed"
    faults.clear()
    assert stack.alert(run_id)["Subject"] == "sales_segmentation: failed in sweep_clusters, terminate_cluster"

    events = stack.airflow.api("GET", "/assets/events?limit=100")["asset_events"]
    assert {event["extra"]["run_date"] for event in events} == {"2026-01-31"}
    assert {"beverage_analytics.segment_profiles", "sales_segmentation.report"} <= {e["name"] for e in events}

    (example,) = stack.airflow.api("GET", "/dags/segments_changed/dagRuns")["dag_runs"]
    assert stack.wait_for_end("segments_changed", example["dag_run_id"]) == "success"
    path = f"/dags/segments_changed/dagRuns/{quote(example['dag_run_id'])}/taskInstances/read_events"
    told = stack.airflow.api("GET", f"{path}/xcomEntries/return_value?deserialize=true")["value"]
    assert told == [{"run_date": "2026-01-31", "rows": stack.customers}]
