"""The logs of spark-submit: the cause of a failure, and the archive on S3."""

from __future__ import annotations

import gzip
import re
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Event, Thread
from typing import NamedTuple

from localaws.s3.store import Store

TAIL_BYTES = 256 * 1024  # the part of a log that is searched for the cause
MAX_MESSAGE_LENGTH = 1_000
ARCHIVE_SECONDS = 5.0
MAX_LIVE_BYTES = 16 * 2**20
"""A log that is still growing is archived as a whole each time; a larger one only at its end."""

_RECORD = re.compile(r"\d{2,4}[-/]\d\d[-/]\d\d \d\d:\d\d:\d\d([.,]\d+)? [A-Z]+ ")
_TRACEBACK = "Traceback (most recent call last):"
_LAUNCHER_ERROR = re.compile(r"Exception in thread |Error: |Error occurred ")


class Cause(NamedTuple):
    message: str
    log: str  # the name of the log that contains the message


def root_cause(stdout: str, stderr: str, exit_code: int) -> Cause | None:
    """Return the log line with the cause of a failed spark-submit; None if there is none.

    In client mode Spark writes both streams of the Python driver to its own stdout, and only the JVM writes to stderr.
    So a Python traceback, or the message with which a script exits, is in stdout.
    """
    if exception := _last_exception(stdout):
        return Cause(exception, "stdout")
    if errors := [line for line in stderr.splitlines() if _LAUNCHER_ERROR.match(line)]:
        return Cause(errors[-1][:MAX_MESSAGE_LENGTH], "stderr")
    messages = [line for line in stdout.splitlines() if line.strip() and not _RECORD.match(line)]
    was_killed = exit_code > 128
    return Cause(messages[-1].strip()[:MAX_MESSAGE_LENGTH], "stdout") if messages and not was_killed else None


def last_line(stderr: str) -> Cause | None:
    """Return the last line of another program's stderr; None if it is empty."""
    lines = stderr.split("\n")
    return next(
        (Cause(line[:MAX_MESSAGE_LENGTH], "stderr") for line in reversed(lines) if line.strip()), None
    )


def _last_exception(stdout: str) -> str | None:
    """Return the exception line of the last traceback. If a worker failed, that is the worker's exception."""
    _, found, after = stdout.rpartition(_TRACEBACK)
    lines = [line for line in after.splitlines() if line.strip() and not line.startswith(" ")]
    return lines[0][:MAX_MESSAGE_LENGTH] if found and lines else None


def tail(path: Path) -> str:
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - TAIL_BYTES))
        return file.read().decode(errors="replace")


def archive(store: Store, logs: Mapping[Path, str]) -> None:
    """Write each log, gzipped, to its S3 URI. Raises OSError if the bucket does not exist."""
    for path, uri in logs.items():
        bucket, _, key = uri.partition("://")[2].partition("/")
        if bucket not in store.buckets():
            raise FileNotFoundError(f"the bucket {bucket!r} of the logs does not exist")
        with path.open("rb") as log, tempfile.TemporaryFile() as packed:
            with gzip.GzipFile(fileobj=packed, mode="wb") as archive_file:
                shutil.copyfileobj(log, archive_file)
            packed.seek(0)
            store.write(bucket, key, packed)


@contextmanager
def archived(store: Store, logs: Mapping[Path, str], seconds: float = ARCHIVE_SECONDS) -> Iterator[None]:
    """During the block, archive each log within ``seconds`` after it has grown, up to MAX_LIVE_BYTES.

    The caller archives the complete logs after the block.
    """
    ended = Event()

    def run() -> None:
        sizes = dict.fromkeys(logs, 0)
        while not ended.wait(seconds):
            for path, uri in logs.items():
                size = path.stat().st_size if path.is_file() else 0
                if sizes[path] < size <= MAX_LIVE_BYTES:
                    sizes[path] = size
                    with suppress(OSError, ValueError):  # the bucket may not exist; the caller reports it
                        archive(store, {path: uri})

    thread = Thread(target=run, name="live logs", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
