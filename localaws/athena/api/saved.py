"""The saved state of Athena: workgroups, query executions, named queries and prepared statements."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from localaws.athena.api.named_queries import NamedQuery
from localaws.athena.api.operations import AthenaApi
from localaws.athena.api.workgroups import WorkGroup
from localaws.athena.errors import ENGINE_ERROR, SYSTEM, QueryFailed
from localaws.athena.execution.cancellation import Cancellation
from localaws.athena.execution.engine import Prepared
from localaws.athena.execution.prepared_statements import PreparedStatement
from localaws.athena.execution.query_execution import QueryExecution
from localaws.athena.execution.runner import Runner
from localaws.athena.execution.statements import Statement
from localaws.athena.results.files import CsvIndex, CsvRows
from localaws.athena.results.result import Result, Row
from localaws.protocol import JSON
from localaws.state.database import Database
from localaws.state.documents import from_json, to_json
from localaws.state.saving import Resources, Source

RESTARTED = "GENERIC_INTERNAL_ERROR: The local AWS was restarted while the query was running."
_ENCODED = ("prepared", "cancellation", "failure", "result")
"""The members of a query execution that are written in another form."""


def restore(database: Database, api: AthenaApi) -> list[Source]:
    """Load the saved state and return its sources. Queries that were queued or running are FAILED."""
    workgroups: Resources[WorkGroup] = Resources("athena workgroup", lambda: dict(api.workgroups.by_name))
    api.workgroups.by_name.update(workgroups.load_as(database, WorkGroup))
    executions: Resources[QueryExecution] = Resources(
        "athena query execution",
        api.executions.by_id,
        encode=_encode,
        is_final=lambda execution: execution.is_final,
    )
    loaded = executions.load(database, lambda document: _decode(document, api.runner)).values()
    for execution in loaded:
        if not execution.is_final:
            execution.fail(QueryFailed(RESTARTED, ENGINE_ERROR, SYSTEM, retryable=True))
        execution.release()
    api.executions.restore(loaded)
    statements = api.engine.prepared_statements.by_key
    prepared: Resources[PreparedStatement] = Resources("athena prepared statement", lambda: dict(statements))
    statements.update(prepared.load_as(database, PreparedStatement))
    named: Resources[NamedQuery] = Resources("athena named query", lambda: dict(api.named_queries.by_id))
    api.named_queries.by_id.update(named.load_as(database, NamedQuery))
    return [workgroups, executions, prepared, named]


def _encode(execution: QueryExecution) -> bytes:
    members = {name: value for name, value in vars(execution).items() if name not in _ENCODED}
    failure, result = execution.failure, execution.result
    members["statement"] = execution.prepared.statement
    if failure:
        members["failed"] = [failure.message, failure.error_type, failure.category, failure.retryable]
    if result:
        members["returned"] = {**vars(result), "rows": _encode_rows(result.rows)}
    return to_json(members)


def _encode_rows(rows: Sequence[Row]) -> Any:
    """Return the rows of a result; those of a file as the index and the version of the file."""
    return {"index": rows.csv_index.entries(), "version": rows.version} if isinstance(rows, CsvRows) else rows


def _decode(document: bytes, runner: Runner) -> QueryExecution:
    members: JSON = json.loads(document)
    special = {name: members.pop(name, None) for name in ("statement", "failed", "returned")}
    execution = from_json(
        QueryExecution,
        to_json(members),
        prepared=Prepared(Statement(**special["statement"]), QueryFailed("")),
        failure=QueryFailed(*special["failed"]) if special["failed"] else None,
        cancellation=Cancellation(),
    )
    if returned := special["returned"]:
        rows = returned["rows"]
        if isinstance(rows, dict):
            rows = runner.csv_rows(execution.output, CsvIndex(*rows["index"]), rows["version"])
        else:
            rows = [tuple(row) for row in rows]
        execution.result = from_json(Result, to_json(returned), rows=rows)
    return execution
