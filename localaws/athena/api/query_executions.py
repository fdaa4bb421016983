"""The registry of query executions, with the request tokens that started them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import takewhile

from sqlglot import exp

from localaws.athena.api.errors import invalid_request
from localaws.athena.execution.query_execution import QueryExecution
from localaws.protocol import JSON, AwsError

MAX_ACTIVE = 200  # queued or running
MAX_FINISHED = 10_000
"""The number of finished query executions that are kept; Athena keeps them for 45 days."""


_DEFAULT_AGE = 60  # minutes
_NOT_DETERMINISTIC = {"rand", "random", "shuffle", "uuid"}


class QueryExecutions:
    """The query executions, newest last, and their request tokens."""

    def __init__(self) -> None:
        self._all: dict[str, QueryExecution] = {}
        self._tokens: dict[str, tuple[JSON, str]] = {}

    def __iter__(self) -> Iterator[QueryExecution]:
        return iter(self._all.values())

    def find(self, token: str | None, request: JSON) -> str | None:
        """Return the id that an earlier request with this token got, or None.

        Raises AwsError if the earlier request had other parameters.
        """
        if token is None or token not in self._tokens:
            return None
        earlier, execution_id = self._tokens[token]
        if earlier != request:
            raise invalid_request("Idempotent parameters do not match")
        return execution_id

    def add(self, execution: QueryExecution, token: str | None, request: JSON) -> None:
        if sum(not other.is_final for other in self) >= MAX_ACTIVE:
            raise AwsError(
                "TooManyRequestsException",
                "You have exceeded the limit for the number of queries you can run concurrently. "
                "Please reduce the number of concurrent queries submitted by this account.",
                Reason="CONCURRENT_QUERY_LIMIT_EXCEEDED",
            )
        self._drop_oldest()
        self._all[execution.id] = execution
        if token is not None:
            self._tokens[token] = (request, execution.id)

    def reusable(self, execution: QueryExecution) -> QueryExecution | None:
        """Return the last query whose result ``execution`` may reuse, if its ResultReuseConfiguration allows it.

        Source: https://docs.aws.amazon.com/athena/latest/ug/reusing-query-results.html
        """
        by_age = execution.result_reuse["ResultReuseByAgeConfiguration"]
        if not by_age["Enabled"] or not _is_deterministic_select(execution):
            return None
        oldest = datetime.now(UTC) - timedelta(minutes=by_age.get("MaxAgeInMinutes", _DEFAULT_AGE))
        identity = _identity(execution)
        for earlier in takewhile(lambda each: each.submitted >= oldest, reversed(self._all.values())):
            is_original = earlier.state == "SUCCEEDED" and not earlier.reused_output
            if is_original and _identity(earlier) == identity:
                return earlier if _is_readable(earlier) else None
        return None

    def restore(self, executions: Iterable[QueryExecution]) -> None:
        self._all.update((execution.id, execution) for execution in executions)

    def by_id(self) -> dict[str, QueryExecution]:
        """Return a copy of all executions by their ids, oldest first."""
        return dict(self._all)

    def _drop_oldest(self) -> None:
        """Make room for one more execution."""
        if len(self._all) < MAX_FINISHED:
            return
        oldest = next((execution for execution in self if execution.is_final), None)
        if oldest:
            del self._all[oldest.id]
            self._tokens = {token: each for token, each in self._tokens.items() if each[1] in self._all}

    def get(self, execution_id: str) -> QueryExecution:
        if execution_id not in self._all:
            raise invalid_request(f"QueryExecution {execution_id} was not found")
        return self._all[execution_id]

    def drop_workgroup(self, name: str) -> None:
        self._all = {key: execution for key, execution in self._all.items() if execution.workgroup != name}


def _is_deterministic_select(execution: QueryExecution) -> bool:
    body = execution.prepared.body
    if execution.prepared.statement.substatement != "SELECT" or not isinstance(body, exp.Expr):
        return False
    calls = body.find_all(exp.Func)
    names = {(call.name if isinstance(call, exp.Anonymous) else call.sql_name()).lower() for call in calls}
    return not names & _NOT_DETERMINISTIC


def _identity(execution: QueryExecution) -> tuple[object, ...]:
    """Return what must be equal in two queries with the same result."""
    return (
        execution.prepared.statement,
        execution.parameters,
        execution.database,
        execution.catalog,
        execution.workgroup,
        execution.output_folder,
        execution.result_configuration,
    )


def _is_readable(execution: QueryExecution) -> bool:
    """Whether the result file still exists and has not changed."""
    try:
        return execution.result is not None and execution.result.rows[0:1] is not None
    except OSError:
        return False
