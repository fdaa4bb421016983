"""A query execution and its state changes. No I/O, no threads."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from uuid import uuid4

from localaws.athena.errors import QueryFailed
from localaws.athena.execution.cancellation import Cancellation
from localaws.athena.execution.engine import Prepared
from localaws.athena.results.result import Result
from localaws.athena.writing.operations import Destination
from localaws.protocol import JSON

FINAL_STATES = frozenset({"SUCCEEDED", "FAILED", "CANCELLED"})

_ENDED = QueryFailed("the query has ended")


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass
class QueryExecution:
    """One query since StartQueryExecution. ``scan_limit`` is the most bytes that it may read."""

    text: str
    prepared: Prepared
    database: str
    catalog: str
    workgroup: str
    output_folder: str
    result_configuration: JSON
    result_reuse: JSON = field(default_factory=dict)
    parameters: tuple[str, ...] = ()
    scan_limit: int | None = None
    reused_output: str = ""
    """The file of an earlier query whose result this query has reused."""
    id: str = field(default_factory=lambda: str(uuid4()))
    state: str = "QUEUED"
    reason: str | None = None
    failure: QueryFailed | None = None
    result: Result | None = None
    submitted: datetime = field(default_factory=_now)
    started: datetime | None = None
    completed: datetime | None = None
    cancellation: Cancellation = field(default_factory=Cancellation)

    @property
    def is_final(self) -> bool:
        return self.state in FINAL_STATES

    @property
    def output(self) -> str:
        """The OutputLocation: ``<id>.csv`` for a query, ``tables/<id>`` for CREATE TABLE AS, ``<id>`` for other
        statements that write files, and ``<id>.txt`` for the rest.

        Source: https://docs.aws.amazon.com/athena/latest/ug/querying-finding-output-files.html
        """
        if self.reused_output:
            return self.reused_output
        kind = self.prepared.statement.output
        start, end = ("tables/" if kind == "table" else ""), (f".{kind}" if kind in ("csv", "txt") else "")
        return f"{self.output_folder.rstrip('/')}/{start}{self.id}{end}"

    @property
    def destination(self) -> Destination:
        return Destination(f"{self.output}/", f"{self.output}-manifest.csv")

    def start(self) -> bool:
        """Change from QUEUED to RUNNING. Returns False if the execution was cancelled in the queue."""
        if self.state != "QUEUED":
            return False
        self.state, self.started = "RUNNING", _now()
        return True

    def succeed(self, result: Result) -> None:
        self.result = result
        self._end("SUCCEEDED")

    def reuse(self, earlier: QueryExecution) -> None:
        """Succeed with the result of an earlier query, without running."""
        assert earlier.result is not None
        self.start()
        self.reused_output = earlier.output
        self.succeed(replace(earlier.result, scanned_bytes=0))
        self.release()

    def fail(self, failure: QueryFailed) -> None:
        self.reason, self.failure = failure.message, failure
        self._end("FAILED")

    def cancel(self, reason: str) -> None:
        self.reason = reason
        self._end("CANCELLED")

    def release(self) -> None:
        """Drop the syntax tree of a query that has ended: it needs much more memory than the text."""
        self.prepared = replace(self.prepared, body=_ENDED)

    def _end(self, state: str) -> None:
        """The state is set last, so that other threads never see a final state with incomplete fields."""
        assert not self.is_final, f"query {self.id} is {self.state} already"
        self.completed = _now()
        self.state = state
