"""A step's logs: which line tells the cause of a failure, and their place under LogUri."""

from __future__ import annotations

import gzip
import re
import shutil
import tempfile
from pathlib import Path
from typing import NamedTuple

from localaws.s3.store import Store

LOGS = ("controller", "stdout", "stderr")
TAIL_BYTES = 256 * 1024  # bytes of a log that are searched for the cause
MAX_MESSAGE_LENGTH = 1_000

_RECORD = re.compile(r"\d{2,4}[-/]\d\d[-/]\d\d \d\d:\d\d:\d\d([.,]\d+)? [A-Z]+ ")
_TRACEBACK = "Traceback (most recent call last):"
_LAUNCHER_ERROR = re.compile(r"Exception in thread |Error: |Error occurred ")


class Cause(NamedTuple):
    message: str
    log: str  # the log it was found in


def root_cause(stdout: str, stderr: str, exit_code: int) -> Cause | None:
    """Return the line that tells why spark-submit failed, None if no line does.

    In client mode Spark sends both streams of the Python driver to its own stdout, and keeps stderr for the
    JVM. So a traceback, or the sentence with which a script gives up, stands in stdout.
    """
    if exception := _last_exception(stdout):
        return Cause(exception, "stdout")
    if errors := [line for line in stderr.splitlines() if _LAUNCHER_ERROR.match(line)]:
        return Cause(errors[-1][:MAX_MESSAGE_LENGTH], "stderr")
    said = [line for line in stdout.splitlines() if line.strip() and not _RECORD.match(line)]
    was_killed = exit_code > 128
    return Cause(said[-1].strip()[:MAX_MESSAGE_LENGTH], "stdout") if said and not was_killed else None


def _last_exception(stdout: str) -> str | None:
    """Return the exception of the last traceback. When a worker failed, that is the worker's."""
    _, found, after = stdout.rpartition(_TRACEBACK)
    lines = [line for line in after.splitlines() if line.strip() and not line.startswith(" ")]
    return lines[0][:MAX_MESSAGE_LENGTH] if found and lines else None


def tail(path: Path) -> str:
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - TAIL_BYTES))
        return file.read().decode(errors="replace")


def step_prefix(log_uri: str, cluster_id: str, step_id: str) -> str:
    """Return the S3 address EMR archives a step's logs below."""
    return f"{log_uri.rstrip('/')}/{cluster_id}/steps/{step_id}"


def archive(store: Store, prefix: str, folder: Path) -> None:
    """Put each log, gzipped, at ``<prefix>/<name>.gz``. Raises OSError when the bucket is not there."""
    bucket, _, key = prefix.partition("://")[2].partition("/")
    if bucket not in store.buckets():
        raise FileNotFoundError(f"the LogUri's bucket {bucket!r} does not exist")
    for name in LOGS:
        with (folder / name).open("rb") as log, tempfile.TemporaryFile() as packed:
            with gzip.GzipFile(fileobj=packed, mode="wb") as archive_file:
                shutil.copyfileobj(log, archive_file)
            packed.seek(0)
            store.write(bucket, f"{key}/{name}.gz", packed)
