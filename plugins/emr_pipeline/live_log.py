"""The logs of a step while it runs, from CloudWatch Logs.

The lines of the driver appear in the log of the waiting task. Only new lines are read, only some of them are shown, and
an error never fails the task.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from emr_pipeline.logs import TAIL_BYTES, Log

if TYPE_CHECKING:
    from airflow.providers.amazon.aws.hooks.logs import AwsLogsHook

SECONDS = 5.0
"""Seconds between two reads. The quota is 25 calls of GetLogEvents per second for each account and region.
https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/cloudwatch_limits_cwl.html"""

PAGES = 5
"""Most calls for one stream at each read; a call returns up to 1 MB."""

LINES_PER_READ, LINES_PER_STEP = 50, 1000
"""Most lines that are shown."""

TAIL_EVENTS = 1000
"""Most lines of a stream on the page of a step."""

_QUIET = re.compile(r"\d\d/\d\d/\d\d \d\d:\d\d:\d\d (INFO|DEBUG|TRACE) ")
"""Log lines of Spark itself, in its default format, that are not a warning."""


@dataclass(frozen=True)
class LogStreams:
    """The streams to which the logs of a step are written, by the names of the logs."""

    group: str
    streams: Mapping[str, str]

    def live_log(self) -> dict[str, Any]:
        """Return the arguments of a LiveLog from the beginning of the streams, without ``show``."""
        return {"group": self.group, "streams": list(self.streams.values()), "position": {}}


class LiveLog:
    """Follows streams; ``position`` continues at the lines that an earlier object has not read."""

    def __init__(
        self, group: str, streams: Sequence[str], show: Callable[[str], None], position: dict[str, Any]
    ) -> None:
        """``position`` is updated by each read; it consists of strings and numbers, and is empty at first."""
        self._group, self._streams, self._show, self._position = group, streams, show, position

    async def follow(self, hook: AwsLogsHook, ended: asyncio.Event) -> None:
        """Show new lines every few seconds, and a last time when the step has ended."""
        try:
            async with await hook.get_async_conn() as client:
                while not ended.is_set() and self._shown < LINES_PER_STEP:
                    await self.read(client)
                    try:
                        await asyncio.wait_for(ended.wait(), SECONDS)
                    except TimeoutError:
                        continue
                await self.read(client)
        except (ClientError, BotoCoreError, OSError) as error:
            self._show(f"The log of the step cannot be followed any more: {error}")

    @property
    def _shown(self) -> int:
        return int(self._position.get("shown", 0))

    async def read(self, client: Any) -> None:
        """Show the new lines: the last ones if there are many, and a note if some are left out."""
        if self._shown >= LINES_PER_STEP:
            return
        lines = [line for stream in self._streams for line in await self._new_lines(client, stream)]
        lines = [line for line in lines if not _QUIET.match(line)]
        shown = lines[-min(LINES_PER_READ, LINES_PER_STEP - self._shown) :] if lines else []
        if len(shown) < len(lines):
            self._show(f"... {len(lines) - len(shown)} lines are not shown")
        for line in shown:
            self._show(line)
        self._position["shown"] = self._shown + len(shown)
        if self._shown >= LINES_PER_STEP:
            self._show(f"... {LINES_PER_STEP} lines are shown; the page of the step has the newest lines")

    async def _new_lines(self, client: Any, stream: str) -> list[str]:
        lines: list[str] = []
        for _ in range(PAGES):
            token = self._position.get(stream)
            request = {"logGroupName": self._group, "logStreamName": stream, "startFromHead": True}
            try:
                response = await client.get_log_events(**request | ({"nextToken": token} if token else {}))
            except client.exceptions.ResourceNotFoundException:
                return []  # the stream is created with its first line
            self._position[stream] = response["nextForwardToken"]
            lines += [event["message"].rstrip() for event in response["events"]]
            if response["nextForwardToken"] == token:
                break
        return lines


def newest_lines(client: Any, logs: LogStreams) -> list[Log]:
    """Return the end of each stream that exists."""
    found = []
    for name, stream in logs.streams.items():
        try:
            response = client.get_log_events(
                logGroupName=logs.group, logStreamName=stream, limit=TAIL_EVENTS, startFromHead=False
            )
        except client.exceptions.ResourceNotFoundException:
            continue
        lines = [event["message"].rstrip() for event in response["events"]]
        text = "\n".join(lines)[-TAIL_BYTES:]
        found.append(Log(name, f"{logs.group}: {stream}", text, cut=len(lines) == TAIL_EVENTS))
    return found
