"""Translates Trino queries into DuckDB SQL: relations, grouping, ordering and set operations.

In DuckDB's SQL, the columns of every query are named c0, c1, ..., and the relations r0, r1, ... The user's names only
exist here, where they are resolved by Trino's rules.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from itertools import count
from typing import Any

import pyarrow as pa
from sqlglot import exp

from localaws.athena import datatypes as dt
from localaws.athena.errors import SYNTAX_ERROR, QueryFailed, not_supported
from localaws.athena.sql.parsing.nodes import only, position, type_mismatch, unsupported
from localaws.athena.sql.translation.expressions import Expressions
from localaws.athena.sql.translation.from_clause import Relations
from localaws.athena.sql.translation.grouping_sets import distinct_sets, grouping_sets
from localaws.athena.sql.translation.limits import has_ties, limited
from localaws.athena.sql.translation.output_columns import (
    Cte,
    Ctes,
    OutputColumn,
    Query,
    named_output,
    ordinal,
    renamed,
)
from localaws.athena.sql.translation.recursion import (
    check_step_types,
    recursive_union,
    refers_to_itself,
    unrolled,
)
from localaws.athena.sql.translation.scope import Scope, ScopeColumn
from localaws.athena.sql.translation.set_operations import as_types, branches, common_outputs
from localaws.athena.sql.translation.windows import named_windows
from localaws.athena.sql.types import nested
from localaws.athena.sql.types.casts import coerced
from localaws.athena.sql.types.comparisons import check_groups, sort_key
from localaws.athena.sql.types.typed_sql import TypedSql
from localaws.athena.tables.catalog import Catalog
from localaws.athena.tables.data_files import Scan

_OUTPUT = re.compile(r"c\d+")  # the name of an output column in DuckDB's SQL
_NOT_DETERMINISTIC = ("random()", "gen_random_uuid()")  # in DuckDB's SQL
_SET_OPERATIONS: dict[type[exp.Expr], str] = {
    exp.Union: "UNION",
    exp.Intersect: "INTERSECT",
    exp.Except: "EXCEPT",
}


@dataclass(frozen=True)
class QueryPlan:
    """A translated statement: the table scans, and the SQL that uses them."""

    query: Query
    scans: tuple[Scan, ...]


@dataclass(frozen=True)
class _Item:
    """One column of a SELECT list, and its node (None for a column of ``*``)."""

    value: TypedSql
    name: str | None
    node: exp.Expr | None


def plan_query(
    tree: exp.Expr, catalog: Catalog, database: str, now: datetime, execute: Callable[[str], Any]
) -> QueryPlan:
    """Translate a statement. Tables without a database are in ``database``. Raises QueryFailed.

    ``execute`` runs a translated query without tables, and returns its only value.
    """
    compiler = _Compiler(catalog, database, now, execute)
    query = compiler.query(tree, None, {})
    return QueryPlan(query, tuple(compiler.relations.scans))


class _Compiler:
    def __init__(self, catalog: Catalog, database: str, now: datetime, execute: Callable[[str], Any]) -> None:
        self._now, self._names, self._execute = now, count(), execute
        self.relations = Relations(catalog, database, self.query, self._expressions, self._evaluated)

    def _evaluated(self, node: exp.Expr) -> tuple[Any, pa.DataType]:
        """Return the value and the type of a query without tables."""
        query = self.query(node, None, {})
        return self._execute(query.sql), query.outputs[0].type

    # ---------------------------------------------------------------- queries
    def query(self, node: exp.Expr, parent: Scope | None, ctes: Ctes) -> Query:
        ctes, prefix = self._with(node, parent, ctes)
        if isinstance(node, exp.Select):
            body = self._select(node, parent, ctes)
        elif type(node) in _SET_OPERATIONS:
            body = self._set_operation(node, parent, ctes)
        elif isinstance(node, exp.Values):
            body = self._values(node, parent, ctes)
            if any(node.args.get(part) for part in ("order", "limit", "offset")):
                body = Query(self._tail(body.sql, node, body.outputs, ctes), body.outputs)
        elif isinstance(node, exp.Subquery):
            only(node, "this", "with_", "order", "limit", "offset", "alias")
            body = self.query(node.this, parent, ctes)
            body = Query(self._tail(body.sql, node, body.outputs, ctes), body.outputs)
        else:
            raise not_supported(f"{type(node).__name__.upper()} as a query")
        return Query(prefix + body.sql, body.outputs)

    def _with(self, node: exp.Expr, parent: Scope | None, ctes: Ctes) -> tuple[Ctes, str]:
        clause = node.args.get("with_")
        if clause is None:
            return ctes, ""
        known, texts = dict(ctes), []
        for at, cte in enumerate(clause.expressions):
            only(cte, "this", "alias")
            if cte.alias.lower() in {other.alias.lower() for other in clause.expressions[:at]}:
                raise QueryFailed(
                    f"DUPLICATE_NAMED_QUERY: {position(cte.args['alias'])}"
                    f"WITH query name '{cte.alias.lower()}' specified more than once",
                    SYNTAX_ERROR,
                )
            if clause.args.get("recursive") and refers_to_itself(cte):
                name = f"q{next(self._names)}"
                known[cte.alias.lower()], text = self._recursive(name, cte, parent, known)
                texts.append(text)
                continue
            query = self.query(cte.this, parent, known)
            outputs = renamed(query.outputs, cte.args["alias"])
            name = f"q{next(self._names)}"
            known[cte.alias.lower()] = Cte(name, outputs)
            texts.append(f"{name} AS ({query.sql})")
        return known, f"WITH {', '.join(texts)} "

    def _recursive(self, name: str, cte: exp.Expr, parent: Scope | None, ctes: Ctes) -> tuple[Cte, str]:
        """Translate a recursive query as Trino does, into a fixed number of steps: ``name_0``, ``name_1``, ...

        In each step, ``name`` is the result of the step before.
        """
        union = recursive_union(cte)
        base = self.query(union.this, parent, ctes)
        outputs = renamed(base.outputs, cte.args["alias"])
        found = Cte(name, outputs)
        step = self.query(union.expression, parent, {**ctes, cte.alias.lower(): found})
        check_step_types(union, base.outputs, step.outputs)
        return found, unrolled(name, base, as_types(step, outputs), bool(union.args.get("distinct")))

    def _values(self, node: exp.Expr, parent: Scope | None, ctes: Ctes) -> Query:
        only(node, "expressions", "alias", "with_", "order", "limit", "offset")
        expressions = self._expressions(Scope(parent=parent), ctes)
        rows = [_values_row(row, expressions) for row in node.expressions]
        if len({len(row) for row in rows}) != 1:
            raise type_mismatch(node, "Values rows have mismatched types")
        outputs = []
        for column in zip(*rows, strict=True):
            common = dt.NULL
            for value in column:
                found = dt.common_type(common, value.type)
                if found is None:
                    raise type_mismatch(node, "Values rows have mismatched types")
                common = found
            outputs.append(OutputColumn(None, common))
        texts = [
            "("
            + ", ".join(coerced(value, output.type) for value, output in zip(row, outputs, strict=True))
            + ")"
            for row in rows
        ]
        names = ", ".join(f"c{at}" for at in range(len(outputs)))
        return Query(f"SELECT * FROM (VALUES {', '.join(texts)}) AS v({names})", tuple(outputs))

    def _set_operation(self, node: exp.Expr, parent: Scope | None, ctes: Ctes) -> Query:
        only(node, "this", "expression", "distinct", "order", "limit", "offset", "with_")
        word = _SET_OPERATIONS[type(node)]
        queries = [self.query(branch, parent, ctes) for branch in branches(node)]
        outputs = list(queries[0].outputs)
        for query in queries[1:]:
            outputs = common_outputs(outputs, query.outputs, word, node)
        if node.args.get("distinct"):
            for output in outputs:
                check_groups(output.type)
        operator = word if node.args.get("distinct") else f"{word} ALL"
        body = f" {operator} ".join(as_types(query, outputs) for query in queries)
        return Query(self._tail(body, node, outputs, ctes), tuple(outputs))

    def _tail(self, body: str, node: exp.Expr, outputs: Sequence[OutputColumn], ctes: Ctes) -> str:
        """Add ORDER BY, OFFSET and LIMIT to a query of which only the output columns are visible."""
        columns = tuple(
            ScopeColumn((output.name or f"_col{at}").lower(), output.type, f"c{at}", length=output.length)
            for at, output in enumerate(outputs)
        )
        expressions = self._expressions(Scope(columns), ctes)

        def term(key: exp.Expr) -> str:
            at = ordinal(key, len(outputs))
            return sort_key(
                expressions.compile(key) if at is None else TypedSql(f"c{at}", outputs[at].type), key
            )

        order = node.args.get("order")
        terms = expressions.ordered(order.expressions, term) if order else []
        return limited(f"SELECT * FROM ({body})", node, terms, len(outputs))

    # ---------------------------------------------------------------- SELECT
    def _select(self, node: exp.Expr, parent: Scope | None, ctes: Ctes) -> Query:
        only(
            node,
            *("expressions", "from_", "joins", "where", "group", "having", "order"),
            *("limit", "offset", "distinct", "with_", "windows", "sample"),
        )
        relation = self.relations.compile(node, parent, ctes)
        scope = Scope(relation.columns if relation else (), parent)
        expressions = self._expressions(scope, ctes)
        expressions.windows = named_windows(node.args.get("windows") or [])
        source = f" FROM {relation.sql}" if relation else ""
        where = self._where(node, scope, expressions)
        if node.args.get("group"):
            expressions.grouped = self._grouped(node, expressions)
        items = self._items(node, scope, expressions)
        outputs = tuple(OutputColumn(item.name, item.value.type, item.value.length) for item in items)
        group = self._group(node, items, expressions)
        having = node.args.get("having")
        having_text = f" HAVING {expressions.condition(having.this, 'HAVING clause')}" if having else ""
        distinct = ""
        if node.args.get("distinct"):
            only(node.args["distinct"])
            for output in outputs:
                check_groups(output.type)
            distinct = "DISTINCT "
        order = self._order(node, items, expressions)
        selected = ", ".join(f"{item.value.sql} AS c{at}" for at, item in enumerate(items))
        rest = f"{source}{where}{group}{having_text}"
        if has_ties(node) and not distinct:
            keys = "".join(
                f", {items[int(key[1:])].value.sql if _OUTPUT.fullmatch(key) else key} AS k{at}"
                for at, (key, _) in enumerate(order)
            )
            order = [(f"k{at}", direction) for at, (_, direction) in enumerate(order)]
            return Query(
                limited(f"SELECT * FROM (SELECT {selected}{keys}{rest})", node, order, len(items)), outputs
            )
        text = f"SELECT {distinct}{selected}{rest}"
        return Query(limited(text, node, order, len(items)), outputs)

    def _where(self, node: exp.Expr, scope: Scope, expressions: Expressions) -> str:
        """Return WHERE. A condition that only uses columns of one table is also added to the table's scan."""
        where = node.args.get("where")
        if where is None:
            return ""
        texts = []
        for condition in _conjuncts(where.this):
            scope.touched.clear()
            text = expressions.condition(condition, "WHERE clause")
            texts.append(text)
            scan = _filtered_scan(condition, scope)
            if scan is None or any(call in text for call in _NOT_DETERMINISTIC):
                continue
            keys = {key.name for key in scan.table.partition_keys}
            on_keys = all(column.in_scan in keys for column in scope.touched)
            (scan.predicates if on_keys else scan.filters).append(text)
            self._skip_files(scan, condition, scope, expressions)
        return f" WHERE {' AND '.join(texts)}"

    def _skip_files(self, scan: Scan, condition: exp.Expr, scope: Scope, expressions: Expressions) -> None:
        """Add the condition to the filter by which an Iceberg scan skips files."""
        if not scan.table.is_iceberg:
            return
        from pyiceberg.expressions import And  # slow to import

        from localaws.athena.sql.translation.iceberg_filters import FilterTranslator
        from localaws.athena.tables.iceberg_scans import IcebergScan

        if not isinstance(scan, IcebergScan):
            return  # a metadata table
        names = {column.sql: column.in_scan for column in scope.touched}
        translator = FilterTranslator(
            scan, lambda node: names.get(expressions.compile(node).sql), self._evaluated
        )
        scan.row_filter = And(scan.row_filter, translator.filter(condition))

    def _items(self, node: exp.Expr, scope: Scope, expressions: Expressions) -> list[_Item]:
        items: list[_Item] = []
        for item in node.expressions:
            starred = item.this if isinstance(item, exp.Aliases) else item
            if isinstance(starred, exp.Star) or (
                isinstance(starred, exp.Column) and isinstance(starred.this, exp.Star)
            ):
                items += self._star(item, scope)
                continue
            if isinstance(starred, exp.Dot) and isinstance(starred.expression, exp.Star):
                names = _aliases(item) if starred is not item else []
                items += _row_items(expressions.compile(starred.this), names, item)
                continue
            inner = item.this if isinstance(item, exp.Alias) else item
            if isinstance(item, exp.Alias):
                only(item, "this", "alias")
                name: str | None = item.alias
            else:
                named = inner.unnest()  # Trino ignores parentheses around a column
                name = named.name if isinstance(named, exp.Column) else None
            items.append(_Item(expressions.compile(inner), name, inner))
        return items

    def _star(self, node: exp.Expr, scope: Scope) -> list[_Item]:
        names: list[str] = []
        if isinstance(node, exp.Aliases):
            names = _aliases(node)
            node = node.this
        qualifier: tuple[str, ...] = ()
        if isinstance(node, exp.Star):
            only(node)
        else:
            only(node.this)
            qualifier = tuple(
                part.name.lower() for part in (node.args.get(n) for n in ("catalog", "db", "table")) if part
            )
        found = _visible(scope, qualifier)
        if not found and qualifier and scope.finds(qualifier):
            return _row_items(scope.resolve(node, qualifier), names, node)
        outer = scope.parent
        while not found and qualifier and outer is not None:
            found, outer = _visible(outer, qualifier), outer.parent
            if found and scope.columns:
                # Trino only supports it in few queries, which depends on its optimizer.
                raise unsupported(f"{'.'.join(qualifier)}.* of an outer query", node)
        if not found:
            where = (
                f"'{'.'.join(qualifier)}' not found"
                if qualifier
                else "SELECT * not allowed in queries without FROM"
            )
            raise QueryFailed(f"SYNTAX_ERROR: {position(node)}{where}", SYNTAX_ERROR)
        _check_aliases(names, len(found), node)
        return [
            _Item(column.read(), name, None)
            for column, name in zip(found, names or [column.name for column in found], strict=True)
        ]

    def _grouped(self, node: exp.Expr, expressions: Expressions) -> set[str]:
        """Return the SQL of all expressions in GROUP BY, which are the possible arguments of GROUPING."""
        found = set()
        for term in _grouping_elements(node.args["group"]):
            for key in _keys(term):
                at = ordinal(key, len(node.expressions))
                named = key if at is None else node.expressions[at]
                if isinstance(named, exp.Column) and not isinstance(named.this, exp.Star):
                    found.add(expressions.compile(named).sql)
        return found

    def _group(self, node: exp.Expr, items: list[_Item], expressions: Expressions) -> str:
        group = node.args.get("group")
        if group is None:
            return ""
        only(group, "expressions", "rollup", "cube", "grouping_sets", "all")

        def key(term: exp.Expr) -> str:
            at = ordinal(term, len(items))
            if at is not None:
                value = items[at].value
                check_groups(value.type)
                # A constant in GROUP BY would be an ordinal.
                return str(at + 1) if isinstance(items[at].node, exp.Literal) else value.sql
            value = expressions.compile(term)
            check_groups(value.type)
            return value.sql

        def element(term: exp.Expr) -> str:
            if isinstance(term, exp.Rollup | exp.Cube):
                return (
                    f"{type(term).__name__.upper()} ({', '.join(element(part) for part in term.expressions)})"
                )
            if isinstance(term, exp.GroupingSets):
                return f"GROUPING SETS ({', '.join(element(part) for part in term.expressions)})"
            if isinstance(term, exp.Tuple):
                return f"({', '.join(key(part) for part in term.expressions)})"
            return key(term)

        elements = _grouping_elements(group)
        if group.args.get("all") is False:
            sets = distinct_sets([grouping_sets(term, key) for term in elements])
            return f" GROUP BY GROUPING SETS ({', '.join(sets)})"
        return f" GROUP BY {', '.join(element(term) for term in elements)}"

    def _order(self, node: exp.Expr, items: list[_Item], expressions: Expressions) -> list[tuple[str, str]]:
        """Return the keys of ORDER BY. Names refer to output columns first, then to columns of the relation."""
        order = node.args.get("order")
        if order is None:
            return []
        outputs = [OutputColumn(item.name, item.value.type, item.value.length) for item in items]
        selected = {item.value.sql: at for at, item in enumerate(items)}

        def term(key: exp.Expr) -> str:
            at = ordinal(key, len(items))
            if at is None:
                at = named_output(key, outputs)
            if at is None:
                value = expressions.compile(_with_outputs(key, items))
                at = selected.get(value.sql)
                if node.args.get("distinct") and (at is None or _uses_output(key, items)):
                    raise QueryFailed(
                        f"EXPRESSION_NOT_IN_DISTINCT: {position(key)}For SELECT DISTINCT, "
                        "ORDER BY expressions must appear in select list",
                        SYNTAX_ERROR,
                    )
                if at is None:
                    return sort_key(value, key)
            return sort_key(TypedSql(f"c{at}", outputs[at].type), key)

        return expressions.ordered(order.expressions, term)

    def _expressions(self, scope: Scope, ctes: Ctes) -> Expressions:
        return Expressions(scope, partial(self.query, ctes=ctes), self._now)


def _row_items(value: TypedSql, names: Sequence[str], node: exp.Expr) -> list[_Item]:
    """Return the fields of a row as columns of the SELECT list, for ``value.*``."""
    if not dt.is_row(value.type):
        raise type_mismatch(node, f"Expression type: {dt.trino_name(value.type)} is not a row")
    _check_aliases(names, len(dt.parts(value.type)), node)
    return [
        _Item(TypedSql(nested.field(value.sql, value.type, at), field.type), name or None, None)
        for at, (field, name) in enumerate(
            zip(value.type, names or [field.name for field in value.type], strict=True)
        )
    ]


def _aliases(node: exp.Expr) -> list[str]:
    """Return the names in ``t.* AS (x, y)``. Trino converts those without quotes to upper case."""
    return [name.name if name.args.get("quoted") else name.name.upper() for name in node.expressions]


def _check_aliases(names: Sequence[str], columns: int, node: exp.Expr) -> None:
    if names and len(names) != columns:
        raise QueryFailed(
            f"MISMATCHED_COLUMN_ALIASES: {position(node)}Column alias list has {len(names)} entries but "
            f"relation has {columns} columns",
            SYNTAX_ERROR,
        )


def _values_row(node: exp.Expr, expressions: Expressions) -> list[TypedSql]:
    """Return the columns of one row of VALUES. A single value that is a row has one column for each field."""
    items = node.expressions if isinstance(node, exp.Tuple) else [node]
    if len(items) == 1 and isinstance(items[0], exp.Anonymous) and items[0].name.lower() == "row":
        items = items[0].expressions
        return [expressions.compile(item) for item in items]
    values = [expressions.compile(item) for item in items]
    if len(values) > 1 or not dt.is_row(values[0].type):
        return values
    value = values[0]
    return [
        TypedSql(nested.field(value.sql, value.type, at), part)
        for at, part in enumerate(dt.parts(value.type))
    ]


def _grouping_elements(group: exp.Expr) -> list[exp.Expr]:
    sets = [item for name in ("rollup", "cube", "grouping_sets") for item in group.args.get(name) or []]
    return [*group.expressions, *sets]


def _keys(term: exp.Expr) -> list[exp.Expr]:
    if isinstance(term, exp.Rollup | exp.Cube | exp.GroupingSets | exp.Tuple):
        return [key for part in term.expressions for key in _keys(part)]
    return [term.this] if isinstance(term, exp.Paren) else [term]


def _visible(scope: Scope, qualifier: tuple[str, ...]) -> list[ScopeColumn]:
    """Return the columns of ``*`` or ``t.*`` in this scope."""
    return [
        column
        for column in scope.columns
        if not column.hidden and (not qualifier or column.relation[-len(qualifier) :] == qualifier)
    ]


def _conjuncts(node: exp.Expr) -> list[exp.Expr]:
    if isinstance(node, exp.And):
        return [*_conjuncts(node.this), *_conjuncts(node.expression)]
    return [node]


def _filtered_scan(condition: exp.Expr, scope: Scope) -> Scan | None:
    """Return the scan in this SELECT of which ``condition`` only uses columns; None if there is none.

    A subquery's condition must not filter a table of an outer query. A condition must not filter the nullable side of
    an outer join, because rows without a match would appear with NULLs.
    """
    if condition.find(exp.Query) is not None or not scope.touched:
        return None
    scan = scope.touched[0].scan
    if scan is None:
        return None
    fits = all(
        column.scan is scan and not column.nullable and column in scope.columns for column in scope.touched
    )
    return scan if fits else None


def _uses_output(node: exp.Expr, items: Sequence[_Item]) -> bool:
    """Return whether an unqualified name in ``node`` is an output column; Trino then does not match the select list."""
    plain = {item.name.lower() for item in items if item.name and isinstance(item.node, exp.Column)}
    return any(not column.table and column.name.lower() in plain for column in node.find_all(exp.Column))


def _with_outputs(node: exp.Expr, items: Sequence[_Item]) -> exp.Expr:
    """Return ``node`` with the names of output columns replaced by their expressions."""
    meant = {item.name.lower(): item.node for item in items if item.name and item.node is not None}

    def substituted(part: exp.Expr) -> exp.Expr:
        if isinstance(part, exp.Column) and not part.table and part.name.lower() in meant:
            return meant[part.name.lower()].copy()
        return part

    return node.transform(substituted)
