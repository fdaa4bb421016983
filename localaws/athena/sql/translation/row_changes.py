"""DELETE, UPDATE and MERGE INTO as a query: the rows of the table after the change, and what happened to each.

The columns of the query are the path of the data file (NULL for a new row), what happens to the row, the number of the
row, the number of the clause that changes it (-1 if there is none), and the columns of the table.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pyarrow as pa
from sqlglot import exp

from localaws.athena import datatypes as dt
from localaws.athena.errors import SYNTAX_ERROR, QueryFailed, not_supported
from localaws.athena.sql.parsing.parser import parse_query
from localaws.athena.sql.parsing.row_changes import RowChanges
from localaws.athena.sql.translation.output_columns import OutputColumn

KEPT, DELETED, UPDATED, INSERTED = range(4)
NO_CLAUSE = -1
FIRST_COLUMN = 4  # the number of columns before those of the table
_PATH, _NUMBER, _MATCHED, _SOURCE = "$file", "$number", "$matched", "$source"
_REPEATABLE = "a MERGE INTO whose source has {}: its rows may differ when they are read again"
_VOLATILE = {"random", "rand", "uuid", "shuffle"}

Types = Callable[[exp.Expr], Sequence[OutputColumn]]
"""Returns the output columns of a query."""


def changed_rows(statement: RowChanges, columns: dict[str, pa.DataType], types: Types) -> exp.Expr:
    """Return the query. ``columns`` are those of the table. Raises QueryFailed."""
    target = f'SELECT *, "$path" AS "{_PATH}", row_number() OVER () AS "{_NUMBER}" FROM {_table(statement)}'
    rows = _subquery(parse_query(target), statement.alias)
    _check_conditions(statement)
    if statement.source is None:
        _check_types(statement, columns, types, exp.select().from_(rows))
        return exp.select(*_changed(statement, columns, None)).from_(rows)
    _check_source(statement.source)
    source, alias = _source(statement.source)
    matched = exp.column(_MATCHED, table=alias, quoted=True)
    joined = (
        exp.select().from_(rows).join(_subquery(source, alias), on=_condition(statement.on), join_type="left")
    )
    _check_types(statement, columns, types, joined)
    found = joined.copy().select(*_changed(statement, columns, matched))
    if not statement.inserts:
        return found
    known = parse_query(f'SELECT *, true AS "{_MATCHED}" FROM {_table(statement)}')
    absent = exp.column(_MATCHED, table=statement.alias, quoted=True).is_(exp.null())
    conditions = [_and(absent, condition) for condition, _, _ in statement.inserts]
    path, number = parse_query("SELECT CAST(NULL AS varchar), CAST(NULL AS bigint)").expressions
    new = [path, exp.Literal.number(INSERTED), number, exp.Literal.number(NO_CLAUSE)]
    for name in columns:
        given = [_inserted(statement, columns, at).get(name, exp.null()) for at in range(len(conditions))]
        new.append(_case(list(zip(conditions, given, strict=True)), exp.null()))
    inserted = (
        exp.select(*new)
        .from_(_subquery(source, alias))
        .join(_subquery(known, statement.alias), on=_condition(statement.on), join_type="left")
        .where(exp.or_(*(exp.paren(condition.copy()) for condition in conditions)))
    )
    return exp.union(found, inserted, distinct=False)


def files_with_rows(statement: RowChanges) -> exp.Expr:
    """Return the query of the files that have rows for which the condition of an OPTIMIZE is true."""
    query = parse_query(f'SELECT DISTINCT "$path" FROM {_table(statement)}')
    query.set("where", exp.Where(this=_condition(statement.changes[0].condition)))
    return query


def _changed(
    statement: RowChanges, columns: dict[str, pa.DataType], matched: exp.Expr | None
) -> list[exp.Expr]:
    alias = statement.alias
    present = None if matched is None else exp.Not(this=matched.is_(exp.null()))
    conditions = [_and(present, change.condition) for change in statement.changes]
    kinds = [exp.Literal.number(DELETED if c.values is None else UPDATED) for c in statement.changes]
    clauses = [exp.Literal.number(at) for at in range(len(conditions))]
    made: list[exp.Expr] = [
        exp.column(_PATH, table=alias, quoted=True),
        _case(list(zip(conditions, kinds, strict=True)), exp.Literal.number(KEPT)),
        exp.column(_NUMBER, table=alias, quoted=True),
        _case(list(zip(conditions, clauses, strict=True)), exp.Literal.number(NO_CLAUSE)),
    ]
    for name in columns:
        old = exp.column(name, table=alias, quoted=True)
        values = [(change.values or {}).get(name, old) for change in statement.changes]
        made.append(_case(list(zip(conditions, values, strict=True)), old))
    return made


def _case(cases: list[tuple[exp.Expr, exp.Expr]], default: exp.Expr) -> exp.Expr:
    ifs = [exp.If(this=condition.copy(), true=value.copy()) for condition, value in cases]
    return exp.Case(ifs=ifs, default=default.copy()) if ifs else default.copy()


def _and(first: exp.Expr | None, second: exp.Expr | None) -> exp.Expr:
    given = [exp.paren(part.copy()) for part in (first, second) if part is not None]
    return exp.and_(*given) if given else exp.true()


def _condition(on: exp.Expr | None) -> exp.Expr:
    assert on is not None
    return on.copy()


def _table(statement: RowChanges) -> str:
    name = statement.name
    parts = [part for part in (name.catalog, name.database, name.name) if part]
    return ".".join('"' + part.replace('"', '""') + '"' for part in parts)


def _subquery(query: exp.Expr, alias: str) -> exp.Subquery:
    name = exp.TableAlias(this=exp.to_identifier(alias, quoted=True))
    return exp.Subquery(this=query.copy(), alias=name)


def _source(source: exp.Expr) -> tuple[exp.Expr, str]:
    """Return the query of the source with the column ``_MATCHED``, and its alias."""
    alias = source.alias_or_name.lower() or _SOURCE
    query = parse_query(f'SELECT *, true AS "{_MATCHED}" FROM "{_SOURCE}"')
    query.set("from_", exp.From(this=source.copy()))
    return query, alias


def _check_source(source: exp.Expr) -> None:
    """The source is read twice, so its rows must be the same each time."""
    for node in source.walk():
        if isinstance(node, exp.Limit | exp.Fetch | exp.TableSample):
            raise not_supported(_REPEATABLE.format("LIMIT or TABLESAMPLE"))
        if isinstance(node, exp.Func) and node.name.lower() in _VOLATILE:
            raise not_supported(_REPEATABLE.format(node.name))


def _check_conditions(statement: RowChanges) -> None:
    """The conditions are evaluated several times for a row, so their results must be the same each time."""
    conditions = [statement.on, *(change.condition for change in statement.changes)]
    conditions += [condition for condition, _, _ in statement.inserts]
    for node in (node for condition in conditions if condition is not None for node in condition.walk()):
        if isinstance(node, exp.Func) and node.name.lower() in _VOLATILE:
            raise not_supported(f"{node.name} in a condition of {statement.kind}")


def _inserted(statement: RowChanges, columns: dict[str, pa.DataType], at: int) -> dict[str, exp.Expr]:
    """Return the values of an INSERT of a MERGE INTO by column."""
    _, names, values = statement.inserts[at]
    names = names or tuple(columns)
    for name in names:
        if name not in columns:
            raise _unknown(statement, name)
    if len(names) != len(values) or len(set(names)) != len(names):
        raise QueryFailed(
            f"TYPE_MISMATCH: {statement.name.position}MERGE case has {len(names)} columns and {len(values)} values",
            SYNTAX_ERROR,
        )
    return dict(zip(names, values, strict=True))


def _unknown(statement: RowChanges, name: str) -> QueryFailed:
    return QueryFailed(
        f"COLUMN_NOT_FOUND: {statement.name.position}Column '{name}' does not exist in the table "
        f"{statement.name.name}",
        SYNTAX_ERROR,
    )


def _check_types(
    statement: RowChanges, columns: dict[str, pa.DataType], types: Types, relation: exp.Select
) -> None:
    """Raise QueryFailed unless each new value can be coerced to the type of its column.

    Source: StatementAnalyzer.visitUpdate and visitMerge of Trino
    """
    sets = [change.values for change in statement.changes if change.values is not None]
    sets += [_inserted(statement, columns, at) for at in range(len(statement.inserts))]
    for values in sets:
        for name in values:
            if name not in columns:
                raise _unknown(statement, name)
        found = types(relation.copy().select(*(value.copy() for value in values.values())))
        wanted = [columns[name] for name in values]
        if not all(dt.can_coerce(o.type, type_) for o, type_ in zip(found, wanted, strict=True)):
            table, given = (", ".join(map(dt.trino_name, each)) for each in (wanted, [o.type for o in found]))
            what = "MERGE" if statement.kind == "MERGE" else "UPDATE"
            raise QueryFailed(
                f"TYPE_MISMATCH: {statement.name.position}{what} table column types don't match SET expressions: "
                f"Table: [{table}], Expressions: [{given}]",
                SYNTAX_ERROR,
            )
