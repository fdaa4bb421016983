"""Trino's JSON functions, as Python functions that DuckDB calls. A value of type JSON is its text.

Source: https://trino.io/docs/401/functions/json.html
"""

from __future__ import annotations

import math
from collections.abc import Callable
from contextlib import suppress
from decimal import ROUND_HALF_UP, Context, Decimal, InvalidOperation
from typing import Any

import numpy as np
import pyarrow as pa
from duckdb import DuckDBPyConnection, sqltypes
from duckdb.func import ARROW, SPECIAL

from localaws.athena import datatypes as dt
from localaws.athena.errors import DATA_ERROR, QueryFailed
from localaws.athena.floats import double_text, real_text
from localaws.athena.sql.functions import json_texts
from localaws.athena.sql.functions.json_texts import Pairs, invalid

_RANGES = {dt.TINYINT: 7, dt.SMALLINT: 15, dt.INTEGER: 31, dt.BIGINT: 63}
_MOST_SHOWN = 10_000  # characters of a JSON text in an error message

_ROOM = Context(prec=2000)

Call = Callable[..., Any]

SCALAR_ROWS = (
    *(
        row
        for given in ("varchar", "json")
        for row in (
            ("json_extract", f"{given}, varchar -> json", "trino_json_extract({0}, {1})"),
            ("json_extract_scalar", f"{given}, varchar -> varchar", "trino_json_extract_scalar({0}, {1})"),
            ("json_size", f"{given}, varchar -> bigint", "trino_json_size({0}, {1})"),
            ("json_array_length", f"{given} -> bigint", "trino_json_array_length({0})"),
            ("json_array_get", f"{given}, bigint -> json", "trino_json_array_get({0}, {1})"),
            ("is_json_scalar", f"{given} -> boolean", "trino_is_json_scalar({0})"),
            *(
                ("json_array_contains", f"{given}, {value} -> boolean", "trino_json_array_contains({0}, {1})")
                for value in ("boolean", "bigint", "double", "varchar")
            ),
        )
    ),
    ("json_parse", "varchar -> json", "trino_json_parse({0})"),
    ("json_format", "json -> varchar", "{0}"),
)


def register(connection: DuckDBPyConnection) -> None:
    """Register the functions for all connections of this database."""
    text, number, flag = sqltypes.VARCHAR, sqltypes.BIGINT, sqltypes.BOOLEAN
    entry = connection.struct_type({"key": text, "value": text})
    texts, arrow_texts = connection.list_type(text), pa.list_(pa.string())
    arrow_entries = pa.list_(pa.struct([("key", pa.string()), ("value", pa.string())]))
    for name, function, result, arrow in (
        ("trino_json_extract", _extract, text, pa.string()),
        ("trino_json_extract_scalar", _extract_scalar, text, pa.string()),
        ("trino_json_size", _size, number, pa.int64()),
        ("trino_json_array_length", _array_length, number, pa.int64()),
        ("trino_json_array_get", _array_get, text, pa.string()),
        ("trino_json_array_contains", _array_contains, flag, pa.bool_()),
        ("trino_is_json_scalar", _is_scalar, flag, pa.bool_()),
        ("trino_json_parse", _parse, text, pa.string()),
        ("trino_json_scalar", _scalar, text, pa.string()),
        ("trino_json_elements", _elements, texts, arrow_texts),
        ("trino_json_entries", _entries, connection.list_type(entry), arrow_entries),
        ("trino_json_fields", _fields, texts, arrow_texts),
    ):
        connection.create_function(
            name, _over_rows(function, arrow), None, result, type=ARROW, null_handling=SPECIAL
        )
    connection.create_function("trino_to_json", _to_json, None, text, type=ARROW, null_handling=SPECIAL)


def _over_rows(function: Call, result: pa.DataType) -> Callable[..., pa.Array]:
    def over_rows(*columns: pa.ChunkedArray) -> pa.Array:
        rows = zip(*(column.to_pylist() for column in columns), strict=True)
        return pa.array([None if None in row else function(*row) for row in rows], type=result)

    return over_rows


# ---------------------------------------------------------------- functions
def _extract(text: str, path: str) -> str | None:
    at = None
    with suppress(ValueError):
        at = json_texts.located(text, path)
        return None if at is None else json_texts.dumps(json_texts.value_at(text, at))
    return None


def _extract_scalar(text: str, path: str) -> str | None:
    with suppress(ValueError):
        at = json_texts.located(text, path)
        return None if at is None else json_texts.scalar_at(text, at)
    return None


def _size(text: str, path: str) -> int | None:
    with suppress(ValueError):
        at = json_texts.located(text, path)
        if at is None:
            return None
        value = json_texts.value_at(text, at)
        return len(value) if isinstance(value, list) else 0
    return None


def _array_length(text: str) -> int | None:
    with suppress(ValueError):
        return sum(1 for _ in json_texts.elements(text))
    return None


def _array_get(text: str, index: int) -> str | None:
    with suppress(ValueError):
        if index < 0:
            index += sum(1 for _ in json_texts.elements(text))
        for at, value in enumerate(json_texts.elements(text)):
            if at == index:
                if isinstance(value, list):
                    return json_texts.dumps(value)
                found = json_texts.located(text, f"$[{index}]")
                return None if found is None else json_texts.scalar_at(text, found)
    return None


def _array_contains(text: str, wanted: bool | int | float | str) -> bool | None:
    if isinstance(wanted, float) and not math.isfinite(wanted):
        return False
    with suppress(ValueError):
        return any(type(value) is type(wanted) and value == wanted for value in json_texts.elements(text))
    return None


def _is_scalar(text: str) -> bool:
    try:
        return not isinstance(json_texts.loads(text), list)
    except ValueError:
        raise invalid(f"Invalid JSON value: {_shown(text)}") from None


def _parse(text: str) -> str:
    try:
        return json_texts.canonical(text)
    except ValueError:
        raise invalid(f"Cannot convert value to JSON: '{text}'") from None


# ---------------------------------------------------------------- casts from JSON
def _scalar(text: str, type_name: str) -> str | None:
    """Return the text of a scalar from which DuckDB casts it to a scalar type of Trino."""
    target = dt.trino_type(type_name)
    try:
        value = json_texts.loads(text)
        if value is None:
            return None
        if isinstance(value, list):
            raise ValueError(text)
        return scalar_text(value, target, text.strip(" \t\n\r"))
    except (ValueError, InvalidOperation, OverflowError):
        raise QueryFailed(
            f"INVALID_CAST_ARGUMENT: Cannot cast '{_shown(text)}' to {type_name.upper()}", DATA_ERROR
        ) from None


def scalar_text(value: Any, target: pa.DataType, text: str = "") -> str:
    """Return the text of a value from which DuckDB casts it to ``target``; ``text`` is that of a number in JSON.

    Raises ValueError or ArithmeticError if Trino has no cast for the value.
    """
    if isinstance(value, bool) and target not in (dt.VARCHAR, dt.BOOLEAN):
        value = int(value)
    return _SCALARS.get(target, _decimal)(value, text or json_texts.dumps(value), target)


def _varchar(value: Any, text: str, target: pa.DataType) -> str:
    if isinstance(value, str):
        return value
    return _scientific(value) if isinstance(value, float) else text


def _scientific(value: float) -> str:
    """Return a double as Trino casts it to varchar: 1.289E2."""
    if not math.isfinite(value):
        return double_text(value)
    sign, digits, exponent = Decimal(repr(value)).as_tuple()
    written = "".join(map(str, digits)).rstrip("0") or "0"
    power = len(digits) + int(exponent) - 1 if value else 0
    return f"{'-' if sign else ''}{written[0]}.{written[1:] or '0'}E{power}"


def _whole(value: Any, text: str, target: pa.DataType) -> str:
    if isinstance(value, str):
        if not json_texts.WHOLE.fullmatch(value):
            raise ValueError(value)
        value = int(value)
    if isinstance(value, float):
        value = int(Decimal(value).quantize(Decimal(1), ROUND_HALF_UP))
    if not -(2 ** _RANGES[target]) <= value < 2 ** _RANGES[target]:
        raise ValueError(text)
    return str(value)


def _floating(value: Any, text: str, target: pa.DataType) -> str:
    if isinstance(value, str) and not json_texts.FLOATING.fullmatch(value):
        raise ValueError(value)
    number = float(value) if isinstance(value, str | float) else float(Decimal(value))
    if target == dt.REAL:
        with np.errstate(over="ignore"):
            number = float(np.float32(number))
    return repr(number)


def _boolean(value: Any, text: str, target: pa.DataType) -> str:
    if isinstance(value, str):
        if value.lower() not in ("t", "true", "1", "f", "false", "0"):
            raise ValueError(value)
        return "true" if value.lower() in ("t", "true", "1") else "false"
    if isinstance(value, int) and not -(2**63) <= value < 2**63:
        raise ValueError(text)
    return "true" if value else "false"


def _decimal(value: Any, text: str, target: pa.DataType) -> str:
    if isinstance(value, str) and not json_texts.EXACT.fullmatch(value):
        raise ValueError(text)
    number = Decimal(text if isinstance(value, float) else value)
    found = number.quantize(Decimal(1).scaleb(-target.scale), ROUND_HALF_UP, _ROOM)
    if found and found.adjusted() + 1 + target.scale > target.precision:
        raise ValueError(text)
    return f"{found:f}"


_SCALARS: dict[pa.DataType, Callable[[Any, str, pa.DataType], str]] = {
    dt.VARCHAR: _varchar,
    dt.BOOLEAN: _boolean,
    dt.DOUBLE: _floating,
    dt.REAL: _floating,
    **dict.fromkeys(dt.INTEGERS, _whole),
}


def _elements(text: str, type_name: str) -> list[str | None] | None:
    """Return the elements of an array as JSON texts."""
    value = _loaded(text, type_name)
    if value is None:
        return None
    if not isinstance(value, list) or isinstance(value, Pairs):
        raise _cannot_cast(text, type_name, "Expected a json array")
    return [json_texts.dumps(item) for item in value]


def _entries(text: str, type_name: str) -> list[dict[str, str]] | None:
    """Return the fields of an object as JSON texts, also of the keys."""
    value = _loaded(text, type_name)
    if value is None:
        return None
    if not isinstance(value, Pairs):
        raise _cannot_cast(text, type_name, "Expected a json object")
    return [{"key": json_texts.quoted(key), "value": json_texts.dumps(item)} for key, item in value]


def _fields(text: str, type_name: str) -> list[str | None] | None:
    """Return the fields of a row as JSON texts: of an array by position, of an object by name."""
    value, target = _loaded(text, type_name), dt.trino_type(type_name)
    if value is None:
        return None
    if isinstance(value, Pairs):
        return _named_fields(value, text, type_name, target)
    if not isinstance(value, list):
        raise _cannot_cast(text, type_name, "Expected a json array or object")
    if len(value) != len(dt.parts(target)):
        raise _cannot_cast(text, type_name, "Expected json array ending")
    return [json_texts.dumps(item) for item in value]


def _named_fields(value: Pairs, text: str, type_name: str, target: pa.DataType) -> list[str | None]:
    if not target.field(0).name:
        reason = "Cannot cast a JSON object to anonymous row type. Input must be a JSON array."
        raise _cannot_cast(text, type_name, reason)
    found: dict[str, str] = {}
    wanted = {field.name for field in target}
    for key, item in value:
        name = key.lower()
        if name in wanted and name in found:
            raise _cannot_cast(text, type_name, f"Duplicate field: {name}")
        found[name] = json_texts.dumps(item)
    return [found.get(field.name) for field in target]


def _loaded(text: str, type_name: str) -> Any:
    try:
        return json_texts.loads(text)
    except ValueError:
        raise _cannot_cast(text, type_name, "invalid JSON") from None


def _cannot_cast(text: str, type_name: str, reason: str) -> QueryFailed:
    return QueryFailed(
        f"INVALID_CAST_ARGUMENT: Cannot cast to {dt.trino_name(dt.trino_type(type_name))}. {reason}\n{_shown(text)}",
        DATA_ERROR,
    )


def _shown(text: str) -> str:
    return text if len(text) <= _MOST_SHOWN else f"{text[:_MOST_SHOWN]}...(truncated)"


# ---------------------------------------------------------------- casts to JSON
def _to_json(values: pa.ChunkedArray, type_names: pa.ChunkedArray) -> pa.Array:
    """Return each value as JSON text. The second column is the name of the type of the values."""
    if len(values) == 0:
        return pa.array([], type=pa.string())
    datatype = dt.trino_type(type_names[0].as_py())
    return pa.array(
        [None if value is None else _json(value, datatype) for value in values.to_pylist()], type=pa.string()
    )


def _json(value: Any, datatype: pa.DataType) -> str:  # noqa: PLR0911 - one return for each kind of type
    if value is None:
        return "null"
    if dt.is_array(datatype):
        (item,) = dt.parts(datatype)
        return "[" + ",".join(_json(element, item) for element in value) + "]"
    if dt.is_map(datatype):
        key, item = dt.parts(datatype)
        named = [(f"{name:f}" if dt.is_decimal(key) else _key(name, key), found) for name, found in value]
        pairs = [(name, _json(found, item)) for name, found in sorted(named, key=lambda pair: pair[0])]
        return "{" + ",".join(f"{json_texts.quoted(name)}:{found}" for name, found in pairs) + "}"
    if dt.is_row(datatype):
        fields = zip(datatype, value.values(), strict=True)
        return (
            "{" + ",".join(f"{json_texts.quoted(f.name)}:{_json(found, f.type)}" for f, found in fields) + "}"
        )
    if datatype == dt.JSON:
        return str(value)
    if isinstance(value, str):
        return json_texts.quoted(value)
    text = _key(value, datatype)
    return json_texts.number(text) if isinstance(value, float) else text


def _key(value: Any, datatype: pa.DataType) -> str:
    """Return the text of a scalar without quotes."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if datatype in (dt.DOUBLE, dt.REAL):
        return (double_text if datatype == dt.DOUBLE else real_text)(value)
    return str(value)
