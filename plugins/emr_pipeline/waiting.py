"""Waiting for AWS: one loop, with a deadline, that a worker can run in line or a triggerer for it.

The provider's waiters give up on the first network error, their deferred tasks cannot be killed, and some of
them wait for ever; this one does none of the three.
"""

from __future__ import annotations

import asyncio
import time
from abc import abstractmethod
from collections.abc import AsyncIterator, Mapping
from typing import Any, ClassVar

from airflow.providers.amazon.aws.hooks.base_aws import AwsGenericHook
from airflow.triggers.base import BaseTrigger, TriggerEvent
from botocore.exceptions import BotoCoreError, ClientError

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

Event = dict[str, Any]

Subject = Mapping[str, Any]
"""The names and limits that tell a trigger what it looks at: texts, numbers, and lists of them."""


def is_transient(error: Exception) -> bool:
    """Return whether asking again later can help: throttling, a server's fault, a lost connection."""
    if isinstance(error, ClientError):
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        return error.response["Error"]["Code"] in TRANSIENT_CODES or status >= 500
    return isinstance(error, BotoCoreError | OSError)


def next_delay(waited: float) -> float:
    """Return the seconds until the next look: a tenth of what has been waited, between 1 and 30.

    So a wait ends at most a tenth late, and a long one stays far below EMR's request limits.
    """
    return min(30.0, max(1.0, waited / 10))


class WatchTrigger(BaseTrigger):
    """Looks at one AWS resource until it has ended or the deadline is past, then fires once.

    The event is ``look``'s own, or ``{"overdue": True}`` at the deadline, and always holds the subject: the names of
    the resource.
    """

    hook_class: ClassVar[type[AwsGenericHook[Any]]]

    def __init__(
        self,
        *,
        subject: Subject,
        deadline: float,
        aws_conn_id: str | None,
        region_name: str | None,
    ) -> None:
        """``deadline`` is in seconds since the epoch, so that a restarted triggerer does not extend it."""
        super().__init__()
        self.subject = dict(subject)
        self.deadline = deadline
        self.aws_conn_id = aws_conn_id
        self.region_name = region_name

    def serialize(self) -> tuple[str, dict[str, Any]]:
        return (
            f"{type(self).__module__}.{type(self).__qualname__}",
            {
                "subject": self.subject,
                "deadline": self.deadline,
                "aws_conn_id": self.aws_conn_id,
                "region_name": self.region_name,
            },
        )

    @abstractmethod
    async def look(self, client: Any) -> Event | None:
        """Return the event when the resource has ended, None while it has not."""

    @abstractmethod
    async def cancel(self, client: Any) -> None:
        """End the resource's work because the user has ended the task."""

    async def run(self) -> AsyncIterator[TriggerEvent]:
        yield TriggerEvent(await self.watch())

    async def watch(self) -> Event:
        """Return the event that ends the wait."""
        return {**self.subject, **await self._wait()}

    async def _wait(self) -> Event:
        started = time.time()
        while True:
            try:
                async with await self._hook().get_async_conn() as client:
                    while (event := await self.look(client)) is None:
                        now = time.time()
                        if now >= self.deadline:
                            return {"overdue": True}
                        await asyncio.sleep(min(next_delay(now - started), self.deadline - now))
                    return event
            except (ClientError, BotoCoreError, OSError) as error:
                if not is_transient(error):
                    raise
                if time.time() >= self.deadline:
                    return {"overdue": True}
                self.log.warning("%s cannot be seen just now, will look again: %s", self.subject, error)
                await asyncio.sleep(next_delay(time.time() - started))

    async def on_kill(self) -> None:
        async with await self._hook().get_async_conn() as client:
            await self.cancel(client)

    def _hook(self) -> AwsGenericHook[Any]:
        return self.hook_class(aws_conn_id=self.aws_conn_id, region_name=self.region_name)
