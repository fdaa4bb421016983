"""The schema, the partition spec and the properties of a new Iceberg table.

Source: https://docs.aws.amazon.com/athena/latest/ug/querying-iceberg-creating-tables.html
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from itertools import count

import pyarrow as pa
from pyiceberg.partitioning import PARTITION_FIELD_ID_START, PartitionSpec
from pyiceberg.partitioning import PartitionField as SpecField
from pyiceberg.schema import Schema
from pyiceberg.transforms import (
    BucketTransform,
    DayTransform,
    HourTransform,
    IdentityTransform,
    MonthTransform,
    Transform,
    TruncateTransform,
    YearTransform,
)
from pyiceberg.types import NestedField

from localaws.athena import datatypes as dt
from localaws.athena.errors import SYNTAX_ERROR, QueryFailed, not_supported
from localaws.athena.tables.iceberg_partitions import PartitionField
from localaws.athena.tables.iceberg_types import iceberg_type

TRANSFORMS = {
    "identity": IdentityTransform,
    "year": YearTransform,
    "month": MonthTransform,
    "day": DayTransform,
    "hour": HourTransform,
    "bucket": BucketTransform,
    "truncate": TruncateTransform,
}
_WITH_WIDTH = ("bucket", "truncate")
_NAME_ENDS = {"truncate": "trunc"}
_REFUSED_TYPES = re.compile(r"\b(tinyint|smallint|char|varchar|integer|real|varbinary|row|json)\b")
# The property of Athena, and the property of Iceberg that it sets besides itself
PROPERTIES = {
    "format": "write.format.default",
    "write_compression": "write.parquet.compression-codec",
    "compression_level": "write.parquet.compression-level",
    "write_target_data_file_size_bytes": "write.target-file-size-bytes",
    "optimize_rewrite_data_file_threshold": None,
    "optimize_rewrite_delete_file_threshold": None,
    "optimize_rewrite_min_data_file_size_bytes": None,
    "optimize_rewrite_max_data_file_size_bytes": None,
    "vacuum_min_snapshots_to_keep": None,
    "vacuum_max_snapshot_age_seconds": None,
    "vacuum_max_metadata_files_to_keep": "write.metadata.previous-versions-max",
}
_PATH_PROPERTIES = ("write.data.path", "write.object-storage.path")
_COMPRESSIONS = {"none": "uncompressed", "gzip": "gzip", "snappy": "snappy", "zstd": "zstd", "lz4": "lz4"}


def declared_type(hive_type: str) -> pa.DataType:
    """Return the type of a column of DDL, where a timestamp has six digits.

    Raises QueryFailed if Iceberg has no such type.
    """
    if refused := _REFUSED_TYPES.search(hive_type):
        raise QueryFailed(f"NOT_SUPPORTED: Type not supported for Iceberg: {refused.group()}", SYNTAX_ERROR)
    try:
        return _with_six_digits(dt.parse_type(hive_type))
    except ValueError as error:
        raise not_supported(f"the type {hive_type} ({error})") from None


def _with_six_digits(datatype: pa.DataType) -> pa.DataType:
    if datatype == dt.TIMESTAMP:
        return dt.timestamp(6)
    if dt.is_array(datatype):
        return pa.list_(_with_six_digits(datatype.value_type))
    if dt.is_map(datatype):
        return dt.map_of(*map(_with_six_digits, dt.parts(datatype)))
    if dt.is_row(datatype):
        return dt.row([field.with_type(_with_six_digits(field.type)) for field in datatype])
    return datatype


def new_schema(columns: Sequence[tuple[str, pa.DataType, str]]) -> Schema:
    """Return a schema of (name, type, comment). The columns have the first ids. Raises QueryFailed."""
    inner = count(len(columns) + 1)
    names = [name for name, _, _ in columns]
    for at, name in enumerate(names):
        if name in names[:at]:
            raise QueryFailed(
                f"DUPLICATE_COLUMN_NAME: line 1:1: Column name '{name}' specified more than once",
                SYNTAX_ERROR,
            )
    return Schema(
        *(
            NestedField(
                at, name, iceberg_type(type_, lambda: next(inner)), required=False, doc=comment or None
            )
            for at, (name, type_, comment) in enumerate(columns, 1)
        )
    )


def partition_spec(schema: Schema, fields: Sequence[PartitionField]) -> PartitionSpec:
    """Raises QueryFailed if a column, or a transform of it, does not exist."""
    made: list[SpecField] = []
    for at, field in enumerate(fields):
        column = next((column for column in schema.columns if column.name == field.column), None)
        if column is None:
            raise QueryFailed(f"COLUMN_NOT_FOUND: Unknown partition column: {field.column}", SYNTAX_ERROR)
        transform = _transform(field)
        if not transform.can_transform(column.field_type):
            raise QueryFailed(
                f"INVALID_TABLE_PROPERTY: Unable to parse partitioning value: invalid type for {transform}: "
                f"{column.field_type} ({field.column})",
                SYNTAX_ERROR,
            )
        end = _NAME_ENDS.get(field.transform, field.transform)
        name = field.column if field.transform == "identity" else f"{field.column}_{end}"
        made.append(
            SpecField(
                source_id=column.field_id,
                field_id=PARTITION_FIELD_ID_START + at,
                transform=transform,
                name=name,
            )
        )
    return PartitionSpec(*made)


def _transform(field: PartitionField) -> Transform:  # type: ignore[type-arg]
    made = TRANSFORMS.get(field.transform)
    if made is None or (field.width is not None) != (field.transform in _WITH_WIDTH) or field.width == 0:
        shown = field.column if field.width is None else f"{field.width}, {field.column}"
        raise QueryFailed(
            f"INVALID_TABLE_PROPERTY: Invalid partition field declaration: {field.transform}({shown})",
            SYNTAX_ERROR,
        )
    found: Transform = made(field.width) if field.width is not None else made()  # type: ignore[type-arg]
    return found


def new_properties(given: Mapping[str, str]) -> dict[str, str]:
    """Return the properties of the metadata for those of a statement. Raises QueryFailed for an unknown one."""
    made: dict[str, str] = {}
    check_property_names(given)
    for name, value in given.items():
        made[name] = value
        if PROPERTIES[name] is not None:
            made[str(PROPERTIES[name])] = _value(name, value)
    return made


def check_property_names(names: Iterable[str]) -> None:
    """Raise QueryFailed for a property that a statement cannot set."""
    for name in names:
        if name in _PATH_PROPERTIES:
            raise not_supported(f"the property {name} of Iceberg tables")
        if name not in PROPERTIES:
            raise QueryFailed(f"INVALID_TABLE_PROPERTY: Unsupported table property key: {name}", SYNTAX_ERROR)


def _value(name: str, value: str) -> str:
    if name == "format" and value.lower() != "parquet":
        raise not_supported(f"writing Iceberg tables with the format {value}")
    if name == "write_compression":
        if value.lower() not in _COMPRESSIONS:
            raise not_supported(f"write_compression = '{value}' for Iceberg tables")
        return _COMPRESSIONS[value.lower()]
    if name != "format" and not value.isdecimal():
        raise QueryFailed(f"INVALID_TABLE_PROPERTY: {name} must be a number: {value}", SYNTAX_ERROR)
    return value.lower()
