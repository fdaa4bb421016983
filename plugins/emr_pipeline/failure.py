"""Why a step failed, read from the logs that EMR has put on S3."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from emr_pipeline.logs import DRIVER_LOGS, Log, Objects, step_logs

LINES = 40
"""As much of a log as fits a screen."""

REFUSAL = "refusal"
"""The job itself has said in one sentence what is wrong with its input or flags."""

_REFUSAL = re.compile(r"^[\w.-]+: error: (.+)$")
_ROOT_CAUSE = re.compile(r'^(?:Caused by: |Exception in thread "[^"]+" )(.+)$')
_TRACEBACK = "Traceback (most recent call last):"


@dataclass(frozen=True)
class Cause:
    """``sentence`` for the error message, ``excerpt`` for the log, ``address`` of the file both come from."""

    kind: str = ""
    sentence: str = ""
    excerpt: tuple[str, ...] = ()
    address: str = ""


def cause_of(objects: Objects, log_uri: str, cluster_id: str, step_id: str) -> Cause | None:
    """Return what the logs say, None before EMR has put any; an unknown cause has no sentence."""
    if not log_uri:
        return Cause(address="none, the cluster has no LogUri")
    return most_telling(step_logs(objects, log_uri, cluster_id, step_id))


def most_telling(logs: Iterable[Log]) -> Cause | None:
    """Return the cause that the most telling of the logs holds; None without a log of the job's own output."""
    causes = [explain(log.text, log.address) for log in logs if log.name.endswith(DRIVER_LOGS)]
    return min(causes, key=lambda cause: (cause.kind != REFUSAL, not cause.sentence), default=None)


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
