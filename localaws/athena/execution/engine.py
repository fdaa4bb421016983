"""Runs one statement: DDL on the Glue catalog, a query in DuckDB over the files of its tables."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any, cast

import duckdb
import pyarrow as pa
from sqlglot import exp

from localaws.athena import datatypes as dt
from localaws.athena.ddl.commands import Command
from localaws.athena.ddl.executor import DdlExecutor
from localaws.athena.ddl.parser import parse_ddl, without_backquotes
from localaws.athena.errors import (
    DATA_ERROR,
    ENGINE_ERROR,
    SYSTEM,
    MalformedQuery,
    QueryCancelled,
    QueryFailed,
    not_supported,
)
from localaws.athena.execution.cancellation import Cancellation
from localaws.athena.execution.depth import allow_deep_calls, too_large, too_large_to_run
from localaws.athena.execution.duckdb_failures import duckdb_failures
from localaws.athena.execution.statements import Statement, one_statement
from localaws.athena.results import formatting
from localaws.athena.results.result import Result, RunningQuery
from localaws.athena.sql.functions.registration import register_functions
from localaws.athena.sql.parsing.parser import parse_query
from localaws.athena.sql.translation.queries import QueryPlan, plan_query
from localaws.athena.tables.catalog import Catalog
from localaws.athena.tables.data_files import Scan
from localaws.athena.tables.scans import OpenScan, open_scan, reads_the_same, register_again, register_scan

# AWS's default quota: https://docs.aws.amazon.com/general/latest/gr/athena.html
DML_TIMEOUT = timedelta(minutes=30)
_BATCH_ROWS = 8192
_BATCH_BYTES = 2**22
# "The size of a single row or its columns cannot exceed 32 megabytes":
# https://docs.aws.amazon.com/athena/latest/ug/other-notable-limitations.html
_ROW_BYTES = 32 * 2**20


@dataclass(frozen=True)
class Prepared:
    """A statement whose syntax is valid. Whether its names exist is checked when it runs.

    ``body`` is the syntax tree of a query, a DDL command, or the error that the statement raises when it runs.
    """

    statement: Statement
    body: exp.Expr | Command | QueryFailed


class Engine:
    """``path`` maps an ``s3://`` URI to the file or folder that holds it."""

    def __init__(
        self,
        glue: Any,
        path: Callable[[str], Path],
        threads: int = 2,
        memory: str | None = None,
        spill: Path | None = None,
        time_limit: timedelta = DML_TIMEOUT,
    ) -> None:
        """``memory`` limits the memory of all running queries, such as ``2GB``; None is DuckDB's default.

        DuckDB writes what does not fit to the folder ``spill``. Without a folder, such a query fails.
        """
        self._catalog = Catalog(glue)
        self._path = partial(_located, path)
        self._ddl = DdlExecutor(self._catalog, self._path)
        self._duckdb = duckdb.connect(
            ":memory:",
            config={
                "threads": threads,
                "enable_external_access": False,
                "python_enable_replacements": False,
                # common_subexpressions evaluates shared parts before TRY and COALESCE can prevent their errors.
                # join_filter_pushdown creates filters that PyArrow's scans do not support.
                "disabled_optimizers": "common_subexpressions,join_filter_pushdown",
                "temp_directory": str(spill or ""),
                **({"memory_limit": memory} if memory else {}),
            },
        )
        self._time_limit = time_limit
        allow_deep_calls()
        register_functions(self._duckdb)

    def prepare(self, text: str, parameters: Sequence[str] = ()) -> Prepared:
        """Parse a statement. ``parameters`` are the execution parameters, SQL literals. Raises MalformedQuery."""
        statement = one_statement(text)
        try:
            return Prepared(statement, _body(statement, parameters))
        except QueryFailed as failure:
            return Prepared(statement, failure)
        except RecursionError:
            raise too_large() from None

    def run(
        self,
        prepared: Prepared,
        database: str,
        cancellation: Cancellation | None = None,
        scan_limit: int | None = None,
    ) -> Result | RunningQuery:
        """Run a statement. ``database`` is the database of table names without one.

        A query returns as soon as it has started, and continues while its rows are read.
        Raises QueryFailed, and QueryCancelled on request or if the query would read more than ``scan_limit`` bytes.
        """
        body = prepared.body
        if isinstance(body, QueryFailed):
            raise body
        try:
            if isinstance(body, exp.Expr):
                return self._query(body, database.lower(), cancellation or Cancellation(), scan_limit)
            return self._ddl.run(body, without_backquotes(database).lower())
        except RecursionError:
            raise too_large_to_run() from None

    def _query(
        self, tree: exp.Expr, database: str, cancellation: Cancellation, limit: int | None
    ) -> RunningQuery:
        planned = plan_query(tree, self._catalog, database, datetime.now(UTC))
        columns = tuple(
            formatting.result_column(output.name or f"_col{at}", output.type, output.length)
            for at, output in enumerate(planned.query.outputs)
        )
        running = self._running(planned, cancellation, limit)
        scanned = next(running)
        return RunningQuery(columns, cast(Iterator[pa.RecordBatch], running), cast(int, scanned))

    def _running(
        self, planned: QueryPlan, cancellation: Cancellation, limit: int | None
    ) -> Iterator[int | pa.RecordBatch]:
        """Yield the number of scanned bytes when the query has started, then its rows as text."""
        with (
            self._duckdb.cursor() as connection,
            cancellation.interrupting(connection.interrupt, self._time_limit),
            duckdb_failures(),
        ):
            scans = [open_scan(scan, self._catalog, self._path, connection) for scan in planned.scans]
            scanned = sum(scan.scanned_bytes for scan in scans)
            if limit is not None and scanned > limit:
                raise QueryCancelled("Query cancelled! : Bytes scanned limit was exceeded")
            _register(scans, connection)
            cancellation.check()
            batches = connection.execute(planned.query.sql).to_arrow_reader(_BATCH_ROWS)
            yield scanned
            for batch in batches:
                for part in _split(batch):
                    cancellation.check()
                    yield _texts(planned, part)
            cancellation.check()


def _located(path: Callable[[str], Path], uri: str) -> Path:
    try:
        return path(uri)
    except ValueError as error:
        raise QueryFailed(f"HIVE_INVALID_METADATA: {error}", DATA_ERROR) from None


def _body(statement: Statement, parameters: Sequence[str]) -> exp.Expr | Command:
    if not statement.is_query:
        command = parse_ddl(statement.text)
        if parameters:
            raise MalformedQuery(
                "execution parameters are only allowed in SELECT, INSERT INTO, CTAS and UNLOAD"
            )
        return command
    if statement.substatement != "SELECT":
        raise not_supported(f"{statement.substatement} statements")
    return parse_query(statement.text, parameters)


def _register(scans: Sequence[OpenScan], connection: duckdb.DuckDBPyConnection) -> None:
    """Register all scans of a query. Scans that read the same rows are stored once."""
    stored: list[Scan] = []
    for opened in scans:
        same = next((scan for scan in stored if reads_the_same(scan, opened.scan)), None)
        if same is not None:
            register_again(opened.scan, same, connection)
        else:
            register_scan(opened, connection, stored=len(scans) > 1)
            stored.append(opened.scan)


def _has_type(found: pa.DataType, expected: pa.DataType) -> bool:
    """Whether a column of DuckDB has the expected type. Inside an array, map or row, NULL may have any type."""
    if expected == dt.JSON:
        return bool(found == dt.VARCHAR)
    if not pa.types.is_nested(expected):
        return bool(found == expected)
    inner, wanted = dt.parts(found), dt.parts(expected)
    return (
        type(found) is type(expected)
        and len(inner) == len(wanted)
        and all(part == dt.NULL or _has_type(other, part) for other, part in zip(inner, wanted, strict=True))
    )


def _split(batch: pa.RecordBatch) -> Iterator[pa.RecordBatch]:
    """Split a batch into parts that can be formatted in memory. Raises QueryFailed for a row that is too large."""
    if batch.nbytes <= _BATCH_BYTES:
        yield batch
    elif len(batch) > 1:
        half = len(batch) // 2
        yield from _split(batch.slice(0, half))
        yield from _split(batch.slice(half))
    elif batch.nbytes > _ROW_BYTES:
        raise not_supported("a row of more than 32 MB, the limit of Athena")
    else:
        yield batch


def _texts(planned: QueryPlan, batch: pa.RecordBatch) -> pa.RecordBatch:
    types = [dt.result_type(output.type) for output in planned.query.outputs]
    # A column with only NULL values may have lost its type.
    if any(
        column.null_count < len(column) and not _has_type(column.type, type_)
        for column, type_ in zip(batch.columns, types, strict=True)
    ):
        # An entry of the function table is wrong, so the value may be wrong, too.
        raise QueryFailed(
            f"GENERIC_INTERNAL_ERROR: the local Athena expected {list(map(str, types))} and got "
            f"{list(map(str, batch.schema.types))}",
            ENGINE_ERROR,
            SYSTEM,
        )
    columns = map(formatting.texts, batch.columns, types)
    return pa.RecordBatch.from_arrays(list(columns), names=batch.schema.names)
