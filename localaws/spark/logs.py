"""The logs of spark-submit: the cause of a failure, and the archive on S3."""

from __future__ import annotations

import gzip
import re
import shutil
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from localaws.s3.store import Store

TAIL_BYTES = 256 * 1024  # the part of a log that is searched for the cause
MAX_MESSAGE_LENGTH = 1_000

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


def _last_exception(stdout: str) -> str | None:
    """Return the exception line of the last traceback. If a worker failed, that is the worker's exception."""
    _, found, after = stdout.rpartition(_TRACEBACK)
    lines = [line for line in after.splitlines() if line.strip() and not line.startswith(" ")]
    return lines[0][:MAX_MESSAGE_LENGTH] if found and lines else None


def tail(path: Path) -> str:
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - TAIL_BYTES))
        return file.read().decode(errors="replace")


def archive(store: Store, prefix: str, logs: Iterable[Path]) -> None:
    """Write each log, gzipped, to ``<prefix>/<name>.gz``. Raises OSError if the bucket does not exist."""
    bucket, _, key = prefix.partition("://")[2].partition("/")
    if bucket not in store.buckets():
        raise FileNotFoundError(f"the bucket {bucket!r} of the logs does not exist")
    for path in logs:
        with path.open("rb") as log, tempfile.TemporaryFile() as packed:
            with gzip.GzipFile(fileobj=packed, mode="wb") as archive_file:
                shutil.copyfileobj(log, archive_file)
            packed.seek(0)
            store.write(bucket, f"{key}/{path.name}.gz", packed)
