"""The base of the triggers: a polling loop with a deadline, which a worker or a triggerer can run.

The waiters of the Amazon provider fail on the first network error, their deferred tasks cannot be killed, and some of
them have no time limit. This one retries network errors, cancels the work of a killed task, and has a deadline.
"""

from __future__ import annotations

import asyncio
import logging
import time
from abc import abstractmethod
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any, ClassVar

from airflow.providers.amazon.aws.hooks.base_aws import AwsGenericHook
from airflow.providers.amazon.aws.hooks.logs import AwsLogsHook
from airflow.triggers.base import BaseTrigger, TriggerEvent
from botocore.exceptions import BotoCoreError, ClientError

from emr_pipeline.failure import level
from emr_pipeline.live_log import LiveLog

TRANSIENT_CODES = frozenset(
    {
        "InternalServerError",
        "InternalServerException",
        "InternalFailure",
        "RequestLimitExceeded",
        "ServiceUnavailable",
        "Throttling",
        "ThrottlingException",
        "TooManyRequestsException",
    }
)

FIRST_POLL_SECONDS = 0.1
"""Seconds until the first poll, in which the client is created. On a local AWS most queries have ended then."""

Event = dict[str, Any]

Resource = Mapping[str, Any]
"""The ids of the AWS resource that a trigger polls, and its limits: strings, numbers, and lists of them."""


def is_transient(error: Exception) -> bool:
    """Return whether a retry can succeed: after throttling, a server error or a lost connection."""
    if isinstance(error, ClientError):
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        return error.response["Error"]["Code"] in TRANSIENT_CODES or status >= 500
    return isinstance(error, BotoCoreError | OSError)


def seconds_between(started: datetime | None, ended: datetime | None) -> float:
    """Return the seconds between two times; 0 for work that has not started."""
    return (ended - started).total_seconds() if started and ended else 0.0


def poll_interval(waited: float) -> float:
    """Return the seconds between a poll and the next: a tenth of the seconds waited so far, between 1.2 and 30.

    The end is noticed at most 10 % late, and a long wait stays far below the request limits of EMR.
    """
    return min(30.0, max(1.2, waited / 10))


class PollingTrigger(BaseTrigger):
    """Polls an AWS resource until it has ended or the deadline has passed, then fires once.

    The event is what ``poll`` returns, or ``{"timed_out": True}`` after the deadline, together with ``resource``. If
    the resource has a ``log``, the arguments of a LiveLog, its new lines appear in the log of the task.
    """

    hook_class: ClassVar[type[AwsGenericHook[Any]]]

    def __init__(
        self,
        *,
        resource: Resource,
        deadline: float,
        aws_conn_id: str | None,
        region_name: str | None,
    ) -> None:
        """``deadline`` is in seconds since the epoch: a restart of the triggerer does not extend it."""
        super().__init__()
        self.resource = dict(resource)
        self.deadline = deadline
        self.aws_conn_id = aws_conn_id
        self.region_name = region_name

    def serialize(self) -> tuple[str, dict[str, Any]]:
        return (
            f"{type(self).__module__}.{type(self).__qualname__}",
            {
                "resource": self.resource,
                "deadline": self.deadline,
                "aws_conn_id": self.aws_conn_id,
                "region_name": self.region_name,
            },
        )

    @abstractmethod
    async def poll(self, client: Any) -> Event | None:
        """Return the event if the resource has ended, else None."""

    @abstractmethod
    async def cancel(self, client: Any) -> None:
        """Stop the work of the resource because a user has ended the task."""

    async def run(self) -> AsyncIterator[TriggerEvent]:
        yield TriggerEvent(await self.wait())

    async def wait(self) -> Event:
        """Return the event that ends the wait."""
        async with self._following_log():
            ended = await self._poll_until_deadline()
        return {**self.resource, **ended}

    @asynccontextmanager
    async def _following_log(self) -> AsyncIterator[None]:
        if not (log := self.resource.get("log")):
            yield
            return
        ended, hook = asyncio.Event(), AwsLogsHook(aws_conn_id=self.aws_conn_id, region_name=self.region_name)
        follower = asyncio.create_task(LiveLog(show=self._show, **log).follow(hook, ended))
        try:
            yield
            ended.set()
            await follower
        finally:
            follower.cancel()

    def _show(self, line: str) -> None:
        self.log.log(level(line, logging.INFO), "%s", line)

    async def _poll_until_deadline(self) -> Event:
        started = time.time()
        first = min(started + FIRST_POLL_SECONDS, self.deadline)
        while True:
            try:
                async with await self._hook().get_async_conn() as client:
                    await asyncio.sleep(max(0.0, first - time.time()))
                    while (event := await self.poll(client)) is None:
                        now = time.time()
                        if now >= self.deadline:
                            return {"timed_out": True}
                        await asyncio.sleep(min(poll_interval(now - started), self.deadline - now))
                    return event
            except (ClientError, BotoCoreError, OSError) as error:
                if not is_transient(error):
                    raise
                if time.time() >= self.deadline:
                    return {"timed_out": True}
                self.log.warning("Polling %s failed, will retry: %s", self.resource, error)
                await asyncio.sleep(poll_interval(time.time() - started))

    async def on_kill(self) -> None:
        async with await self._hook().get_async_conn() as client:
            await self.cancel(client)

    def _hook(self) -> AwsGenericHook[Any]:
        return self.hook_class(aws_conn_id=self.aws_conn_id, region_name=self.region_name)
