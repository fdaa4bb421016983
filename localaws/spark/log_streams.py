"""The logs of a running Spark application, copied to streams of moto's CloudWatch Logs while they are written."""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from threading import Event, Thread

from localaws import ACCOUNT
from localaws.moto_services import CATALOG_REGION

GROUP_NAME = re.compile(r"[\.\-_/#A-Za-z0-9]{1,512}")
"""https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_CreateLogGroup.html"""

COPY_SECONDS = 1.0
MAX_EVENT_BYTES = 256 * 1024
MAX_STREAM_BYTES = 16 * 2**20
"""moto keeps the events in memory; a longer log is cut."""

log = logging.getLogger(__name__)


@contextmanager
def copied(group: str, streams: Mapping[Path, str]) -> Iterator[None]:
    """Copy each file to its stream of the log group, every second during the block, and at its end.

    The group and the streams are created if they do not exist; a stream is created with its first line.
    """
    files = [_CopiedFile(path, group, stream) for path, stream in streams.items()]
    ended = Event()

    def copy() -> None:
        while not ended.wait(COPY_SECONDS):
            for file in files:
                file.copy()

    thread = Thread(target=copy, name=f"log streams of {group}", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
        for file in files:
            file.copy(last=True)


class _CopiedFile:
    def __init__(self, path: Path, group: str, stream: str) -> None:
        self._path, self._group, self._stream = path, group, stream
        self._copied = 0

    def copy(self, last: bool = False) -> None:
        """Copy the lines that are new since the last call; an incomplete line only if it is the last one."""
        try:
            with self._path.open("rb") as file:
                file.seek(self._copied)
                new = file.read(MAX_STREAM_BYTES - self._copied)
        except FileNotFoundError:
            return
        complete = new if last or self._copied + len(new) == MAX_STREAM_BYTES else new[: new.rfind(b"\n") + 1]
        self._copied += len(complete)
        lines = [line[:MAX_EVENT_BYTES].decode(errors="replace") for line in complete.splitlines() if line]
        if complete and self._copied == MAX_STREAM_BYTES:
            lines.append(f"localaws: the stream is cut here, after {MAX_STREAM_BYTES // 2**20} MiB")
        if lines:
            try:
                self._put(lines)
            except Exception:  # the step does not depend on its logs
                log.exception("cannot copy %s to the stream %s", self._path, self._stream)

    def _put(self, lines: list[str]) -> None:
        from moto.logs.models import logs_backends  # slow to import

        backend = logs_backends[ACCOUNT][CATALOG_REGION]
        if self._group not in backend.groups:
            backend.create_log_group(self._group, {})
        if self._stream not in backend.groups[self._group].streams:
            backend.create_log_stream(self._group, self._stream)
        now = int(time.time() * 1000)
        events = [{"timestamp": now, "message": line} for line in lines]
        backend.put_log_events(self._group, self._stream, events)
