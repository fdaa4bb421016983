"""Why a step failed, read from the logs that EMR has put on S3.

In client mode Spark sends both streams of the Python driver to its own stdout, and keeps stderr for the JVM, whose log
also tells of tasks that failed and went well when they were tried again. So what the job itself says counts first, then
the driver's traceback, then what Java has logged, then the exit code.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from signal import SIGKILL

from emr_pipeline.logs import DRIVER_LOGS, Log, Objects, step_logs

LINES = 40
"""As much of a log as fits a screen."""

CAUSE_LINES = LINES // 2
"""Of an exception in a worker or in Java; the rest shows where in the job the driver has met it."""

REFUSAL = "refusal"
"""The job itself has said in one sentence what is wrong with its input or flags."""

KINDS = (REFUSAL, "traceback", "logged", "exit", "")
"""The kinds of causes, the most telling first."""

_REFUSAL = re.compile(r"^[\w.-]+: error: (.+)$")
_RECORD = re.compile(r"^\d{2,4}[-/]\d\d[-/]\d\d(?:[ T]\d\d:\d\d:\d\d\S*)? [A-Z]+ ")
_TRACEBACK = "Traceback (most recent call last):"
_CONNECTORS = (
    "The above exception was the direct cause of the following exception:",
    "During handling of the above exception, another exception occurred:",
    "An exception was thrown from the Python worker. Please see the stack trace below.",
)
"""What stands between two tracebacks of one failure; the last is PySpark's, the others are Python's."""

_SYNTAX_ERROR = re.compile(r"^(?:SyntaxError|IndentationError|TabError): ")
_CAUSED_BY = "Caused by: "
_MESSAGE = re.compile(r"^\S+: \S")
_JAVA_EXCEPTION = re.compile(r"^.*?(?P<said>\b(?:[a-z_]\w*\.)+[A-Z][\w$]*(?:Exception|Error)\b.*)$")
_TASK_KILLED = "org.apache.spark.TaskKilledException"
"""Of a task that was ended because another one had failed."""

_FRAME = re.compile(r"^\s+(?:at |\.\.\. \d+ more)")
_EXIT_CODE = re.compile(r"\bended with exit code (\d+)")

SIGNALS = 128
"""A process that a signal has ended has this exit code and the number of the signal added."""


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
    known = list(logs)
    codes = [int(code) for log in known if log.name == "controller" for code in _EXIT_CODE.findall(log.text)]
    causes = [
        explain(log.text, log.address, codes[-1] if codes else None)
        for log in known
        if log.name.endswith(DRIVER_LOGS)
    ]
    # Of two that tell as much, the one that has more than Spark's own log: an empty log tells nothing.
    return min(causes, key=lambda cause: (KINDS.index(cause.kind), not _words(cause.excerpt)), default=None)


def explain(text: str, address: str, exit_code: int | None = None) -> Cause:
    """Return the cause that one log tells.

    That is the job's own refusal; else the driver's last traceback, of which the exception of a Python worker or the
    deepest exception of Java is the cause; else the last exception that Java has logged; else the ``exit_code`` with
    the job's last words.
    """
    lines = [line.rstrip() for line in text.splitlines()]
    refusals = [match[1] for line in lines if (match := _REFUSAL.match(line))]
    if refusals:
        return Cause(REFUSAL, refusals[-1], _end(lines), address)
    if found := _driver_traceback(lines) or _syntax_error(lines):
        return Cause("traceback", *found, address)
    # A driver that was killed has met no exception: what is logged went well when it was tried again.
    killed = exit_code is not None and exit_code > SIGNALS
    if not killed and (found := _logged_exception(lines)):
        return Cause("logged", *found, address)
    sentence = _ending(exit_code, _words(lines)) if exit_code else ""
    return Cause("exit" if sentence else "", sentence, _end(lines), address)


def _driver_traceback(lines: Sequence[str]) -> tuple[str, tuple[str, ...]] | None:
    """Return sentence and excerpt of the last traceback that the driver has printed."""
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
        # A worker's traceback within Java's words: "Caused by: ...PythonException: Traceback ...".
        start = max(number for number in range(last) if block[number].endswith(_TRACEBACK))
        worker = (_TRACEBACK, *block[start + 1 : _message(block, last)])
        return _sentence(block, last), _excerpt(worker, block[:driver])
    if java := _java_cause(block[driver_end:]):
        sentence, cause = java
        return sentence, _excerpt(cause, block[:driver])
    return _sentence(block, driver_end), _end(block[:driver])


def _java_cause(lines: Sequence[str]) -> tuple[str, Sequence[str]] | None:
    """Return sentence and lines of the deepest exception of a chain; None where Java has no part in it.

    A cause without a message, such as ``java.io.EOFException``, says less than the one that it has caused.
    """
    # Py4J: the line after "An error occurred while calling ..." is Java's exception.
    heads = [number for number, line in enumerate(lines) if line.startswith(": ")][:1]
    causes = [number for number, line in enumerate(lines) if line.startswith(_CAUSED_BY)]
    return _deepest(lines, heads + causes) if heads or causes else None


def _logged_exception(lines: Sequence[str]) -> tuple[str, tuple[str, ...]] | None:
    """Return sentence and excerpt of the last exception with a stack in Java's log."""
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
        sentence, cause = _deepest(record, heads + [number for number in causes if number not in heads])
        return sentence, tuple(cause[:LINES])
    return None


def _deepest(lines: Sequence[str], chain: Sequence[int]) -> tuple[str, Sequence[str]]:
    """Return sentence and lines of the last exception of a chain that says something."""
    telling = [number for number in chain if _MESSAGE.match(_bare(lines[number]))]
    start = (telling or chain)[-1]
    return _bare(lines[start]), lines[start : _stack_end(lines, start)]


def _syntax_error(lines: Sequence[str]) -> tuple[str, tuple[str, ...]] | None:
    """Return what Python says of a script that it cannot compile, which is no traceback."""
    ends = [number for number, line in enumerate(lines) if _SYNTAX_ERROR.match(line)]
    return (lines[ends[-1]], tuple(lines[max(0, ends[-1] - 3) : ends[-1] + 1])) if ends else None


def _ending(exit_code: int, words: Sequence[str]) -> str:
    """Return what is known of a process that has ended with ``exit_code`` and without an exception."""
    if exit_code == SIGNALS + SIGKILL:
        return f"the step was killed (exit code {exit_code}), as the system does when memory is short"
    if exit_code > SIGNALS:
        return f"the step was ended by signal {exit_code - SIGNALS} (exit code {exit_code})"
    said = f'; its last words are "{words[-1].strip()}"' if words else " and said nothing"
    return f"the step ended with exit code {exit_code}{said}"


def _exception(lines: Sequence[str], start: int) -> int:
    """Return the number of the line that ends a traceback: the first that is not indented."""
    indented = range(start + 1, len(lines))
    return next((number for number in indented if lines[number][:1] not in ("", " ")), len(lines) - 1)


def _message(lines: Sequence[str], exception: int) -> int:
    """Return where the message of an exception ends, which may have several lines."""
    following = range(exception + 1, len(lines))
    ends = (n for n in following if not lines[n] or _FRAME.match(lines[n]) or lines[n].startswith(": "))
    return next(ends, len(lines))


def _sentence(lines: Sequence[str], exception: int) -> str:
    """Return the first line of an exception's message."""
    said, following = lines[exception], lines[exception + 1 : exception + 2]
    return " ".join([said, *(line.strip() for line in following)]) if said.endswith(":") else said


def _stack_end(lines: Sequence[str], start: int) -> int:
    """Return where the stack of a Java exception ends: at the next cause, or at a line that is none of it."""
    framed = False
    for number in range(start + 1, len(lines)):
        if lines[number].startswith(_CAUSED_BY) or (framed and not _FRAME.match(lines[number])):
            return number
        framed = framed or bool(_FRAME.match(lines[number]))
    return len(lines)


def _excerpt(cause: Sequence[str], driver: Sequence[str]) -> tuple[str, ...]:
    """Return the cause and, below it, the driver's traceback, of each as much as fits."""
    python = cause[0] == _TRACEBACK
    cause = _end(cause, CAUSE_LINES) if python else cause[:CAUSE_LINES]
    return (*cause, "", *_end(driver, LINES - len(cause) - 1))


def _end(lines: Sequence[str], limit: int = LINES) -> tuple[str, ...]:
    return tuple([line for line in lines if line][-limit:])


def _words(lines: Sequence[str]) -> list[str]:
    """Return the lines that are none of Spark's log."""
    return [line for line in lines if line and not _RECORD.match(line)]


def _bare(line: str) -> str:
    """Return the class and message of a Java exception, without what stands before them."""
    line = line.removeprefix(_CAUSED_BY).removeprefix(": ")
    said = _JAVA_EXCEPTION.match(line)
    return said["said"] if said else line


def _before(lines: Sequence[str], number: int) -> str:
    """Return the last line before, blank ones left out."""
    return next((line.strip() for line in reversed(lines[:number]) if line), "")


def _next_record(lines: Sequence[str], start: int) -> int:
    """Return where Spark's log goes on."""
    return next((n for n in range(start, len(lines)) if _RECORD.match(lines[n])), len(lines))
