"""Prints what the local Athena supports, from the tables that it uses: ``python -m localaws.athena.api.support``."""

from __future__ import annotations

from collections.abc import Iterator

from localaws.athena.datatypes import TRINO_TYPE_NAMES, parse_type
from localaws.athena.sql.functions.rules import RULES
from localaws.athena.sql.functions.supported import AGGREGATES, SCALARS, WINDOW_FUNCTIONS
from localaws.athena.sql.translation.calls import Calls
from localaws.athena.tables import iceberg_layout, iceberg_metadata
from localaws.athena.tables.formats import FORMATS, SERDES
from localaws.athena.tables.lines import CODECS
from localaws.athena.tables.scans import REFUSED_PROPERTIES


def report() -> str:
    """Return the lists as Markdown."""
    return "\n\n".join(
        f"## {title}\n\n{', '.join(f'`{name}`' for name in names)}" for title, names in _lists()
    )


def _lists() -> Iterator[tuple[str, list[str]]]:
    yield "Scalar functions", sorted(SCALARS.keys() | RULES.keys() | Calls.SPECIAL.keys())
    yield "Aggregate functions", sorted(AGGREGATES)
    yield "Window functions", sorted(WINDOW_FUNCTIONS)
    yield (
        "Types",
        [*sorted(filter(_is_supported, TRINO_TYPE_NAMES - {"array", "map", "row"})), "array", "map", "row"],
    )
    yield "STORED AS", list(FORMATS)
    yield "SerDes", list(SERDES)
    yield "Compressions of text files", list(CODECS)
    yield "Refused properties of a table", sorted(REFUSED_PROPERTIES)
    yield "Properties of Iceberg tables", list(iceberg_layout.PROPERTIES)
    yield "Metadata tables of Iceberg tables", [f"${name}" for name in iceberg_metadata.METADATA_TABLES]
    yield "Partition transforms of Iceberg tables", list(iceberg_layout.TRANSFORMS)


def _is_supported(name: str) -> bool:
    try:
        parse_type(name)
    except ValueError:
        return False
    return True


if __name__ == "__main__":
    print(report())
