"""Scans: the rows of a table, read from the files behind S3. Only registered partitions and used columns are read."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from localaws.athena.errors import not_supported
from localaws.athena.quoting import duckdb_identifier
from localaws.athena.tables import formats
from localaws.athena.tables.avro import avro_source
from localaws.athena.tables.catalog import Catalog, Table
from localaws.athena.tables.data_files import DataFile, Scan, Source, files_in
from localaws.athena.tables.delimited import delimited_source
from localaws.athena.tables.json_lines import json_source
from localaws.athena.tables.open_csv import open_csv_source
from localaws.athena.tables.orc import orc_source
from localaws.athena.tables.parquet import parquet_source
from localaws.athena.tables.partitions import locations

if TYPE_CHECKING:  # pyiceberg is slow to import
    from localaws.athena.tables.iceberg_metadata import IcebergMetadataScan
    from localaws.athena.tables.iceberg_scans import IcebergScan

_SOURCES: dict[str, Callable[[Scan, Sequence[DataFile]], Source]] = {
    formats.PARQUET_SERDE: parquet_source,
    formats.ORC_SERDE: orc_source,
    formats.AVRO_SERDE: avro_source,
    formats.LAZY_SIMPLE_SERDE: delimited_source,
    formats.OPEN_CSV_SERDE: open_csv_source,
    formats.OPENX_JSON_SERDE: json_source,
    formats.HIVE_JSON_SERDE: json_source,
}
# Properties that would change what is read
REFUSED_PROPERTIES = {
    "skip.footer.line.count",
    "parquet.column.index.access",
    "timestamp.formats",
    "serialization.encoding",
}


def check_readable(table: Table) -> None:
    """Raises QueryFailed if the format of the table is not supported."""
    name = f"table {table.database}.{table.name}"
    if table.serde not in _SOURCES:
        raise not_supported(f"{name}: its SerDe ({table.serde or 'none'})")
    given, expected = table.storage.get("InputFormat", ""), formats.SERDES[table.serde].input
    if given not in ("", expected):
        raise not_supported(f"{name}: InputFormat {given} with the SerDe {table.serde}")
    for refused in (table.serde_properties | table.properties).keys() & REFUSED_PROPERTIES:
        raise not_supported(f"{name}: the property {refused}")


@dataclass(frozen=True)
class OpenScan:
    """A scan with the rows of its files."""

    scan: Scan
    source: Source

    @property
    def scanned_bytes(self) -> int:
        return self.source.scanned_bytes


def open_scan(scan: Scan, catalog: Catalog, path: Callable[[str], Path], connection: Any) -> OpenScan:
    """Select the partitions, and open their files.

    Raises QueryFailed HIVE_BAD_DATA, HIVE_PARTITION_SCHEMA_MISMATCH or HIVE_INVALID_PARTITION_VALUE.
    """
    if scan.table.is_iceberg:
        return OpenScan(scan, cast("IcebergScan | IcebergMetadataScan", scan).open())
    files = files_in(locations(scan, catalog, connection), path)
    return OpenScan(scan, _SOURCES[scan.table.serde](scan, files))


def register_scan(opened: OpenScan, connection: Any, stored: bool) -> None:
    """Register the scan as a relation of the connection. The values are those that Athena reads from the files.

    With ``stored`` the needed rows are copied into a temporary table, within DuckDB's memory limit. Of an Arrow scan,
    DuckDB does not know the number of rows, and may choose an order of joins that builds cross products.
    """
    name, source = opened.scan.name, opened.source
    if not source.values and not stored:
        connection.register(name, source.relation)
        return
    connection.register(f"{name}_files", source.relation)
    read = {column: source.values.get(column, duckdb_identifier(column)) for column in opened.scan.columns}
    columns = ", ".join(f"{text} AS {duckdb_identifier(column)}" for column, text in read.items()) or "*"
    kind = "TABLE" if stored else "VIEW"
    text = f"SELECT {columns} FROM {name}_files"
    if stored and opened.scan.filters:
        text = f"SELECT * FROM ({text}) AS {opened.scan.alias} WHERE {' AND '.join(opened.scan.filters)}"
    connection.execute(f"CREATE TEMP {kind} {name} AS {text}")


def register_again(scan: Scan, registered: Scan, connection: Any) -> None:
    """Register another scan that reads the same rows as ``registered``."""
    connection.execute(f"CREATE TEMP VIEW {scan.name} AS SELECT * FROM {registered.name}")


def reads_the_same(scan: Scan, other: Scan) -> bool:
    """Whether both scans read the same columns of all rows of the same table."""
    return (
        (scan.table.database, scan.table.name, scan.version, scan.columns)
        == (other.table.database, other.table.name, other.version, other.columns)
        and not (scan.predicates or scan.filters)
        and not (other.predicates or other.filters)
    )
