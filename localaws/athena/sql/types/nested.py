"""Arrays, maps and rows in DuckDB's SQL: values are rebuilt part by part."""

from __future__ import annotations

from collections.abc import Callable

import pyarrow as pa

from localaws.athena import datatypes as dt
from localaws.athena.quoting import duckdb_identifier

# Converts the SQL of a value from one type to another.
Convert = Callable[[str, pa.DataType, pa.DataType], str]


def field(row: str, datatype: pa.DataType, at: int) -> str:
    """Return SQL for the field with this index, from 0, of the row ``row``."""
    return f"({row}).{duckdb_identifier(dt.field_name(datatype.field(at), at))}"


def packed(datatype: pa.DataType, fields: list[str]) -> str:
    """Return SQL for a row with these fields."""
    names = [duckdb_identifier(dt.field_name(field, at)) for at, field in enumerate(datatype)]
    return f"struct_pack({', '.join(f'{name} := {text}' for name, text in zip(names, fields, strict=True))})"


def rebuilt(text: str, source: pa.DataType, target: pa.DataType, convert: Convert) -> str:
    """Convert each part of an array, map or row to the type of this part in ``target``, which has the same form.

    A NULL stays NULL. The names of fields become those of ``target``.
    """
    if dt.is_array(source):
        item = convert("item", source.value_type, target.value_type)
        return text if item == "item" else f"list_transform({text}, lambda item: {item})"
    if dt.is_map(source):
        keys, values = zip(dt.parts(source), dt.parts(target), strict=True)
        key, value = convert("(pair).key", *keys), convert("(pair).value", *values)
        if (key, value) == ("(pair).key", "(pair).value"):
            return text
        pair = f"struct_pack(key := {key}, value := {value})"
        return f"map_from_entries(list_transform(map_entries({text}), lambda pair: {pair}))"
    fields = [
        convert(field("row_", source, at), *types)
        for at, types in enumerate(zip(dt.parts(source), dt.parts(target), strict=True))
    ]
    row = f"CASE WHEN row_ IS NOT NULL THEN {packed(target, fields)} END"
    return f"list_transform([{text}], lambda row_: {row})[1]"


def same_form(source: pa.DataType, target: pa.DataType) -> bool:
    """Return whether both are arrays, both maps, or both rows with the same number of fields."""
    kinds = (dt.is_array, dt.is_map, dt.is_row)
    return any(kind(source) and kind(target) for kind in kinds) and len(dt.parts(source)) == len(
        dt.parts(target)
    )
