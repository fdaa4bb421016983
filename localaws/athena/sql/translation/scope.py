"""Name resolution: the visible columns of a query, and the column to which a name resolves."""

from __future__ import annotations

from dataclasses import dataclass, field

import pyarrow as pa
from sqlglot import exp

from localaws.athena import datatypes as dt
from localaws.athena.errors import SYNTAX_ERROR, QueryFailed, not_supported
from localaws.athena.sql.parsing.nodes import position
from localaws.athena.sql.types import nested
from localaws.athena.sql.types.typed_sql import TypedSql
from localaws.athena.tables.data_files import Scan


@dataclass(frozen=True)
class ScopeColumn:
    """A visible column.

    ``relation`` is its qualifier, outermost name first. ``type`` is None if this engine cannot read it. ``nullable``
    means that an outer join can replace the value by NULL.
    """

    name: str
    type: pa.DataType | None
    sql: str
    relation: tuple[str, ...] = ()
    scan: Scan | None = None
    hidden: bool = False
    nullable: bool = False
    length: int | None = None  # as in TypedSql
    scan_name: str = ""  # the name in the scan, if an alias of the table renames the column

    @property
    def in_scan(self) -> str:
        return self.scan_name or self.name

    def matches(self, qualifier: tuple[str, ...], name: str) -> bool:
        if name != self.name:
            return False
        return not qualifier or self.relation[-len(qualifier) :] == qualifier

    def read(self) -> TypedSql:
        """Return the column's value, and add the column to the scan."""
        if self.type is None:
            raise not_supported(f"the type of column {self.name}")
        if self.scan is not None:
            self.scan.columns.add(self.in_scan)
        return TypedSql(self.sql, self.type, self.length)


@dataclass
class Scope:
    """The visible columns of a query. ``touched`` contains the resolved columns, so that callers see what is used."""

    columns: tuple[ScopeColumn, ...] = ()
    parent: Scope | None = None
    touched: list[ScopeColumn] = field(default_factory=list)

    def resolve(self, node: exp.Expr, parts: tuple[str, ...]) -> TypedSql:
        """Return the value that ``parts`` name: a column, qualified or not, and fields of a row in it.

        Raises QueryFailed COLUMN_NOT_FOUND or AMBIGUOUS_NAME.
        """
        scope: Scope | None = self
        while scope is not None:
            found = scope._find(node, parts)
            if found is not None:
                column, fields = found
                self.touched.append(column)
                return dereferenced(column.read(), fields, node)
            scope = scope.parent
        raise QueryFailed(
            f"COLUMN_NOT_FOUND: {position(node)}Column '{'.'.join(parts)}' cannot be resolved "
            "or requester is not authorized to access requested resources",
            SYNTAX_ERROR,
        )

    def finds(self, parts: tuple[str, ...]) -> bool:
        """Return whether a column of this scope has the name, or is the row whose field has it."""
        return any(
            column.matches(parts[:at], parts[at]) for at in range(len(parts)) for column in self.columns
        )

    def _find(self, node: exp.Expr, parts: tuple[str, ...]) -> tuple[ScopeColumn, tuple[str, ...]] | None:
        """The longest qualifier has precedence: ``t.x`` is column x of t rather than field x of column t."""
        for at in reversed(range(len(parts))):
            matches = [column for column in self.columns if column.matches(parts[:at], parts[at])]
            if len(matches) > 1:
                raise QueryFailed(
                    f"AMBIGUOUS_NAME: {position(node)}Column '{'.'.join(parts)}' is ambiguous", SYNTAX_ERROR
                )
            if matches:
                return matches[0], parts[at + 1 :]
        return None


def dereferenced(value: TypedSql, fields: tuple[str, ...], node: exp.Expr) -> TypedSql:
    """Return a field of a row, or of a row in it. The case of the names does not matter."""
    for name in fields:
        names = [field.name.lower() for field in value.type] if dt.is_row(value.type) else []
        if not name or name.lower() not in names:
            raise QueryFailed(
                f"COLUMN_NOT_FOUND: {position(node)}{dt.trino_name(value.type)} has no field '{name}'",
                SYNTAX_ERROR,
            )
        at = names.index(name.lower())
        value = TypedSql(nested.field(value.sql, value.type, at), value.type.field(at).type)
    return value
