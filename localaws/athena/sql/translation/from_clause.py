"""Translates FROM: tables, subqueries, UNNEST and their joins, each with its visible columns."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import count
from typing import Any

import pyarrow as pa
from sqlglot import exp

from localaws.athena import datatypes as dt
from localaws.athena.errors import SCHEMA_ERROR, SYNTAX_ERROR, MalformedQuery, QueryFailed, not_supported
from localaws.athena.quoting import duckdb_identifier, duckdb_string
from localaws.athena.sql.parsing.nodes import only, position, type_mismatch, unsupported
from localaws.athena.sql.parsing.parser import parse_query
from localaws.athena.sql.translation.expressions import Expressions
from localaws.athena.sql.translation.output_columns import (
    Ctes,
    OutputColumn,
    Query,
    check_alias_count,
    renamed,
)
from localaws.athena.sql.translation.scope import Scope, ScopeColumn
from localaws.athena.sql.translation.table_functions import is_table_function, sequence
from localaws.athena.sql.translation.time_travel import Evaluate, snapshot_of
from localaws.athena.sql.translation.unnest import unnested
from localaws.athena.sql.types.casts import coerced
from localaws.athena.sql.types.comparisons import compared
from localaws.athena.sql.types.typed_sql import TypedSql
from localaws.athena.tables import information_schema
from localaws.athena.tables.catalog import Catalog, Table
from localaws.athena.tables.data_files import PATH_COLUMN, Scan, column_type
from localaws.athena.tables.scans import check_readable
from localaws.athena.tables.views import View, is_view, read_view

_CATALOG = information_schema.CATALOG

CompileQuery = Callable[[exp.Expr, Scope | None, Ctes], Query]
MakeExpressions = Callable[[Scope, Ctes], Expressions]


@dataclass(frozen=True)
class Relation:
    sql: str
    columns: tuple[ScopeColumn, ...]


class Relations:
    """Translates FROM clauses; ``scans`` collects all uses of tables."""

    def __init__(
        self,
        catalog: Catalog,
        database: str,
        query: CompileQuery,
        expressions: MakeExpressions,
        evaluate: Evaluate,
    ) -> None:
        self._catalog, self._database = catalog, database
        self._query, self._expressions, self._evaluate = query, expressions, evaluate
        self._names = count()
        self._views: tuple[str, ...] = ()  # the views around the query that is translated
        self._tables: dict[tuple[str, str], Table | None] = {}
        self._iceberg: dict[tuple[str, str], Any] = {}
        self.scans: list[Scan] = []

    def compile(self, node: exp.Expr, parent: Scope | None, ctes: Ctes) -> Relation | None:
        clause = node.args.get("from_")
        if clause is None:
            return None
        only(clause, "this")
        first = self._relation(clause.this, parent, ctes, ())
        sample = node.args.get("sample")  # of (VALUES ...), which sqlglot does not attach to it
        if sample is not None and node.args.get("joins"):
            raise not_supported("TABLESAMPLE of VALUES in a join")
        if sample is not None:
            first = replace(first, sql=f"{first.sql}{_sample(sample)}")
        return self._joined(first, node.args.get("joins"), parent, ctes)

    def _joined(
        self, relation: Relation, joins: Sequence[exp.Expr] | None, parent: Scope | None, ctes: Ctes
    ) -> Relation:
        """Translate a relation and its joins. Joins bind closer than commas, and cannot use columns across a comma."""
        rest = list(joins or ())
        before: Relation | None = None
        for at, join in enumerate(rest):
            if not _is_comma(join):
                relation = self._join(relation, join, parent, ctes)
                continue
            before = _listed(before, relation)
            joined_to = at + 1 < len(rest) and not _is_comma(rest[at + 1])
            relation = self._relation(join.this, parent, ctes, () if joined_to else before.columns)
        return _listed(before, relation)

    def _join(self, left: Relation, join: exp.Expr, parent: Scope | None, ctes: Ctes) -> Relation:
        if str(join.args.get("method") or "").upper() == "NATURAL":
            raise QueryFailed(f"NOT_SUPPORTED: {position(join)}Natural join not supported", SYNTAX_ERROR)
        only(join, "this", "side", "kind", "on", "using")
        side, kind = (str(join.args.get(name) or "").upper() for name in ("side", "kind"))
        if kind not in ("", "INNER", "CROSS", "OUTER") or side not in ("", "LEFT", "RIGHT", "FULL"):
            raise not_supported(f"{side} {kind} JOIN".strip())
        on, using = join.args.get("on"), join.args.get("using")
        # A lateral subquery can only use columns that are not nullable because of this join.
        uncorrelated = isinstance(join.this, exp.Lateral | exp.Unnest) and side in ("RIGHT", "FULL")
        if uncorrelated and isinstance(join.this, exp.Lateral) and on != exp.true():
            raise not_supported(f"{side} JOIN LATERAL with another condition than true")
        right = self._relation(join.this, parent, ctes, () if uncorrelated else left.columns)
        if isinstance(join.this, exp.Unnest):
            _check_unnest_join(join, side or "INNER")
        if isinstance(join.this, exp.Unnest) and not uncorrelated:
            return Relation(f"{left.sql} CROSS JOIN {right.sql}", left.columns + right.columns)
        left = replace(left, columns=_nullable(left.columns, side in ("RIGHT", "FULL")))
        right = replace(right, columns=_nullable(right.columns, side in ("LEFT", "FULL")))
        word = f"{side} JOIN".strip()
        if on is not None:
            scope = Scope(left.columns + right.columns, parent)
            condition = self._expressions(scope, ctes).condition(on, "JOIN ON clause")
            return Relation(f"{left.sql} {word} {right.sql} ON {condition}", scope.columns)
        if using:
            return _joined_using(left, right, word, using)
        return Relation(f"{left.sql} CROSS JOIN {right.sql}", left.columns + right.columns)

    def _relation(
        self, node: exp.Expr, parent: Scope | None, ctes: Ctes, siblings: tuple[ScopeColumn, ...]
    ) -> Relation:
        """Translate one item of FROM; ``siblings`` are the columns to its left, for UNNEST and LATERAL."""
        sample = node.args.get("sample")
        if sample is None:
            return self._primary(node, parent, ctes, siblings)
        node = node.copy()
        node.set("sample", None)
        found = self._primary(node, parent, ctes, siblings)
        return replace(found, sql=f"{found.sql}{_sample(sample)}")

    def _primary(
        self, node: exp.Expr, parent: Scope | None, ctes: Ctes, siblings: tuple[ScopeColumn, ...]
    ) -> Relation:
        if isinstance(node, exp.Table):
            return self._table(node, parent, ctes)
        if isinstance(node, exp.Lateral):
            only(node, "this", "alias")
            query = self._query(node.this, Scope(siblings, parent), ctes)
            relation = self._aliased(query, node.args.get("alias"))
            return replace(relation, sql=f"LATERAL {relation.sql}") if siblings else relation
        if isinstance(node, exp.Unnest):
            return self._unnest(node, Scope(siblings, parent), ctes)
        if isinstance(node, exp.Subquery) and _is_relation(node.this):
            only(node, "this", "alias", "joins")
            inner = self._relation(node.this, parent, ctes, ())
            sql = f"({inner.sql})" if node.this.args.get("joins") else inner.sql
            found = Relation(sql, _renamed_relation(inner.columns, node.args.get("alias")))
            return self._joined(found, node.args.get("joins"), parent, ctes)
        if isinstance(node, exp.Values):
            return self._aliased(self._query(node, parent, ctes), node.args.get("alias"))
        if isinstance(node, exp.Subquery):
            only(node, "this", "alias", "joins")
            found = self._aliased(self._query(node.this, parent, ctes), node.args.get("alias"))
            return self._joined(found, node.args.get("joins"), parent, ctes)
        raise unsupported(f"{type(node).__name__.upper()} in FROM", node)

    def _aliased(self, query: Query, alias: exp.Expr | None) -> Relation:
        name = f"r{next(self._names)}"
        return Relation(f"({query.sql}) AS {name}", _output_columns(name, query.outputs, alias))

    def _table(self, node: exp.Table, parent: Scope | None, ctes: Ctes) -> Relation:
        only(node, "this", "db", "catalog", "alias", "joins", "version")
        if isinstance(node.this, exp.Values):
            found = self._aliased(self._query(node.this, parent, ctes), node.args.get("alias"))
            return self._joined(found, node.args.get("joins"), parent, ctes)
        if is_table_function(node.this):
            found = self._aliased(sequence(node.this, self._evaluate), node.args.get("alias"))
            return self._joined(found, node.args.get("joins"), parent, ctes)
        if not isinstance(node.this, exp.Identifier):
            raise unsupported(f"{node.sql(dialect='trino')} in FROM", node)
        name, alias = node.name.lower(), node.args.get("alias")
        relation = f"r{next(self._names)}"
        cte = ctes.get(name) if not node.db else None
        version = node.args.get("version")
        if cte is not None and version is None:
            columns = _output_columns(relation, cte.outputs, alias, default=name)
            found = Relation(f"{cte.name} AS {relation}", columns)
        elif (node.db.lower() or self._database) == information_schema.SCHEMA:
            found = self._information_schema(node, relation, alias)
        elif (metadata := self._metadata_table(node, relation, alias)) is not None:
            found = metadata
        else:
            table = self._glue_table(node)
            if version is not None and not table.is_iceberg:
                raise unsupported("FOR TIMESTAMP or VERSION AS OF, unless it is of an Iceberg table", node)
            found = (
                self._view(node, table, relation, alias)
                if is_view(table.glue)
                else self._scan(table, relation, alias, version)
            )
        return self._joined(found, node.args.get("joins"), parent, ctes)

    def _information_schema(self, node: exp.Table, relation: str, alias: exp.Expr | None) -> Relation:
        name = node.name.lower()
        _check_catalog(node)
        columns = information_schema.columns_of(name)
        if columns is None:
            raise _table_not_found(node, information_schema.SCHEMA)
        names = ", ".join(f"c{at}" for at in range(len(columns)))
        rows = [
            f"({', '.join(map(_literal, row))}, true)"
            for row in information_schema.rows_of(name, self._catalog)
        ]
        # VALUES needs a row, also if there are no tables.
        values = ", ".join([f"({'NULL, ' * len(columns)}false)", *rows])
        casts = ", ".join(
            f"CAST(c{at} AS {dt.duckdb_name(datatype)}) AS c{at}"
            for at, datatype in enumerate(columns.values())
        )
        text = f"(SELECT {casts} FROM (VALUES {values}) AS v({names}, is_row) WHERE is_row) AS {relation}"
        qualifier = (
            (alias.name.lower(),) if alias and alias.name else (_CATALOG, information_schema.SCHEMA, name)
        )
        found = tuple(
            ScopeColumn(column, datatype, f"{relation}.c{at}", qualifier)
            for at, (column, datatype) in enumerate(columns.items())
        )
        return Relation(text, _renamed_columns(found, alias))

    def _view(self, node: exp.Table, table: Table, relation: str, alias: exp.Expr | None) -> Relation:
        """Translate the query of a view, in which names without a database are in the view's database."""
        name, view = f"{_CATALOG}.{table.database}.{table.name}", read_view(table)
        if name in self._views:
            raise QueryFailed(f"VIEW_IS_RECURSIVE: {position(node)}View is recursive", SYNTAX_ERROR)
        context = self._database, self._views
        self._database, self._views = view.database, (*self._views, name)
        try:
            query = self._query(parse_query(view.query), None, {})
        except (QueryFailed, MalformedQuery) as error:
            reason = str(error).partition(": ")[2] if isinstance(error, QueryFailed) else str(error)
            raise QueryFailed(
                f"INVALID_VIEW: {position(node)}Failed analyzing stored view '{name}': {reason}", SYNTAX_ERROR
            ) from None
        finally:
            self._database, self._views = context
        qualifier = (alias.name.lower(),) if alias and alias.name else (_CATALOG, table.database, table.name)
        columns = _view_columns(view, query, relation, qualifier, f"{position(node)}View '{name}'")
        return Relation(f"({query.sql}) AS {relation}", _renamed_columns(columns, alias))

    def _scan(
        self, table: Table, relation: str, alias: exp.Expr | None, version: exp.Expr | None
    ) -> Relation:
        scan = self._new_scan(table, relation, version)
        self.scans.append(scan)
        qualifier = (alias.name.lower(),) if alias and alias.name else (_CATALOG, table.database, table.name)
        lengths = {column.name: dt.varchar_length(column.type) for column in table.columns}
        columns = tuple(
            ScopeColumn(
                name,
                type_,
                f"{relation}.{duckdb_identifier(name)}",
                qualifier,
                scan,
                length=lengths.get(name),
            )
            for name, type_ in scan.column_types.items()
        )
        columns = _renamed_columns(columns, alias)
        path = ScopeColumn(
            PATH_COLUMN,
            dt.VARCHAR,
            f"{relation}.{duckdb_identifier(PATH_COLUMN)}",
            qualifier,
            scan,
            hidden=True,
        )
        return Relation(f"{scan.name} AS {relation}", (*columns, path))

    def _new_scan(self, table: Table, relation: str, version: exp.Expr | None) -> Scan:
        name = f"scan{len(self.scans)}"
        if not table.is_iceberg:
            return Scan(name, relation, table)
        from localaws.athena.tables.iceberg_scans import IcebergScan  # slow to import

        iceberg = self._iceberg_table(table)
        snapshot = None if version is None else snapshot_of(version, iceberg, self._evaluate)
        return IcebergScan(name, relation, table, iceberg=iceberg, snapshot=snapshot)

    def _iceberg_table(self, table: Table) -> Any:
        """Return pyiceberg's table. All scans of a query read the same version."""
        key = table.database, table.name
        if key not in self._iceberg:
            self._iceberg[key] = self._catalog.iceberg.table(*key)
        return self._iceberg[key]

    def _metadata_table(self, node: exp.Table, relation: str, alias: exp.Expr | None) -> Relation | None:
        """Return a table like ``"t$snapshots"`` of an Iceberg table; None if the node is none."""
        name, dollar, kind = node.name.lower().rpartition("$")
        database = node.db.lower() or self._database
        table = self._catalog.table(database, name) if dollar and name else None
        if table is None or not table.is_iceberg or self._catalog.table(database, node.name) is not None:
            return None
        _check_catalog(node)
        if node.args.get("version") is not None:
            raise unsupported("FOR TIMESTAMP or VERSION AS OF of a metadata table", node)
        from localaws.athena.tables.iceberg_metadata import IcebergMetadataScan  # slow to import

        scan = IcebergMetadataScan(
            f"scan{len(self.scans)}", relation, table, iceberg=self._iceberg_table(table), kind=kind
        )
        self.scans.append(scan)
        qualifier = (alias.name.lower(),) if alias and alias.name else (_CATALOG, database, node.name.lower())
        columns = tuple(
            ScopeColumn(column, type_, f"{relation}.{duckdb_identifier(column)}", qualifier, scan)
            for column, type_ in scan.column_types.items()
        )
        return Relation(f"{scan.name} AS {relation}", _renamed_columns(columns, alias))

    def _glue_table(self, node: exp.Table) -> Table:
        database = node.db.lower() or self._database
        _check_catalog(node)
        named = database, node.name.lower()
        if named not in self._tables:  # a query reads the definition of a table only once
            self._tables[named] = self._catalog.table(*named)
        table = self._tables[named]
        if table is None and "$" in node.name:
            raise unsupported(f'the metadata table "{node.name}"', node)
        if table is None:
            if self._catalog.database(database) is None:
                raise QueryFailed(
                    f"SCHEMA_NOT_FOUND: {position(node)}Schema '{database}' does not exist", SCHEMA_ERROR
                )
            raise _table_not_found(node, database)
        if is_view(table.glue) or table.is_iceberg:
            return table
        check_readable(table)
        for key in table.partition_keys:
            if column_type(key.type) is None or pa.types.is_nested(column_type(key.type)):
                raise not_supported(f"table {database}.{table.name}: the partition key {key.name} {key.type}")
        return table

    def _unnest(self, node: exp.Expr, scope: Scope, ctes: Ctes) -> Relation:
        only(node, "expressions", "alias", "offset")
        expressions = self._expressions(scope, ctes)
        values = [expressions.compile(item) for item in node.expressions]
        offset = node.args.get("offset")
        text, outputs = unnested(values, node.expressions, bool(offset), _is_outer(node))
        if isinstance(offset, exp.Identifier):
            outputs[-1] = replace(outputs[-1], name=offset.name.lower())
        name = f"r{next(self._names)}"
        columns = _output_columns(name, tuple(outputs), node.args.get("alias"), partial=bool(offset))
        lateral = "LATERAL " if scope.columns else ""
        return Relation(f"{lateral}({text}) AS {name}", columns)


def _check_catalog(node: exp.Table) -> None:
    catalog = node.catalog.lower()
    if catalog not in ("", _CATALOG):
        raise QueryFailed(
            f"CATALOG_NOT_FOUND: {position(node)}Catalog '{catalog}' does not exist", SCHEMA_ERROR
        )


def _table_not_found(node: exp.Table, database: str) -> QueryFailed:
    return QueryFailed(
        f"TABLE_NOT_FOUND: {position(node)}Table '{_CATALOG}.{database}.{node.name.lower()}' does not exist",
        SCHEMA_ERROR,
    )


def _literal(value: str | int | None) -> str:
    if value is None:
        return "NULL"
    return str(value) if isinstance(value, int) else duckdb_string(value)


def _is_outer(node: exp.Expr) -> bool:
    return isinstance(node.parent, exp.Join) and str(node.parent.args.get("side") or "").upper() == "LEFT"


def _check_unnest_join(join: exp.Expr, side: str) -> None:
    on = join.args.get("on")
    if join.args.get("using") or not (on is None or (isinstance(on, exp.Boolean) and on.this)):
        raise QueryFailed(
            f"NOT_SUPPORTED: {position(join)}{side} JOIN involving UNNEST is only supported with condition ON TRUE",
            SYNTAX_ERROR,
        )


def _is_relation(node: exp.Expr) -> bool:
    """Return whether the content of parentheses in FROM is a relation, and not a query."""
    return isinstance(node, exp.Table) or (
        isinstance(node, exp.Subquery)
        and bool(node.alias or node.args.get("joins") or _is_relation(node.this))
    )


def _view_columns(
    view: View, query: Query, relation: str, qualifier: tuple[str, ...], place: str
) -> tuple[ScopeColumn, ...]:
    """Return the columns of a view as it was created. Raises QueryFailed if its query has other columns now."""
    stale = f"VIEW_IS_STALE: {place} is stale or in invalid state: "
    if len(view.columns) != len(query.outputs):
        raise QueryFailed(
            f"{stale}stored view column count ({len(view.columns)}) does not match column count derived from the "
            f"view query analysis ({len(query.outputs)})",
            SYNTAX_ERROR,
        )
    columns = []
    for at, ((name, declared), output) in enumerate(zip(view.columns, query.outputs, strict=True)):
        try:
            datatype = dt.trino_type(declared)
        except ValueError as error:
            raise not_supported(f"the column {name} of the view ({error})") from None
        if not dt.can_coerce(output.type, datatype):
            raise QueryFailed(
                f"{stale}column [{output.name}] of type {dt.trino_name(output.type)} projected from query view at "
                f"position {at} cannot be coerced to column [{name}] of type {declared} stored in view definition",
                SYNTAX_ERROR,
            )
        value = TypedSql(f"{relation}.c{at}", output.type, output.length)
        length = dt.varchar_length(declared)
        columns.append(ScopeColumn(name, datatype, coerced(value, datatype), qualifier, length=length))
    return tuple(columns)


def _is_comma(join: exp.Expr) -> bool:
    """Return whether the join is the comma of ``FROM a, b``: in sqlglot's tree it has no kind, side or method."""
    return not any(join.args.get(name) for name in ("side", "kind", "method", "on", "using"))


def _listed(before: Relation | None, relation: Relation) -> Relation:
    if before is None:
        return relation
    return Relation(f"{before.sql}, {relation.sql}", before.columns + relation.columns)


def _joined_using(left: Relation, right: Relation, word: str, using: Sequence[exp.Expr]) -> Relation:
    """Join with USING: the joined columns are first, appear once, and belong to neither side."""
    shared, conditions, names = [], [], [name.name.lower() for name in using]
    for at, (name, node) in enumerate(zip(names, using, strict=True)):
        if name in names[:at]:
            raise QueryFailed(
                f"DUPLICATE_COLUMN_NAME: {position(node)}Column '{name}' appears multiple times in USING clause",
                SYNTAX_ERROR,
            )
        first, second = (Scope(side.columns).resolve(node, (name,)) for side in (left, right))
        common = dt.common_type(first.type, second.type)
        if common is None:
            raise type_mismatch(node, f"Cannot join {name}: the types differ")
        texts = coerced(first, common), coerced(second, common)
        conditions.append(compared("=", *texts, common))
        shared.append(ScopeColumn(name, common, f"coalesce({texts[0]}, {texts[1]})"))
    rest = tuple(column for column in left.columns + right.columns if column.name not in names)
    return Relation(f"{left.sql} {word} {right.sql} ON {' AND '.join(conditions)}", (*shared, *rest))


def _renamed_columns(columns: tuple[ScopeColumn, ...], alias: exp.Expr | None) -> tuple[ScopeColumn, ...]:
    names = list(alias.args.get("columns") or []) if alias is not None else []
    if not names:
        return columns
    check_alias_count(alias, len(columns))
    return tuple(
        replace(column, name=name.name.lower(), scan_name=column.in_scan)
        for column, name in zip(columns, names, strict=True)
    )


def _renamed_relation(columns: tuple[ScopeColumn, ...], alias: exp.Expr | None) -> tuple[ScopeColumn, ...]:
    """Return the columns of ``(a JOIN b ...) AS alias(...)``."""
    if alias is None:
        return columns
    visible = tuple(replace(c, relation=(alias.name.lower(),)) for c in columns if not c.hidden)
    return _renamed_columns(visible, alias)


def _sample(node: exp.Expr) -> str:
    """Return TABLESAMPLE. DuckDB's SYSTEM takes or skips 2,048 rows at once, Trino's a part of a file."""
    only(node, "method", "percent")
    percent, method = node.args.get("percent"), node.args["method"].name.upper()
    if not isinstance(percent, exp.Literal) or percent.is_string or not 0 <= float(percent.name) <= 100:
        raise QueryFailed(
            f"TYPE_MISMATCH: {position(node)}Sample percentage must be a number between 0 and 100",
            SYNTAX_ERROR,
        )
    return f" TABLESAMPLE {method} ({percent.name}%)"


def _output_columns(
    relation: str,
    outputs: tuple[OutputColumn, ...],
    alias: exp.Expr | None,
    default: str | None = None,
    partial: bool = False,
) -> tuple[ScopeColumn, ...]:
    """Return the columns of a subquery as visible outside. A column without a name is only visible by ``*``."""
    qualifier = alias.name.lower() if alias is not None and alias.name else default
    return tuple(
        ScopeColumn(
            (output.name or f"_col{at}").lower(),
            output.type,
            f"{relation}.c{at}",
            (qualifier,) if qualifier else (),
            length=output.length,
        )
        for at, output in enumerate(renamed(outputs, alias, partial))
    )


def _nullable(columns: tuple[ScopeColumn, ...], nullable: bool) -> tuple[ScopeColumn, ...]:
    return tuple(replace(column, nullable=True) for column in columns) if nullable else columns
