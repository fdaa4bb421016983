"""One statement in, one result out: DDL on the Glue catalog, queries in DuckDB over Parquet in place."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from threading import Lock, Thread
from time import sleep
from typing import Any

import duckdb
import pyarrow as pa
from sqlglot import exp

from localaws.athena import formatting, wide_decimals
from localaws.athena.catalog import Catalog
from localaws.athena.commands import Command
from localaws.athena.ddl import Ddl
from localaws.athena.ddl_grammar import parse_ddl, unquoted
from localaws.athena.duckdb_failures import duckdb_failures
from localaws.athena.errors import (
    BY_USER,
    DATA_ERROR,
    ENGINE_ERROR,
    SYSTEM,
    MalformedQuery,
    QueryCancelled,
    QueryFailed,
    not_supported,
)
from localaws.athena.parser import parse_query
from localaws.athena.queries import Plan, plan
from localaws.athena.result import Result
from localaws.athena.scans import open_scan, register
from localaws.athena.statements import Statement, one_statement

_MACROS = Path(__file__).with_name("trino.sql")
_INTERRUPT_EVERY = 0.05  # seconds


@dataclass(frozen=True)
class Prepared:
    """A statement whose text is well formed; whether its names exist is seen when it runs."""

    statement: Statement
    body: exp.Expr | Command | QueryFailed


class Cancellation:
    """Lets another thread end a running query."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._requested = False
        self._interrupt: Callable[[], None] | None = None

    def request(self) -> None:
        self._requested = True
        Thread(target=self._interrupt_until_over, daemon=True).start()

    def _interrupt_until_over(self) -> None:
        """Repeats, because DuckDB forgets an interrupt that comes just before its query begins."""
        while True:
            with self._lock:
                if self._interrupt is None:
                    return
                self._interrupt()
            sleep(_INTERRUPT_EVERY)

    def check(self) -> None:
        """Raises QueryCancelled once a request has come."""
        if self._requested:
            raise QueryCancelled(BY_USER)

    @contextmanager
    def interrupting(self, interrupt: Callable[[], None]) -> Iterator[None]:
        """Inside the block a request calls ``interrupt``, from the thread that makes it."""
        with self._lock:
            self._interrupt = interrupt
        try:
            self.check()
            yield
        finally:
            with self._lock:
                self._interrupt = None


class Engine:
    """``path`` maps an ``s3://`` URI to the file or folder that holds it."""

    def __init__(self, glue: Any, path: Callable[[str], Path], threads: int = 2) -> None:
        self._catalog = Catalog(glue)
        self._path = partial(_located, path)
        self._ddl = Ddl(self._catalog, self._path)
        self._duckdb = duckdb.connect(
            ":memory:",
            config={
                "threads": threads,
                "enable_external_access": False,
                "python_enable_replacements": False,
                # It evaluates what two expressions share before TRY and COALESCE can keep an error away.
                "disabled_optimizers": "common_subexpressions",
            },
        )
        wide_decimals.register(self._duckdb)
        self._duckdb.execute(_MACROS.read_text(encoding="utf-8"))

    def prepare(self, text: str, parameters: Sequence[str] = ()) -> Prepared:
        """Raises MalformedQuery when ``text`` is not one statement of Athena's grammar."""
        statement = one_statement(text)
        try:
            return Prepared(statement, _body(statement, parameters))
        except QueryFailed as failure:
            return Prepared(statement, failure)

    def run(
        self,
        prepared: Prepared,
        database: str,
        cancellation: Cancellation | None = None,
        scan_limit: int | None = None,
    ) -> Result:
        """Run a statement; names without a database are ``database``'s.

        Raises QueryFailed, and QueryCancelled on request or when the query would read more than ``scan_limit`` bytes.
        """
        body = prepared.body
        if isinstance(body, QueryFailed):
            raise body
        if isinstance(body, exp.Expr):
            return self._query(body, database.lower(), cancellation or Cancellation(), scan_limit)
        return self._ddl.run(body, unquoted(database).lower())

    def _query(self, tree: exp.Expr, database: str, cancellation: Cancellation, limit: int | None) -> Result:
        planned = plan(tree, self._catalog, database, datetime.now(UTC))
        with (
            self._duckdb.cursor() as connection,
            cancellation.interrupting(connection.interrupt),
            duckdb_failures(),
        ):
            scans = [open_scan(scan, self._catalog, self._path, connection) for scan in planned.scans]
            scanned = sum(scan.scanned_bytes for scan in scans)
            if limit is not None and scanned > limit:
                raise QueryCancelled("Query cancelled! : Bytes scanned limit was exceeded")
            for scan in scans:
                register(scan, connection)
            cancellation.check()
            return _result(planned, connection.execute(planned.query.sql).to_arrow_table(), scanned)


def _located(path: Callable[[str], Path], uri: str) -> Path:
    try:
        return path(uri)
    except ValueError as error:
        raise QueryFailed(f"HIVE_INVALID_METADATA: {error}", DATA_ERROR) from None


def _body(statement: Statement, parameters: Sequence[str]) -> exp.Expr | Command:
    if not statement.is_query:
        command = parse_ddl(statement)
        if parameters:
            raise MalformedQuery("execution parameters are for SELECT, INSERT INTO, CTAS and UNLOAD only")
        return command
    if statement.substatement != "SELECT":
        raise not_supported(f"{statement.substatement} statements")
    return parse_query(statement.text, parameters)


def _is(found: pa.DataType, expected: pa.DataType) -> bool:
    """Whether DuckDB's column has the type; it has a type of its own for arrays of nothing but NULL."""
    if pa.types.is_list(found) and pa.types.is_list(expected):
        return expected.value_type == pa.null() or _is(found.value_type, expected.value_type)
    return bool(found == expected)


def _result(planned: Plan, table: pa.Table, scanned: int) -> Result:
    outputs = planned.query.outputs
    types = [output.type for output in outputs]
    found = [column.type for column in table.columns]
    # A column of nothing but NULL may have lost its type on the way.
    if any(
        column.null_count < len(column) and not _is(column.type, type_)
        for column, type_ in zip(table.columns, types, strict=True)
    ):
        # A wrong entry in the function table; its answer might be wrong as well.
        raise QueryFailed(
            f"GENERIC_INTERNAL_ERROR: the local Athena expected {list(map(str, types))} and got "
            f"{list(map(str, found))}",
            ENGINE_ERROR,
            SYSTEM,
        )
    columns = tuple(
        formatting.result_column(output.name or f"_col{at}", output.type, output.length)
        for at, output in enumerate(outputs)
    )
    return Result(columns, formatting.rows(table, types), has_header=True, scanned_bytes=scanned)
