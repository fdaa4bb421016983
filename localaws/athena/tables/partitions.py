"""The partitions that a scan reads: those registered or projected that fulfil the conditions on the keys."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

import duckdb
import pyarrow as pa

from localaws.athena import datatypes as dt
from localaws.athena.errors import DATA_ERROR, QueryFailed
from localaws.athena.tables.catalog import Catalog, Partition, TableColumn
from localaws.athena.tables.coercions import reads_as
from localaws.athena.tables.data_files import Scan
from localaws.athena.tables.hive_layout import NULL_VALUE
from localaws.athena.tables.projection import is_projected, projected_partitions


def locations(scan: Scan, catalog: Catalog, connection: Any) -> list[tuple[str, tuple[Any, ...]]]:
    table = scan.table
    if not table.partition_keys:
        return [(table.location, ())]
    if is_projected(table):
        return _projected_locations(scan, connection)
    partitions = list(catalog.partitions(table))
    rows = [
        tuple(
            _partition_value(value, key.name, key.type)
            for value, key in zip(p.values, table.partition_keys, strict=True)
        )
        for p in partitions
    ]
    chosen = _pruned(scan, rows, connection)
    for at in chosen:
        _check_partition(scan, partitions[at])
    return [(partitions[at].location, rows[at]) for at in chosen]


def _projected_locations(scan: Scan, connection: Any) -> list[tuple[str, tuple[Any, ...]]]:
    def prune(key: TableColumn, texts: Sequence[str]) -> list[str]:
        """Apply each condition on only this key."""
        kept = list(texts)
        for condition in scan.predicates:
            rows = [(_partition_value(text, key.name, key.type),) for text in kept]
            try:
                kept = [kept[at] for at in _fulfilling(scan, [key], rows, [condition], connection)]
            except duckdb.BinderException:
                continue  # a condition on another key
        return kept

    keys = scan.table.partition_keys
    found = list(projected_partitions(scan.table, scan.predicates, prune))
    rows = [
        tuple(_partition_value(text, key.name, key.type) for text, key in zip(texts, keys, strict=True))
        for _, texts in found
    ]
    return [(found[at][0], rows[at]) for at in _pruned(scan, rows, connection)]


def _pruned(scan: Scan, rows: list[tuple[Any, ...]], connection: Any) -> list[int]:
    """Return the indexes of the partitions that fulfil the predicates of the scan."""
    return _fulfilling(scan, scan.table.partition_keys, rows, scan.predicates, connection)


def _fulfilling(
    scan: Scan,
    keys: Sequence[TableColumn],
    rows: list[tuple[Any, ...]],
    predicates: Sequence[str],
    connection: Any,
) -> list[int]:
    """Return the indexes of the rows that fulfil the predicates. DuckDB evaluates them."""
    if not predicates or not rows:
        return list(range(len(rows)))
    columns = {
        key.name: pa.array([row[at] for row in rows], dt.parse_type(key.type)) for at, key in enumerate(keys)
    }
    relation = f"{scan.name}_partitions"
    connection.register(relation, pa.table({**columns, "$index": pa.array(range(len(rows)))}))
    text = f'SELECT "$index" FROM {relation} AS {scan.alias} WHERE {" AND ".join(predicates)} ORDER BY 1'
    return [at for (at,) in connection.execute(text).fetchall()]


def _partition_value(text: str, key: str, hive_type: str) -> Any:
    if text == NULL_VALUE:
        return None
    datatype = dt.parse_type(hive_type)
    length = dt.varchar_length(hive_type)
    try:
        if length is not None and len(text) > length:
            raise ValueError(text)
        return _parsed(text, datatype)
    except (ValueError, InvalidOperation):
        raise QueryFailed(
            f"HIVE_INVALID_PARTITION_VALUE: Invalid partition value '{text}' for "
            f"{dt.trino_name(datatype).upper()} partition key: {key}",
            DATA_ERROR,
        ) from None


def _parsed(text: str, datatype: pa.DataType) -> Any:  # noqa: PLR0911 - one return for each kind of type
    if datatype == dt.VARCHAR:
        return text
    if datatype in dt.INTEGERS:
        return int(text)
    if datatype == dt.DATE:
        return date.fromisoformat(text)
    if datatype == dt.TIMESTAMP:
        return datetime.fromisoformat(text)
    if dt.is_decimal(datatype):
        return Decimal(text).quantize(Decimal(1).scaleb(-datatype.scale))
    if datatype in (dt.DOUBLE, dt.REAL):
        return float(text)
    if datatype == dt.BOOLEAN and text.lower() in ("true", "false"):
        return text.lower() == "true"
    raise ValueError(text)


def _check_partition(scan: Scan, partition: Partition) -> None:
    for column in scan.table.columns:
        declared = partition.types.get(column.name)
        if column.name not in scan.columns or declared is None or declared == column.type:
            continue
        if not reads_as(dt.parse_type(declared), dt.parse_type(column.type)):
            keys = zip(scan.table.partition_keys, partition.values, strict=True)
            shown = "/".join(f"{key.name}={value}" for key, value in keys)
            raise QueryFailed(
                "HIVE_PARTITION_SCHEMA_MISMATCH: There is a mismatch between the table and partition schemas. "
                f"The types are incompatible and cannot be coerced. The column '{column.name}' in table "
                f"'{scan.table.database}.{scan.table.name}' is declared as type '{column.type}', but partition "
                f"'{shown}' declared column '{column.name}' as type '{declared}'.",
                DATA_ERROR,
            )
