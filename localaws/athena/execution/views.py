"""CREATE VIEW: from the columns of its query to the view in the catalog.

Sources: https://docs.aws.amazon.com/athena/latest/ug/create-view.html, CreateViewTask of Trino 401
"""

from __future__ import annotations

from collections.abc import Sequence

from localaws.athena import datatypes as dt
from localaws.athena.errors import SCHEMA_ERROR, QueryFailed
from localaws.athena.sql.parsing.statements import CreateView
from localaws.athena.sql.translation.output_columns import OutputColumn
from localaws.athena.tables.catalog import AlreadyExists, Catalog
from localaws.athena.tables.views import View, is_view, view_input
from localaws.athena.writing.columns import check_columns, hive_type


def create_view(
    catalog: Catalog, statement: CreateView, outputs: Sequence[OutputColumn], database: str, context: str
) -> None:
    """Create or replace the view in ``database``. ``context`` is the database of the names without one in its query."""
    name = statement.name.name
    check_columns(outputs)
    columns = [(str(output.name).lower(), _trino_type(output)) for output in outputs]
    view = View(statement.text, context, tuple(columns), statement.comment)
    hive = [(column, _hive_type(output)) for (column, _), output in zip(columns, outputs, strict=True)]
    definition = view_input(name, view, hive)
    existing = catalog.table(database, name)
    if existing is not None and not is_view(existing.glue):
        raise QueryFailed(f"TABLE_ALREADY_EXISTS: Table already exists: '{database}.{name}'", SCHEMA_ERROR)
    if existing is not None and statement.or_replace:
        catalog.update_table(database, definition)
        return
    try:
        catalog.create_table(database, definition)
    except AlreadyExists:
        raise QueryFailed(
            f"TABLE_ALREADY_EXISTS: View already exists: '{database}.{name}'", SCHEMA_ERROR
        ) from None


def _trino_type(output: OutputColumn) -> str:
    return f"varchar({output.length})" if output.length else dt.trino_name(output.type)


def _hive_type(output: OutputColumn) -> str:
    """Return the type in Glue. A type that Hive does not have is only in the definition of the view."""
    try:
        return hive_type(output)
    except QueryFailed:
        return "string"
