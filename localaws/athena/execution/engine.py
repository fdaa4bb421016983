"""Runs one statement: DDL on the Glue catalog, a query in DuckDB over the files of its tables."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, cast

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
from localaws.athena.execution.prepared_statements import PreparedStatement, PreparedStatements
from localaws.athena.execution.row_changes import apply_changes
from localaws.athena.execution.statements import Statement, one_statement
from localaws.athena.execution.views import create_view
from localaws.athena.results import formatting
from localaws.athena.results.result import Result, ResultColumn, RunningQuery
from localaws.athena.sql.functions.registration import register_functions
from localaws.athena.sql.parsing.parser import parse_query
from localaws.athena.sql.parsing.row_changes import RowChanges, parse_row_changes
from localaws.athena.sql.parsing.statements import (
    CreateTableAs,
    CreateView,
    Deallocate,
    Explain,
    InsertInto,
    Prepare,
    Unload,
    parse_create_table_as,
    parse_create_view,
    parse_deallocate,
    parse_execute,
    parse_explain,
    parse_insert,
    parse_prepare,
    parse_unload,
)
from localaws.athena.sql.translation.queries import QueryPlan, plan_query
from localaws.athena.sql.translation.row_changes import FIRST_COLUMN, changed_rows, files_with_rows
from localaws.athena.sql.types import moments
from localaws.athena.tables.catalog import Catalog
from localaws.athena.tables.data_files import Scan
from localaws.athena.tables.hive_layout import without_empty_folders
from localaws.athena.tables.scans import OpenScan, open_scan, reads_the_same, register_again, register_scan
from localaws.athena.writing.columns import cast_query, with_instants
from localaws.athena.writing.data_writer import Writing
from localaws.athena.writing.operations import Destination, Operations, Written

if TYPE_CHECKING:  # pyiceberg is slow to import
    from localaws.athena.tables.iceberg import LocalFiles
    from localaws.athena.tables.iceberg_scans import IcebergScan

# AWS's default quota: https://docs.aws.amazon.com/general/latest/gr/athena.html
DML_TIMEOUT = timedelta(minutes=30)
_BATCH_ROWS = 8192
_BATCH_BYTES = 2**22
# "The size of a single row or its columns cannot exceed 32 megabytes":
# https://docs.aws.amazon.com/athena/latest/ug/other-notable-limitations.html
_ROW_BYTES = 32 * 2**20
PRIMARY = "primary"
"""The default workgroup."""
_ROWS = (ResultColumn("rows", "bigint", 19),)
"""The column of the result of a statement that writes rows."""


@dataclass(frozen=True)
class Explained:
    """An EXPLAIN, and the body of the explained statement."""

    explain: Explain
    body: Body


_ContainingQuery = CreateTableAs | InsertInto | Unload | CreateView | RowChanges
Body = exp.Expr | _ContainingQuery | Command | Prepare | Deallocate | Explained | QueryFailed
# The statements that may have execution parameters.
_WITH_PARAMETERS: dict[str, Callable[[str, Sequence[str] | None], Body]] = {
    "SELECT": parse_query,
    "CREATE_TABLE_AS_SELECT": parse_create_table_as,
    "INSERT": parse_insert,
    "UNLOAD": parse_unload,
    "DELETE": parse_row_changes,
    "UPDATE": parse_row_changes,
    "MERGE": parse_row_changes,
    "OPTIMIZE": parse_row_changes,
}
_WITHOUT_PARAMETERS: dict[str, Callable[[str], Body]] = {
    "CREATE_VIEW": parse_create_view,
    "PREPARE": parse_prepare,
    "DEALLOCATE_PREPARE": parse_deallocate,
    "VACUUM": parse_ddl,
}


@dataclass(frozen=True)
class Prepared:
    """A statement whose syntax is valid. Whether its names exist is checked when it runs.

    ``body`` is the parsed statement, or the error that it raises when it runs.
    """

    statement: Statement
    body: Body


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
        writing: Writing | None = None,
        remove: Callable[[str], None] | None = None,
    ) -> None:
        """``memory`` limits the memory of all running queries, such as ``2GB``; None is DuckDB's default. ``writing``
        opens the files that statements write, and ``remove`` removes a file; both take its URI.

        DuckDB writes what does not fit to the folder ``spill``. Without a folder, such a query fails.
        """
        self._path = partial(_located, path)
        self._catalog = Catalog(glue, partial(_local_files, self._path, writing, remove))
        self._ddl = DdlExecutor(self._catalog, self._path)
        self._operations = Operations(self._catalog, self._path, writing or _no_writing)
        self.prepared_statements = PreparedStatements()
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

    def prepare(self, text: str, parameters: Sequence[str] | None = (), workgroup: str = PRIMARY) -> Prepared:
        """Parse a statement. ``parameters`` are the execution parameters, SQL literals; None leaves each ``?``.

        EXECUTE becomes the prepared statement of the ``workgroup``. Raises MalformedQuery.
        """
        statement = one_statement(text)
        try:
            if statement.substatement == "EXECUTE":
                return self._execute(statement, parameters, workgroup)
            if statement.substatement == "EXPLAIN":
                explain = parse_explain(statement.text)
                return Prepared(statement, Explained(explain, self.prepare(explain.text, parameters).body))
            body = _body(statement, parameters)
            if isinstance(body, Prepare):
                self.prepare(body.text, None)  # checks the syntax
            return Prepared(statement, body)
        except QueryFailed as failure:
            return Prepared(statement, failure)
        except RecursionError:
            raise too_large() from None

    def _execute(self, statement: Statement, parameters: Sequence[str] | None, workgroup: str) -> Prepared:
        execute = parse_execute(statement.text)
        found = self.prepared_statements.find(workgroup, execute.name)
        if found is None:
            raise QueryFailed(f"PreparedStatement {execute.name} was not found in workGroup {workgroup}")
        inner = self.prepare(found.text, execute.parameters or parameters)
        return Prepared(replace(statement, output=inner.statement.output), inner.body)

    def run(
        self,
        prepared: Prepared,
        database: str,
        cancellation: Cancellation | None = None,
        scan_limit: int | None = None,
        workgroup: str = PRIMARY,
        destination: Destination | None = None,
    ) -> Result | RunningQuery:
        """Run a statement. ``database`` is the database of table names without one.

        A query returns as soon as it has started, and continues while its rows are read. ``destination`` is where a
        statement that writes files puts them. Raises QueryFailed, and QueryCancelled on request or if the query would
        read more than ``scan_limit`` bytes.
        """
        body, database = prepared.body, without_backquotes(database).lower()
        run = _Run(database, cancellation or Cancellation(), scan_limit, workgroup, destination)
        try:
            return self._run(body, run)
        except RecursionError:
            raise too_large_to_run() from None

    def _run(self, body: Body, run: _Run) -> Result | RunningQuery:  # noqa: PLR0911 - one return for each kind
        match body:
            case QueryFailed():
                raise body
            case exp.Expr():
                return self._query(body, run)
            case CreateTableAs():
                return self._create_table_as(body, run)
            case InsertInto():
                return self._insert(body, run)
            case RowChanges(kind="OPTIMIZE"):
                return self._optimize(body, run)
            case RowChanges():
                return self._change_rows(body, run)
            case Unload():
                return self._unload(body, run)
            case Prepare():
                self.prepared_statements.put(PreparedStatement(run.workgroup, body.name, body.text))
                return Result()
            case Deallocate():
                if self.prepared_statements.find(run.workgroup, body.name) is None:
                    raise QueryFailed(
                        f"PreparedStatement {body.name} was not found in workGroup {run.workgroup}"
                    )
                self.prepared_statements.remove(run.workgroup, body.name)
                return Result()
            case CreateView():
                database = self._operations.database(body.name, run.database)
                outputs = self._planned(body.query, run).query.outputs
                create_view(self._catalog, body, outputs, database, run.database)
                return Result()
            case Explained():
                return self._explain(body, run)
        return self._ddl.run(body, run.database)

    # ---------------------------------------------------------------- statements that write files
    def _create_table_as(self, statement: CreateTableAs, run: _Run) -> Result:
        if self._operations.table_exists(statement, run.database):
            return Result(_ROWS)
        planned = self._planned(statement.query, run)
        rows = _Rows(self, replace(planned, query=with_instants(planned.query)), run)
        written = self._operations.create_table_as(
            statement, planned.query.outputs, rows, run.database, run.written_to
        )
        return rows.result(written)

    def _insert(self, statement: InsertInto, run: _Run) -> Result:
        table = self._operations.insert_target(statement, run.database)
        planned = self._planned(statement.query, run)
        types = self._operations.insert_types(statement, table, planned.query.outputs)
        planned = replace(planned, query=cast_query(planned.query, types))
        rows = _Rows(self, planned, run)
        written = self._operations.insert(statement, table, planned.query.outputs, rows, run.written_to)
        return rows.result(written)

    def _change_rows(self, statement: RowChanges, run: _Run) -> Result:
        table, columns = self._operations.change_target(statement, run.database)
        tree = changed_rows(statement, columns, lambda query: self._planned(query, run).query.outputs)
        planned = self._planned(tree, run)
        types = [*(output.type for output in planned.query.outputs[:FIRST_COLUMN]), *columns.values()]
        query = cast_query(planned.query, types)
        key = table.database, table.name
        scan = next(scan for scan in planned.scans if (scan.table.database, scan.table.name) == key)
        if scan.column_types != columns:
            raise QueryFailed(f"ICEBERG_COMMIT_ERROR: the columns of {'.'.join(key)} have changed")
        with self._started(planned, run) as (connection, scanned):
            count, files = apply_changes(connection, query.sql, cast("IcebergScan", scan), list(columns))
        return Result(_ROWS, scanned_bytes=scanned, update_count=count, files=files)

    def _optimize(self, statement: RowChanges, run: _Run) -> Result:
        """Rewrite the files that have rows for which the condition is true."""
        from localaws.athena.tables.iceberg_scans import IcebergScan  # slow to import
        from localaws.athena.writing.iceberg_optimize import check_condition, optimize

        table, columns = self._operations.change_target(statement, run.database)
        iceberg, paths = self._catalog.iceberg.table(table.database, table.name), None
        if statement.changes[0].condition is not None:
            check_condition(statement, iceberg)
            with self._started(planned := self._planned(files_with_rows(statement), run), run) as (
                connection,
                _,
            ):
                paths = {path for (path,) in connection.execute(planned.query.sql).fetchall()}
        scan = IcebergScan("", "", table, set(columns), iceberg=iceberg)
        scanned, files = optimize(scan, paths)
        return Result(scanned_bytes=scanned, files=files)

    def _unload(self, statement: Unload, run: _Run) -> Result:
        planned = self._planned(statement.query, run)
        rows = _Rows(self, planned, run)
        written = self._operations.unload(statement, planned.query.outputs, rows, run.written_to)
        return rows.result(written)

    def _explain(self, explained: Explained, run: _Run) -> Result:
        """Return the plan of DuckDB, which is not Trino's. As in Athena, the first line is the name of the column.

        Source: https://docs.aws.amazon.com/athena/latest/ug/athena-explain-statement.html
        """
        explain, body = explained.explain, explained.body
        if isinstance(body, QueryFailed):
            raise body
        tree = body if isinstance(body, exp.Expr) else getattr(body, "query", None)
        if tree is None or explain.type == "IO":
            raise not_supported("EXPLAIN (TYPE IO)" if tree is not None else "EXPLAIN of this statement")
        planned = self._planned(tree, run)
        if explain.type == "VALIDATE":
            return Result((ResultColumn("Valid", "boolean"),), [("true",)])
        if explain.analyze and tree is not body:
            raise not_supported("EXPLAIN ANALYZE of a statement that writes")
        with self._started(planned, run) as (connection, scanned):
            options = f"{'ANALYZE, ' if explain.analyze else ''}FORMAT {explain.format}"
            [(_, text)] = connection.execute(f"EXPLAIN ({options}) {planned.query.sql}").fetchall()
        column = ResultColumn("Query Plan", "varchar")
        lines = [(line,) for line in (column.name, *str(text).rstrip().splitlines())]
        return Result((column,), lines, scanned_bytes=scanned if explain.analyze else 0)

    # ---------------------------------------------------------------- queries
    def _planned(self, tree: exp.Expr, run: _Run) -> QueryPlan:
        def execute(sql: str) -> Any:
            with self._duckdb.cursor() as connection, duckdb_failures():
                [(value,)] = connection.execute(sql).fetchall()
            return value

        return plan_query(tree, self._catalog, run.database, datetime.now(UTC), execute)

    def _query(self, tree: exp.Expr, run: _Run) -> RunningQuery:
        planned = self._planned(tree, run)
        columns = tuple(
            formatting.result_column(output.name or f"_col{at}", output.type, output.length)
            for at, output in enumerate(planned.query.outputs)
        )
        running = self.running(planned, run, _shown(planned), _texts)
        scanned = next(running)
        return RunningQuery(columns, cast(Iterator[pa.RecordBatch], running), cast(int, scanned))

    def running(
        self,
        planned: QueryPlan,
        run: _Run,
        sql: str,
        convert: Callable[[QueryPlan, pa.RecordBatch], pa.RecordBatch],
    ) -> Iterator[int | pa.RecordBatch]:
        """Yield the number of scanned bytes when the query has started, then its rows as ``convert`` returns them.

        ``sql`` is the translated query.
        """
        with self._started(planned, run) as (connection, scanned):
            batches = connection.execute(sql).to_arrow_reader(_BATCH_ROWS)
            yield scanned
            for batch in batches:
                for part in _split(batch):
                    run.cancellation.check()
                    yield convert(planned, part)
            run.cancellation.check()

    @contextmanager
    def _started(self, planned: QueryPlan, run: _Run) -> Iterator[tuple[duckdb.DuckDBPyConnection, int]]:
        """Yield a connection that has the scans of the query, and the number of bytes that they read."""
        cancellation, limit = run.cancellation, run.scan_limit
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
            yield connection, scanned


def _located(path: Callable[[str], Path], uri: str) -> Path:
    try:
        return path(without_empty_folders(uri))
    except ValueError as error:
        raise QueryFailed(f"HIVE_INVALID_METADATA: {error}", DATA_ERROR) from None


def _local_files(
    path: Callable[[str], Path], writing: Writing | None, remove: Callable[[str], None] | None
) -> LocalFiles:
    from localaws.athena.tables.iceberg import LocalFiles  # slow to import

    return LocalFiles(path, writing or _no_writing, remove or _no_writing)


@dataclass(frozen=True)
class _Run:
    """The arguments of ``Engine.run``."""

    database: str
    cancellation: Cancellation
    scan_limit: int | None
    workgroup: str
    destination: Destination | None

    @property
    def written_to(self) -> Destination:
        assert self.destination, "a statement that writes files needs a destination"
        return self.destination


class _Rows:
    """The rows of a query that are written to files. A call starts the query."""

    def __init__(self, engine: Engine, planned: QueryPlan, run: _Run) -> None:
        self._engine, self._planned, self._run = engine, planned, run
        self._scanned = 0

    def __call__(self) -> Iterator[pa.RecordBatch]:
        running = self._engine.running(self._planned, self._run, self._planned.query.sql, _rows)
        self._scanned = cast(int, next(running))
        yield from cast(Iterator[pa.RecordBatch], running)

    def result(self, written: Written) -> Result:
        return Result(_ROWS, scanned_bytes=self._scanned, update_count=written.rows, files=written.uris)


def _no_writing(uri: str) -> NoReturn:
    raise AssertionError(f"nothing should be written to {uri}")


def _body(statement: Statement, parameters: Sequence[str] | None) -> Body:
    if parse := _WITH_PARAMETERS.get(statement.substatement):
        return parse(statement.text, parameters)
    if statement.kind == "DML" and statement.substatement not in _WITHOUT_PARAMETERS:
        raise not_supported(f"{statement.substatement} statements")
    read = _WITHOUT_PARAMETERS.get(statement.substatement, parse_ddl)(statement.text)
    if parameters:
        raise MalformedQuery("execution parameters are only allowed in SELECT, INSERT INTO, CTAS and UNLOAD")
    return read


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
    if isinstance(expected, dt.TrinoType):
        return bool(found == expected.storage_type)
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


def _shown(planned: QueryPlan) -> str:
    """Return the SQL of the query, with the texts of values whose types Arrow does not have."""
    types = [output.type for output in planned.query.outputs]
    if not any(map(moments.contains_moment, types)):
        return planned.query.sql
    columns = ", ".join(f"{moments.shown(f'c{at}', type_)} AS c{at}" for at, type_ in enumerate(types))
    return f"SELECT {columns} FROM ({planned.query.sql})"


def _checked(batch: pa.RecordBatch, types: Sequence[pa.DataType]) -> pa.RecordBatch:
    """Return the batch if it has these types. Raises QueryFailed."""
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
    return batch


def _rows(planned: QueryPlan, batch: pa.RecordBatch) -> pa.RecordBatch:
    return _checked(batch, [output.type for output in planned.query.outputs])


def _texts(planned: QueryPlan, batch: pa.RecordBatch) -> pa.RecordBatch:
    types = [moments.shown_type(output.type) for output in planned.query.outputs]
    columns = map(formatting.texts, _checked(batch, types).columns, types)
    return pa.RecordBatch.from_arrays(list(columns), names=batch.schema.names)
