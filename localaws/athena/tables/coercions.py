"""The values that Athena reads from a column whose type in the file, or in the partition, differs from the table's."""

from __future__ import annotations

import pyarrow as pa

from localaws.athena import datatypes as dt
from localaws.athena.quoting import duckdb_identifier

_UNSIGNED = (pa.uint8(), pa.uint16())  # stored as INT32, so all values fit


def reads_as(found: pa.DataType, declared: pa.DataType, narrowing: bool = False) -> bool:  # noqa: PLR0911 - one return for each kind of type
    """Whether Athena reads a Parquet column of type ``found`` as type ``declared``.

    With ``narrowing``, an integer may also be declared smaller than it is in the file. Then a value that is too large
    fails the query. Source: LongColumnReader and IntColumnReader of io.trino.parquet.reader, Trino 401
    """
    if found == declared:
        return True
    if pa.types.is_timestamp(found) and declared == dt.TIMESTAMP:
        return True
    if pa.types.is_large_string(found):
        return bool(declared == dt.VARCHAR)
    if pa.types.is_dictionary(found):
        return reads_as(found.value_type, declared, narrowing)
    if found in dt.INTEGERS and declared in dt.INTEGERS:
        return narrowing or dt.INTEGERS.index(found) <= dt.INTEGERS.index(declared)
    if found in _UNSIGNED and declared in dt.INTEGERS:
        return narrowing
    if found == dt.REAL and declared == dt.DOUBLE:
        return True
    if dt.is_decimal(found) and dt.is_decimal(declared):
        return bool(
            found.scale <= declared.scale
            and found.precision - found.scale <= declared.precision - declared.scale
        )
    if pa.types.is_list(found) and dt.is_array(declared):
        return reads_as(found.value_type, declared.value_type, narrowing)
    if pa.types.is_map(found) and pa.types.is_map(declared):
        pairs = ((found.key_type, declared.key_type), (found.item_type, declared.item_type))
        return all(reads_as(a, b, narrowing) for a, b in pairs)
    if pa.types.is_struct(found) and pa.types.is_struct(declared):
        same_names = [field.name for field in found] == [field.name for field in declared]
        return same_names and all(
            reads_as(a.type, b.type, narrowing) for a, b in zip(found, declared, strict=True)
        )
    return False


def as_read(text: str, datatype: pa.DataType, length: int | None = None) -> str | None:
    """Return DuckDB's expression for the value that Athena reads from a file, or None if the value is unchanged.

    Athena rounds a timestamp to milliseconds, half a millisecond up, and cuts a text to the ``length`` of its
    varchar. Source: io.trino.parquet.reader and io.trino.spi.type.Timestamps.round of Trino 401
    """
    if pa.types.is_timestamp(datatype):
        unit, step = ("ns", 1_000_000) if datatype.unit == "ns" else ("us", 1_000)
        late = f"(epoch_{unit}({text}) + {step // 2})"
        milliseconds = f"({late} - ({late} % {step} + {step}) % {step})"
        return f"make_timestamp({milliseconds} // {step // 1_000})"
    if datatype == dt.VARCHAR and length is not None:
        return f"substring({text}, 1, {length})"
    if dt.is_array(datatype):
        item = as_read("x", datatype.value_type)
        return item and f"list_transform({text}, lambda x: {item})"
    if pa.types.is_map(datatype):
        key, value = as_read("x.key", datatype.key_type), as_read("x.value", datatype.item_type)
        if key or value:
            entry = f"{{'key': {key or 'x.key'}, 'value': {value or 'x.value'}}}"
            return f"map_from_entries(list_transform(map_entries({text}), lambda x: {entry}))"
    if pa.types.is_struct(datatype):
        parts = {field.name: f"({text}).{duckdb_identifier(field.name)}" for field in datatype}
        read = {field.name: as_read(parts[field.name], field.type) for field in datatype}
        if any(read.values()):
            fields = ", ".join(f"{duckdb_identifier(n)} := {read[n] or part}" for n, part in parts.items())
            return f"CASE WHEN {text} IS NOT NULL THEN struct_pack({fields}) END"
    return None
