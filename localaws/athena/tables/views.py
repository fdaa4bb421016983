"""Views in the Glue Data Catalog: a table of type VIRTUAL_VIEW that contains a query, in the form of Presto and Trino.

Source: ViewReaderUtil and ConnectorViewDefinition of Trino 401
"""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from localaws.athena.errors import DATA_ERROR, QueryFailed
from localaws.athena.tables.catalog import GlueTable, Table

VIEW_TYPE = "VIRTUAL_VIEW"
_PREFIX, _SUFFIX = "/* Presto View: ", " */"


@dataclass(frozen=True)
class View:
    """``database`` is the database of the names in ``query`` without one. ``columns`` are names and Trino types."""

    query: str
    database: str
    columns: tuple[tuple[str, str], ...]
    comment: str | None = None


def is_view(table: GlueTable) -> bool:
    return table.get("TableType") == VIEW_TYPE


def read_view(table: Table) -> View:
    """Raises QueryFailed if the table contains no query of Presto or Trino."""
    text = str(table.glue.get("ViewOriginalText", ""))
    if not (text.startswith(_PREFIX) and text.endswith(_SUFFIX)):
        raise QueryFailed(
            f"NOT_SUPPORTED: Hive views are not supported: {table.database}.{table.name}", DATA_ERROR
        )
    try:
        members = json.loads(base64.b64decode(text[len(_PREFIX) : -len(_SUFFIX)]))
        columns = tuple((str(column["name"]), str(column["type"])) for column in members["columns"])
        return View(members["originalSql"], members["schema"], columns, members.get("comment"))
    except (ValueError, KeyError, TypeError) as error:
        raise QueryFailed(
            f"HIVE_INVALID_VIEW_DATA: Invalid view JSON of {table.database}.{table.name}: {error!r}",
            DATA_ERROR,
        ) from None


def view_input(name: str, view: View, hive_columns: Sequence[tuple[str, str]]) -> dict[str, Any]:
    """Return Glue's TableInput of a view."""
    members = {
        "originalSql": view.query,
        "catalog": "awsdatacatalog",
        "schema": view.database,
        "columns": [{"name": column, "type": type_} for column, type_ in view.columns],
        **({"comment": view.comment} if view.comment is not None else {}),
    }
    encoded = base64.b64encode(json.dumps(members).encode()).decode()
    return {
        "Name": name,
        "TableType": VIEW_TYPE,
        "Parameters": {"presto_view": "true", "comment": view.comment or "Presto View"},
        "PartitionKeys": [],
        "StorageDescriptor": {
            "Columns": [{"Name": column, "Type": type_} for column, type_ in hive_columns],
            "Location": "",
            "SerdeInfo": {},
        },
        "ViewOriginalText": f"{_PREFIX}{encoded}{_SUFFIX}",
        "ViewExpandedText": "/* Presto View */",
    }
