"""Casts from JSON and to JSON.

Source: https://trino.io/docs/401/functions/json.html#cast-to-json and JsonUtil of Trino 401
"""

from __future__ import annotations

import pyarrow as pa
from sqlglot import exp

from localaws.athena import datatypes as dt
from localaws.athena.quoting import duckdb_identifier, duckdb_string
from localaws.athena.sql.parsing.nodes import type_mismatch, unsupported
from localaws.athena.sql.types import moments, nested
from localaws.athena.sql.types.typed_sql import TypedSql

_SCALARS = (*dt.INTEGERS, dt.BOOLEAN, dt.REAL, dt.DOUBLE, dt.VARCHAR)


def json_cast(value: TypedSql, target: pa.DataType, node: exp.Expr, safe: bool) -> str:
    """Return the SQL of a cast whose source or target is JSON."""
    source = value.type
    if not casts_json(source, target):
        reason = f"a cast of {dt.trino_name(source)} to {dt.trino_name(target)}"
        if _contains_zone(source):
            raise unsupported(reason, node)
        raise type_mismatch(node, f"Cannot cast {dt.trino_name(source)} to {dt.trino_name(target)}")
    if target == dt.JSON:
        known = _known(source)
        return f"trino_to_json({_with_texts(value.sql, source, known)}, {_name(known)})"
    if not safe:
        return _from_json(value.sql, target)
    return f"list_transform([{value.sql}], lambda value: TRY({_from_json('value', target)}))[1]"


def _contains_zone(datatype: pa.DataType) -> bool:
    return dt.kind(datatype) == dt.ZONED or any(map(_contains_zone, dt.parts(datatype)))


def casts_json(source: pa.DataType, target: pa.DataType) -> bool:
    """Return whether Trino has the cast. One of the types is JSON."""
    return _casts_to_json(source) if target == dt.JSON else _casts_from_json(target)


def _casts_to_json(source: pa.DataType) -> bool:
    if dt.is_map(source):
        key, item = dt.parts(source)
        return (_is_key(key) or key == dt.NULL) and _casts_to_json(item)
    if pa.types.is_nested(source):
        return all(map(_casts_to_json, dt.parts(source)))
    if source in (*_SCALARS, dt.NULL, dt.JSON, dt.DATE):
        return True
    return dt.is_decimal(source) or dt.kind(source) == "timestamp"


def _casts_from_json(target: pa.DataType) -> bool:
    if dt.is_map(target):
        key, item = dt.parts(target)
        return _is_key(key) and _casts_from_json(item)
    if pa.types.is_nested(target):
        return all(map(_casts_from_json, dt.parts(target)))
    return target in (*_SCALARS, dt.JSON) or dt.is_decimal(target)


def _is_key(datatype: pa.DataType) -> bool:
    return datatype in _SCALARS or dt.is_decimal(datatype)


def _from_json(text: str, target: pa.DataType) -> str:
    """Return SQL that casts a JSON text. The parts of an array, map or row are JSON texts, too."""
    if target == dt.JSON:
        return text
    if dt.is_array(target):
        element = _from_json("element", target.value_type)
        return f"list_transform(trino_json_elements({text}, {_name(target)}), lambda element: {element})"
    if dt.is_map(target):
        key, value = map(_from_json, ("(entry).key", "(entry).value"), dt.parts(target))
        pair = f"struct_pack(field0 := {key}, field1 := {value})"
        entries = f"list_transform(trino_json_entries({text}, {_name(target)}), lambda entry: {pair})"
        return f"trino_map_from_entries({entries})"
    if dt.is_row(target):
        parts = [_from_json(f"texts[{at + 1}]", part) for at, part in enumerate(dt.parts(target))]
        row = f"CASE WHEN texts IS NOT NULL THEN {nested.packed(target, parts)} END"
        return f"list_transform([trino_json_fields({text}, {_name(target)})], lambda texts: {row})[1]"
    scalar = f"trino_json_scalar({text}, {_name(target)})"
    return scalar if target == dt.VARCHAR else f"CAST({scalar} AS {dt.duckdb_name(target)})"


def _with_texts(text: str, source: pa.DataType, target: pa.DataType) -> str:
    """Return SQL for a value with texts in place of dates and timestamps."""
    if _is_moment(source):
        return moments.text(text, source) or text
    if pa.types.is_nested(source) and any(map(_contains_moment, dt.parts(source))):
        return nested.rebuilt(text, source, target, _with_texts)
    return text


def _is_moment(datatype: pa.DataType) -> bool:
    return datatype == dt.DATE or dt.kind(datatype) == "timestamp"


def _contains_moment(datatype: pa.DataType) -> bool:
    return _is_moment(datatype) or any(map(_contains_moment, dt.parts(datatype)))


def _known(source: pa.DataType) -> pa.DataType:
    """Return the type with varchar in place of dates and timestamps, and boolean in place of NULL's type."""
    if dt.is_array(source):
        return pa.list_(_known(source.value_type))
    if dt.is_map(source):
        return dt.map_of(*map(_known, dt.parts(source)))
    if dt.is_row(source):
        return dt.row([field.with_type(_known(field.type)) for field in source])
    if source == dt.NULL:
        return dt.BOOLEAN
    return dt.VARCHAR if _is_moment(source) else source


def _name(datatype: pa.DataType) -> str:
    return duckdb_string(_type_text(datatype))


def _type_text(datatype: pa.DataType) -> str:
    """Return the name of a type, with the names of fields in quotes, because their case matters."""
    if not pa.types.is_nested(datatype):
        return dt.trino_name(datatype)
    inner = list(map(_type_text, dt.parts(datatype)))
    if dt.is_row(datatype):
        names = [duckdb_identifier(field.name) if field.name else "" for field in datatype]
        inner = [f"{name} {text}".lstrip() for name, text in zip(names, inner, strict=True)]
    kind = "array" if dt.is_array(datatype) else "map" if dt.is_map(datatype) else "row"
    return f"{kind}({', '.join(inner)})"
