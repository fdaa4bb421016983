"""A trigger waits until the resource has ended or the deadline has passed, and retries transient errors."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

from emr_pipeline.targets.emr_ec2.triggers import StepTrigger
from emr_pipeline.triggers import base
from emr_pipeline.triggers.base import FIRST_POLL_SECONDS, PollingTrigger, is_transient, poll_interval


def client_error(code: str, status: int = 400) -> ClientError:
    response = {"Error": {"Code": code, "Message": code}, "ResponseMetadata": {"HTTPStatusCode": status}}
    return ClientError(response, "DescribeStep")  # type: ignore[arg-type]


class Hook:
    """A hook whose client is only a context manager."""

    def __init__(self, **_: object) -> None: ...

    async def get_async_conn(self) -> Any:
        return self

    async def __aenter__(self) -> Any:
        return self

    async def __aexit__(self, *_: object) -> None: ...


class Scripted(PollingTrigger):
    """Returns the next of ``answers`` at each poll; exceptions are raised."""

    hook_class = Hook  # type: ignore[assignment]
    answers: list[Any]

    async def poll(self, client: Any) -> Any:
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    async def cancel(self, client: Any) -> None: ...


def scripted(*answers: Any, seconds: float = 60) -> Scripted:
    trigger = Scripted(
        resource={"step_id": "s-1"}, deadline=time.time() + seconds, aws_conn_id=None, region_name=None
    )
    trigger.answers = list(answers)
    return trigger


@pytest.fixture(autouse=True)
def no_delay(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(base, "poll_interval", lambda _: 0.0)
    monkeypatch.setattr(base, "FIRST_POLL_SECONDS", 0.0)


@pytest.mark.parametrize(("waited", "delay"), [(0, 1.2), (5, 1.2), (60, 6), (3600, 30)])
def test_the_poll_interval_grows_to_thirty_seconds(waited: float, delay: float) -> None:
    assert poll_interval(waited) == delay


@pytest.mark.parametrize(("seconds", "polls"), [(0.05, 1), (1, 2), (3, 4), (60, 28), (600, 55), (3600, 155)])
def test_the_number_of_polls_is_limited(monkeypatch: pytest.MonkeyPatch, seconds: float, polls: int) -> None:
    """An API call each: for a resource that ends after ``seconds``, and not more than with a first poll at once."""
    now, counts = 0.0, []

    async def sleep(delay: float) -> None:
        nonlocal now
        now += delay

    class Lasting(Scripted):
        async def poll(self, client: Any) -> Any:
            counts[-1] += 1
            return {"state": "COMPLETED"} if now >= seconds else None

    monkeypatch.setattr(base.time, "time", lambda: now)
    monkeypatch.setattr(base.asyncio, "sleep", sleep)
    monkeypatch.setattr(base, "poll_interval", poll_interval)
    for first in (FIRST_POLL_SECONDS, 0.0):
        now = 0.0
        counts.append(0)
        monkeypatch.setattr(base, "FIRST_POLL_SECONDS", first)
        asyncio.run(Lasting(resource={}, deadline=7200, aws_conn_id=None, region_name=None).wait())
    assert counts[0] == polls <= counts[1]


@pytest.mark.parametrize(
    "error",
    [
        client_error("ThrottlingException"),
        client_error("Anything", 503),
        EndpointConnectionError(endpoint_url="x"),
    ],
)
def test_a_transient_error_is_retried(error: Exception) -> None:
    assert is_transient(error)
    assert asyncio.run(scripted(None, error, {"state": "COMPLETED"}).wait())["state"] == "COMPLETED"


def test_a_permanent_error_ends_the_wait() -> None:
    with pytest.raises(ClientError, match="AccessDenied"):
        asyncio.run(scripted(client_error("AccessDeniedException")).wait())


def test_the_event_contains_the_resource() -> None:
    assert asyncio.run(scripted({"state": "FAILED"}).wait()) == {"step_id": "s-1", "state": "FAILED"}


@pytest.mark.parametrize("answer", [None, client_error("ThrottlingException")])
def test_the_wait_ends_at_the_deadline(answer: Any) -> None:
    event = asyncio.run(scripted(*[answer] * 5, seconds=0).wait())
    assert event == {"step_id": "s-1", "timed_out": True}


def test_a_trigger_is_restored_from_its_serialized_form() -> None:
    trigger = StepTrigger(
        resource={"step_id": "s"}, deadline=1.5, aws_conn_id="aws", region_name="eu-central-1"
    )
    path, arguments = trigger.serialize()
    assert path == "emr_pipeline.targets.emr_ec2.triggers.StepTrigger"
    assert StepTrigger(**arguments).serialize() == (path, arguments)
