"""The new lines of a log are shown, and only some of them."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from emr_pipeline.live_log import LINES_PER_READ, LINES_PER_STEP, LiveLog


class MissingStreamError(Exception):
    """CloudWatch Logs has no stream of this name."""


class Client:
    """CloudWatch Logs with streams of lines; a token is the number of lines that have been read."""

    class exceptions:  # noqa: N801 - named like boto3's
        ResourceNotFoundException = MissingStreamError

    def __init__(self, **streams: list[str]) -> None:
        self.streams = streams

    async def get_log_events(self, **request: Any) -> dict[str, Any]:
        if request["logStreamName"] not in self.streams:
            raise MissingStreamError
        lines = self.streams[request["logStreamName"]]
        new = lines[int(request.get("nextToken", 0)) :]
        return {"events": [{"message": line} for line in new], "nextForwardToken": str(len(lines))}


def follow(position: dict[str, Any]) -> tuple[LiveLog, list[str]]:
    shown: list[str] = []
    return LiveLog("/steps", ["stdout", "stderr"], shown.append, position), shown


def test_only_new_lines_are_shown_also_by_a_later_object() -> None:
    client, position = Client(stdout=["a"]), dict[str, Any]()
    log, shown = follow(position)
    asyncio.run(log.read(client))
    client.streams |= {"stdout": ["a", "b"], "stderr": ["warning"]}
    asyncio.run(log.read(client))
    asyncio.run(log.read(client))
    assert shown == ["a", "b", "warning"]
    later, shown = follow(position)
    client.streams["stdout"] = ["a", "b", "c"]
    asyncio.run(later.read(client))
    assert shown == ["c"]


def test_information_lines_of_spark_are_not_shown() -> None:
    log, shown = follow({})
    lines = [
        "26/11/27 21:28:59 INFO SparkContext: Running",
        "26/11/27 21:29:00 WARN TaskSetManager: Lost task",
    ]
    asyncio.run(log.read(Client(stderr=lines)))
    assert shown == lines[1:]


def test_the_number_of_shown_lines_is_limited_for_each_read_and_in_total() -> None:
    position: dict[str, Any] = {}
    log, shown = follow(position)
    client = Client(stdout=[f"line {number}" for number in range(LINES_PER_READ + 7)])
    asyncio.run(log.read(client))
    assert shown == ["... 7 lines are not shown", *(f"line {n}" for n in range(7, LINES_PER_READ + 7))]
    for _ in range(100):
        client.streams["stdout"] += ["more"] * LINES_PER_READ
        asyncio.run(log.read(client))
    assert position["shown"] == LINES_PER_STEP
    assert shown[-1].startswith(f"... {LINES_PER_STEP} lines are shown")
    assert len(shown) == LINES_PER_STEP + 2


@pytest.mark.parametrize("ended", [True, False])
def test_an_error_ends_the_log_and_not_the_task(ended: bool) -> None:
    class Hook:
        async def get_async_conn(self) -> Any:
            raise OSError("no network")

    async def run() -> None:
        event = asyncio.Event()
        if ended:
            event.set()
        await log.follow(Hook(), event)  # type: ignore[arg-type]

    log, shown = follow({})
    asyncio.run(run())
    assert shown == ["The log of the step cannot be followed any more: no network"]
