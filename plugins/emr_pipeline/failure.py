"""Why a step failed, read from the logs that EMR has put on S3.

https://docs.aws.amazon.com/emr/latest/ManagementGuide/emr-manage-view-web-log-files.html: a step's own output is
under ``steps/<step id>/``; with ``--deploy-mode cluster`` the driver's is in the application's first container.
"""

from __future__ import annotations

import gzip
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

LINES = 40
"""As much of a log as fits a screen."""

REFUSAL = "refusal"
"""The job itself has said in one sentence what is wrong with its input or flags."""

_REFUSAL = re.compile(r"^[\w.-]+: error: (.+)$")
_ROOT_CAUSE = re.compile(r'^(?:Caused by: |Exception in thread "[^"]+" )(.+)$')
_TRACEBACK = "Traceback (most recent call last):"
_APPLICATION = re.compile(r"\bapplication_\d+_\d+\b")


class Objects(Protocol):
    """As much of S3Hook as is needed here."""

    def list_keys(self, bucket_name: str, prefix: str) -> list[str]: ...

    def get_key(self, key: str, bucket_name: str) -> object: ...


@dataclass(frozen=True)
class Cause:
    """``sentence`` for the error message, ``excerpt`` for the log, ``address`` of the file both come from."""

    kind: str = ""
    sentence: str = ""
    excerpt: tuple[str, ...] = ()
    address: str = ""


def cause_of(objects: Objects, log_uri: str, cluster_id: str, step_id: str) -> Cause:
    """Return what the logs say; the most telling log wins, an unknown cause has no sentence."""
    if not log_uri:
        return Cause(address="none, the cluster has no LogUri")
    bucket, _, prefix = re.sub(r"^s3[an]?://", "", log_uri).partition("/")
    root = "/".join(part for part in (prefix.strip("/"), cluster_id) if part)
    step_logs = f"{root}/steps/{step_id}/"
    causes = [explain(text, f"s3://{bucket}/{key}") for key, text in _texts(objects, bucket, root, step_logs)]
    telling = sorted(causes, key=lambda cause: (cause.kind != REFUSAL, not cause.sentence))
    return telling[0] if telling else Cause(address=f"s3://{bucket}/{step_logs} (nothing there yet)")


def _texts(objects: Objects, bucket: str, root: str, step_logs: str) -> Iterator[tuple[str, str]]:
    applications: set[str] = set()
    for key in objects.list_keys(bucket_name=bucket, prefix=step_logs) or []:
        if key.rsplit("/", 1)[-1].split(".")[0] in ("stderr", "stdout"):
            text = _read(objects, bucket, key)
            applications |= set(_APPLICATION.findall(text))
            yield key, text
    for application in sorted(applications):
        for key in objects.list_keys(bucket_name=bucket, prefix=f"{root}/containers/{application}/") or []:
            if "_000001/" in key:
                yield key, _read(objects, bucket, key)


def _read(objects: Objects, bucket: str, key: str) -> str:
    content: bytes = objects.get_key(key, bucket).get()["Body"].read()  # type: ignore[attr-defined]
    raw = gzip.decompress(content) if key.endswith(".gz") else content
    return raw.decode(errors="replace")


def explain(text: str, address: str) -> Cause:
    """Return the cause that one log tells: the job's own refusal, else the last traceback, else Java's root cause."""
    lines = [line.rstrip() for line in text.splitlines() if line.strip()]
    refusals = [match[1] for line in lines if (match := _REFUSAL.match(line))]
    if refusals:
        return Cause(REFUSAL, refusals[-1], tuple(lines[-LINES:]), address)
    starts = [number for number, line in enumerate(lines) if line.strip() == _TRACEBACK]
    if starts:
        traceback = _traceback(lines[starts[-1] :])
        return Cause("traceback", traceback[-1], traceback[-LINES:], address)
    roots = [number for number, line in enumerate(lines) if _ROOT_CAUSE.match(line)]
    if roots:
        return Cause("root cause", lines[roots[-1]], tuple(lines[roots[-1] :][:LINES]), address)
    return Cause("", "", tuple(lines[-LINES:]), address)


def _traceback(lines: list[str]) -> tuple[str, ...]:
    """Return the lines of the traceback: what is indented, and the first line after it that is not."""
    for number, line in enumerate(lines[1:], start=1):
        if not line.startswith(" "):
            return tuple(lines[: number + 1])
    return tuple(lines)
