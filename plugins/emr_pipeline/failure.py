"""The cause of a failed step, read from the logs that EMR uploads to S3.

In client mode Spark writes both streams of the Python driver to stdout, and the log of the JVM to stderr. That log also
contains exceptions of tasks that succeeded when they were retried. So the order of precedence is: the error message of
the job itself, the driver's traceback, an exception in the JVM's log, the exit code.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from signal import SIGKILL

from emr_pipeline.logs import DRIVER_LOGS, Log

LINES = 40
"""The length of an excerpt: what fits on a screen."""

CAUSE_LINES = LINES // 2
"""Lines for an exception of a Python worker or of Java; the other lines show the driver's traceback."""

REFUSAL = "refusal"
"""The job has rejected its input or flags with a message of one sentence."""

KINDS = (REFUSAL, "traceback", "logged", "exit", "")
"""The kinds of causes, the most specific first."""

_REFUSAL = re.compile(r"^[\w.-]+: error: (.+)$")
_RECORD = re.compile(r"^\d{2,4}[-/]\d\d[-/]\d\d(?:[ T]\d\d:\d\d:\d\d\S*)? ([A-Z]+) ")
_TRACEBACK = "Traceback (most recent call last):"
_CONNECTORS = (
    "The above exception was the direct cause of the following exception:",
    "During handling of the above exception, another exception occurred:",
    "An exception was thrown from the Python worker. Please see the stack trace below.",
)
"""Lines between two tracebacks of one failure; the last is from PySpark, the others are from Python."""

_SYNTAX_ERROR = re.compile(r"^(?:SyntaxError|IndentationError|TabError): ")
_CAUSED_BY = "Caused by: "
_MESSAGE = re.compile(r"^\S+: \S")
_JAVA_EXCEPTION = re.compile(r"^.*?(?P<exception>\b(?:[a-z_]\w*\.)+[A-Z][\w$]*(?:Exception|Error)\b.*)$")
_TASK_KILLED = "org.apache.spark.TaskKilledException"
"""Spark has killed the task because another task failed."""

_FRAME = re.compile(r"^\s+(?:at |\.\.\. \d+ more)")
_EXIT_CODE = re.compile(r"\bended with exit code (\d+)")

SIGNALS = 128
"""The exit code of a process that was ended by a signal is this number plus the number of the signal."""


@dataclass(frozen=True)
class Cause:
    """A ``sentence`` for the error message, an ``excerpt`` of the log, and the ``address`` of the log."""

    kind: str = ""
    sentence: str = ""
    excerpt: tuple[str, ...] = ()
    address: str = ""


def most_specific_cause(logs: Iterable[Log]) -> Cause | None:
    """Return the most specific cause that the logs contain, None if they have no output of the job yet.

    An unknown cause has no sentence.
    """
    logs = list(logs)
    codes = [int(code) for log in logs if log.name == "controller" for code in _EXIT_CODE.findall(log.text)]
    causes = [
        cause_in(log.text, log.address, codes[-1] if codes else None)
        for log in logs
        if log.name.endswith(DRIVER_LOGS)
    ]
    # Of two causes of one kind, the one whose excerpt has more than lines of Spark's log.
    return min(causes, key=lambda cause: (KINDS.index(cause.kind), not _output(cause.excerpt)), default=None)


def cause_in(text: str, address: str, exit_code: int | None = None) -> Cause:
    """Return the cause that one log contains, by this precedence:

    1. the error message of the job,
    2. the driver's last traceback; in it, the exception of the Python worker or the root exception of Java,
    3. the last exception in the JVM's log,
    4. the ``exit_code`` with the last output of the job.
    """
    lines = [line.rstrip() for line in text.splitlines()]
    refusals = [match[1] for line in lines if (match := _REFUSAL.match(line))]
    if refusals:
        return Cause(REFUSAL, refusals[-1], _end(lines), address)
    if found := _driver_traceback(lines) or _syntax_error(lines):
        return Cause("traceback", *found, address)
    # A killed driver has not failed with an exception: those in the log are from tasks that were retried.
    killed = exit_code is not None and exit_code > SIGNALS
    if not killed and (found := _logged_exception(lines)):
        return Cause("logged", *found, address)
    sentence = _exit_sentence(exit_code, _output(lines)) if exit_code else ""
    return Cause("exit" if sentence else "", sentence, _end(lines), address)


def _driver_traceback(lines: Sequence[str]) -> tuple[str, tuple[str, ...]] | None:
    """Return the sentence and the excerpt of the last traceback that the driver has printed."""
    starts = [number for number, line in enumerate(lines) if line == _TRACEBACK]
    if not starts:
        return None
    end = _next_record(lines, starts[-1])
    while len(starts) > 1 and _before(lines, starts[-1]) in _CONNECTORS:
        starts.pop()
    block = lines[starts[-1] : end]
    ends = [_exception(block, number) for number, line in enumerate(block) if line.endswith(_TRACEBACK)]
    last = ends[-1]
    own = [number for number, line in enumerate(block) if line == _TRACEBACK]
    driver_end = _exception(block, own[-1])
    driver = _message(block, driver_end)
    if last > driver_end:
        # The traceback of a worker in a Java message: "Caused by: ...PythonException: Traceback ...".
        start = max(number for number in range(last) if block[number].endswith(_TRACEBACK))
        worker = (_TRACEBACK, *block[start + 1 : _message(block, last)])
        return _sentence(block, last), _excerpt(worker, block[:driver])
    if java := _java_cause(block[driver_end:]):
        sentence, cause = java
        return sentence, _excerpt(cause, block[:driver])
    return _sentence(block, driver_end), _end(block[:driver])


def _java_cause(lines: Sequence[str]) -> tuple[str, Sequence[str]] | None:
    """Return the sentence and the lines of the root exception of a Java chain; None if there is no Java exception.

    An exception without a message, such as ``java.io.EOFException``, is skipped for the one that it has caused.
    """
    # Py4J: the line after "An error occurred while calling ..." is Java's exception.
    heads = [number for number, line in enumerate(lines) if line.startswith(": ")][:1]
    causes = [number for number, line in enumerate(lines) if line.startswith(_CAUSED_BY)]
    return _root_exception(lines, heads + causes) if heads or causes else None


def _logged_exception(lines: Sequence[str]) -> tuple[str, tuple[str, ...]] | None:
    """Return the sentence and the excerpt of the last exception with a stack trace in the JVM's log."""
    starts = [0, *(number for number, line in enumerate(lines) if number and _RECORD.match(line)), len(lines)]
    for start, end in reversed(list(pairwise(starts))):
        record = lines[start:end]
        heads = [number for number, line in enumerate(record) if _JAVA_EXCEPTION.match(line)][:1]
        causes = [number for number, line in enumerate(record) if line.startswith(_CAUSED_BY)]
        stacked = heads and any(_FRAME.match(line) for line in record)
        if not (causes or stacked) or any(_TASK_KILLED in line for line in record):
            continue
        workers = [number for number, line in enumerate(record) if line.endswith(_TRACEBACK)]
        if workers:
            last = _exception(record, workers[-1])
            return _sentence(record, last), tuple(record[workers[-1] : _message(record, last)][:LINES])
        sentence, cause = _root_exception(
            record, heads + [number for number in causes if number not in heads]
        )
        return sentence, tuple(cause[:LINES])
    return None


def _root_exception(lines: Sequence[str], chain: Sequence[int]) -> tuple[str, Sequence[str]]:
    """Return the sentence and the lines of the last exception of a chain that has a message."""
    with_message = [number for number in chain if _MESSAGE.match(_without_prefix(lines[number]))]
    start = (with_message or chain)[-1]
    return _without_prefix(lines[start]), lines[start : _stack_end(lines, start)]


def _syntax_error(lines: Sequence[str]) -> tuple[str, tuple[str, ...]] | None:
    """Return the sentence and the excerpt of Python's message about a syntax error, which is not a traceback."""
    ends = [number for number, line in enumerate(lines) if _SYNTAX_ERROR.match(line)]
    return (lines[ends[-1]], tuple(lines[max(0, ends[-1] - 3) : ends[-1] + 1])) if ends else None


def level(line: str, other: int = logging.ERROR) -> int:
    """Return the level of a record of a driver's log, at least INFO; ``other`` for any other text."""
    record = _RECORD.match(line)
    levels = logging.getLevelNamesMapping()
    return max(logging.INFO, levels.get(record[1], logging.INFO)) if record else other


def _exit_sentence(exit_code: int, output: Sequence[str]) -> str:
    """Return the sentence for a process that has ended with ``exit_code`` and without an exception."""
    if exit_code == SIGNALS + SIGKILL:
        return f"the step was killed (exit code {exit_code}), which usually means that memory ran out"
    if exit_code > SIGNALS:
        return f"the step was ended by signal {exit_code - SIGNALS} (exit code {exit_code})"
    last = f'; the last line of its output is "{output[-1].strip()}"' if output else " and without output"
    return f"the step ended with exit code {exit_code}{last}"


def _exception(lines: Sequence[str], start: int) -> int:
    """Return the number of the last line of a traceback: the first line that is not indented."""
    indented = range(start + 1, len(lines))
    return next((number for number in indented if lines[number][:1] not in ("", " ")), len(lines) - 1)


def _message(lines: Sequence[str], exception: int) -> int:
    """Return the end of an exception's message, which may have several lines."""
    following = range(exception + 1, len(lines))
    ends = (n for n in following if not lines[n] or _FRAME.match(lines[n]) or lines[n].startswith(": "))
    return next(ends, len(lines))


def _sentence(lines: Sequence[str], exception: int) -> str:
    """Return the first line of an exception's message."""
    first, following = lines[exception], lines[exception + 1 : exception + 2]
    return " ".join([first, *(line.strip() for line in following)]) if first.endswith(":") else first


def _stack_end(lines: Sequence[str], start: int) -> int:
    """Return the end of a Java stack trace: the next cause, or the first line after the frames."""
    framed = False
    for number in range(start + 1, len(lines)):
        if lines[number].startswith(_CAUSED_BY) or (framed and not _FRAME.match(lines[number])):
            return number
        framed = framed or bool(_FRAME.match(lines[number]))
    return len(lines)


def _excerpt(cause: Sequence[str], driver: Sequence[str]) -> tuple[str, ...]:
    """Return the cause and, below it, the driver's traceback, both shortened."""
    python = cause[0] == _TRACEBACK
    cause = _end(cause, CAUSE_LINES) if python else cause[:CAUSE_LINES]
    return (*cause, "", *_end(driver, LINES - len(cause) - 1))


def _end(lines: Sequence[str], limit: int = LINES) -> tuple[str, ...]:
    return tuple([line for line in lines if line][-limit:])


def _output(lines: Sequence[str]) -> list[str]:
    """Return the lines that are not records of Spark's log."""
    return [line for line in lines if line and not _RECORD.match(line)]


def _without_prefix(line: str) -> str:
    """Return the class and the message of a Java exception."""
    line = line.removeprefix(_CAUSED_BY).removeprefix(": ")
    match = _JAVA_EXCEPTION.match(line)
    return match["exception"] if match else line


def _before(lines: Sequence[str], number: int) -> str:
    """Return the last line before that is not blank."""
    return next((line.strip() for line in reversed(lines[:number]) if line), "")


def _next_record(lines: Sequence[str], start: int) -> int:
    """Return the number of the next record of Spark's log."""
    return next((n for n in range(start, len(lines)) if _RECORD.match(lines[n])), len(lines))
