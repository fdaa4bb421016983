"""The tables of ``information_schema``, which describe the Glue Data Catalog. They do not list themselves.

Source: https://docs.aws.amazon.com/athena/latest/ug/querying-glue-catalog.html
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pyarrow as pa

from localaws.athena import datatypes as dt
from localaws.athena.tables.catalog import Catalog, Table
from localaws.athena.tables.views import is_view, read_view

SCHEMA, CATALOG = "information_schema", "awsdatacatalog"

Row = tuple[str | int | None, ...]


def columns_of(name: str) -> dict[str, pa.DataType] | None:
    """Return the names and types of the columns of this table; None if there is no such table."""
    if name not in _TABLES:
        return None
    return {column: dt.BIGINT if column == "ordinal_position" else dt.VARCHAR for column in _TABLES[name][0]}


def rows_of(name: str, catalog: Catalog) -> list[Row]:
    """Raises QueryFailed for a view that cannot be read."""
    return list(_TABLES[name][1](catalog))


def _schemata(catalog: Catalog) -> Iterator[Row]:
    for database in catalog.databases():
        yield CATALOG, database["Name"]


def _tables(catalog: Catalog) -> Iterator[Row]:
    for table in _all_tables(catalog):
        yield CATALOG, table.database, table.name, "VIEW" if is_view(table.glue) else "BASE TABLE"


def _views(catalog: Catalog) -> Iterator[Row]:
    for table in _all_tables(catalog):
        if is_view(table.glue):
            yield CATALOG, table.database, table.name, read_view(table).query


def _columns(catalog: Catalog) -> Iterator[Row]:
    for table in _all_tables(catalog):
        for position, (name, data_type, comment, extra) in enumerate(_columns_of_table(table), 1):
            place = CATALOG, table.database, table.name, name, position
            yield *place, None, "YES", data_type, comment or None, extra


def _columns_of_table(table: Table) -> Iterator[tuple[str, str, str, str | None]]:
    if is_view(table.glue):
        for name, data_type in read_view(table).columns:
            yield name, data_type, "", None
        return
    for columns, extra in ((table.columns, None), (table.partition_keys, "partition key")):
        for column in columns:
            yield column.name, _trino_name(column.type), column.comment, extra


def _trino_name(hive_type: str) -> str:
    try:
        datatype = dt.parse_type(hive_type)
    except ValueError:  # a query of this table is refused
        return hive_type
    return hive_type.lower() if dt.varchar_length(hive_type) else dt.trino_name(datatype)


def _all_tables(catalog: Catalog) -> Iterator[Table]:
    for database in catalog.databases():
        yield from map(catalog.as_table, catalog.tables(database["Name"]))


_TABLE = "table_catalog", "table_schema", "table_name"
_TABLES: dict[str, tuple[tuple[str, ...], Callable[[Catalog], Iterator[Row]]]] = {
    "schemata": (("catalog_name", "schema_name"), _schemata),
    "tables": ((*_TABLE, "table_type"), _tables),
    "views": ((*_TABLE, "view_definition"), _views),
    "columns": (
        (
            *(*_TABLE, "column_name", "ordinal_position", "column_default", "is_nullable", "data_type"),
            *("comment", "extra_info"),
        ),
        _columns,
    ),
}
