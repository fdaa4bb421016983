"""An alert names the run, the failed tasks and the run's page; an alert that cannot be sent is still logged."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ClientError

from emr_pipeline.alerts import FailureAlert, LateAlert, late_after, on_failure
from emr_pipeline.settings import Settings

RUN_ID = "manual__2026-01-31T12:00:00+00:00"
URL = "/dags/pipeline/runs/manual__2026-01-31T12%3A00%3A00%2B00%3A00"


class Topic:
    """A topic of the local AWS with a queue that receives its messages."""

    def __init__(self, aws: Any) -> None:
        self.sqs = aws.client("sqs")
        self.arn = aws.client("sns").create_topic(Name="alerts")["TopicArn"]
        self.queue = self.sqs.create_queue(QueueName="alerts")["QueueUrl"]
        attributes = self.sqs.get_queue_attributes(QueueUrl=self.queue, AttributeNames=["QueueArn"])
        aws.client("sns").subscribe(
            TopicArn=self.arn, Protocol="sqs", Endpoint=attributes["Attributes"]["QueueArn"]
        )

    def messages(self) -> list[dict[str, str]]:
        answer = self.sqs.receive_message(QueueUrl=self.queue, MaxNumberOfMessages=10)
        return [json.loads(message["Body"]) for message in answer.get("Messages", [])]


@pytest.fixture
def topic(aws: Any) -> Iterator[Topic]:
    topic = Topic(aws)
    yield topic
    topic.sqs.delete_queue(QueueUrl=topic.queue)
    aws.client("sns").delete_topic(TopicArn=topic.arn)


def failed_run(**states: str) -> Any:
    tasks = [
        SimpleNamespace(task_id="pca", is_mapped=False),
        SimpleNamespace(task_id="queries", is_mapped=True),
    ]
    ti = SimpleNamespace(
        dag_id="pipeline", run_id=RUN_ID, task_id="pca", get_task_states=lambda **_: {RUN_ID: states}
    )
    return {"dag": SimpleNamespace(dag_id="pipeline", tasks=tasks), "run_id": RUN_ID, "ti": ti}


def late_run(state: str, run_type: str = "manual") -> Any:
    return {
        "dag_run": {"dag_id": "pipeline", "dag_run_id": RUN_ID, "state": state, "run_type": run_type},
        "deadline": {"id": "1", "deadline_time": datetime(2026, 1, 31, 16, tzinfo=UTC)},
    }


def test_a_failure_names_the_failed_tasks_once_and_the_run(topic: Topic) -> None:
    alert = FailureAlert(topic_arn=topic.arn, aws_conn_id="aws_default")
    alert.notify(
        failed_run(pca="success", terminate_cluster="failed", queries_0="failed", queries_1="failed")
    )
    (message,) = topic.messages()
    assert message["Subject"] == "pipeline: failed in queries, terminate_cluster"
    assert message["Message"].startswith(f"{message['Subject']}. Run {RUN_ID}: http")
    assert message["Message"].endswith(URL)


def test_without_the_task_states_the_last_failed_task_is_named(topic: Topic) -> None:
    context = failed_run()
    context["ti"].get_task_states = None
    FailureAlert(topic_arn=topic.arn, aws_conn_id="aws_default").notify(context)
    assert topic.messages()[0]["Subject"] == "pipeline: failed in pca"


def test_a_failed_run_without_a_failed_task_is_reported(topic: Topic) -> None:
    context = failed_run()
    del context["ti"]
    FailureAlert(topic_arn=topic.arn, aws_conn_id="aws_default").notify(context)
    assert topic.messages()[0]["Subject"] == "pipeline: failed in no task, see the run"


def test_many_failed_tasks_fit_the_subject_and_are_all_in_the_message(topic: Topic) -> None:
    alert = FailureAlert(topic_arn=topic.arn, aws_conn_id="aws_default")
    alert.notify(failed_run(**{f"task_{number}": "failed" for number in range(100, 130)}))
    (message,) = topic.messages()
    assert len(message["Subject"]) == 99
    assert "task_129" in message["Message"]


def test_a_run_id_that_looks_like_a_template_is_not_rendered(topic: Topic) -> None:
    """A user can choose the run id, and Airflow renders the template fields of a notifier when it calls it."""
    context = failed_run()
    context["run_id"] = "{{ 7 * 7 }}"
    FailureAlert(topic_arn=topic.arn, aws_conn_id="aws_default")(context)
    assert "Run {{ 7 * 7 }}: http" in topic.messages()[0]["Message"]


@pytest.mark.usefixtures("aws")
def test_an_alert_that_cannot_be_sent_is_logged(capfd: pytest.CaptureFixture[str]) -> None:
    gone = FailureAlert(topic_arn="arn:aws:sns:us-east-1:123456789012:gone", aws_conn_id="aws_default")
    with pytest.raises(ClientError, match="does not exist"):
        gone.notify(failed_run(pca="failed"))
    assert "ALERT pipeline: failed in pca" in "".join(capfd.readouterr())


def test_without_a_topic_an_alert_is_only_logged(capfd: pytest.CaptureFixture[str]) -> None:
    on_failure(Settings(bucket="lake", aws_conn_id="none_such")).notify(failed_run(pca="failed"))
    assert f"Run {RUN_ID}: http" in "".join(capfd.readouterr())


def test_a_late_run_is_reported_when_the_triggerer_calls_the_alert(topic: Topic) -> None:
    callback = late_after(datetime.resolution, Settings(bucket="lake", alert_topic_arn=topic.arn)).callback

    async def fire(state: str) -> None:
        await LateAlert(**callback.kwargs, context=late_run(state))

    asyncio.run(fire("running"))
    (message,) = topic.messages()
    assert message["Subject"] == "pipeline: late, its deadline was 2026-01-31 16:00 UTC and it is running"
    assert message["Message"].endswith(URL)


def test_a_run_that_has_failed_before_its_deadline_is_not_reported_again(topic: Topic) -> None:
    asyncio.run(LateAlert(topic_arn=topic.arn, aws_conn_id="aws_default").async_notify(late_run("failed")))
    assert topic.messages() == []


def test_a_run_of_a_backfill_is_never_late(topic: Topic) -> None:
    alert = LateAlert(topic_arn=topic.arn, aws_conn_id="aws_default")
    asyncio.run(alert.async_notify(late_run("queued", "backfill")))
    assert topic.messages() == []
