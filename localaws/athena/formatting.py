"""Values as Athena's results write them, and the columns' description.

Source: https://docs.aws.amazon.com/athena/latest/APIReference/API_ColumnInfo.html; doubles are Java's Double.toString.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa

from localaws.athena import datatypes as dt
from localaws.athena.result import ResultColumn, Row

_PRECISIONS = {
    dt.TINYINT: 3,
    dt.SMALLINT: 5,
    dt.INTEGER: 10,
    dt.BIGINT: 19,
    dt.REAL: 17,
    dt.DOUBLE: 17,
    dt.VARCHAR: 2**31 - 1,
    dt.VARBINARY: 2**30,
    dt.TIMESTAMP: 3,
}
_SCIENTIFIC_FROM, _PLAIN_FROM = 1e7, 1e-3


def result_column(name: str, datatype: pa.DataType, length: int | None = None) -> ResultColumn:
    """``length`` is the n of a varchar(n)."""
    if dt.is_decimal(datatype):
        return ResultColumn(name, "decimal", datatype.precision, datatype.scale)
    plain = dt.trino_name(datatype).partition("(")[0]
    shown = {"real": "float"}.get(plain, plain)
    return ResultColumn(
        name, shown, length or _PRECISIONS.get(datatype, 0), 0, case_sensitive=datatype == dt.VARCHAR
    )


def rows(table: pa.Table, types: list[pa.DataType]) -> list[Row]:
    """Every row as texts; None is NULL."""
    columns = [
        [None if value is None else write(value) for value in column.to_pylist()]
        for column, write in zip(table.columns, map(_writer, types), strict=True)
    ]
    return list(zip(*columns, strict=True))


def double_text(value: float) -> str:
    """``1.0``, ``1.23456789E7``, ``1.0E-4``: the shortest digits that give the number back, in Java's layout."""
    return _java_text(value, repr(float(value)))


def real_text(value: float) -> str:
    return _java_text(value, str(np.float32(value)))


def _java_text(value: float, shortest: str) -> str:
    """``shortest`` is Python's text; from 0.001 to ten million, and for zero, Java's is the same."""
    if _PLAIN_FROM <= abs(value) < _SCIENTIFIC_FROM or value == 0:
        return shortest
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "Infinity" if value > 0 else "-Infinity"
    sign, digits, exponent = Decimal(shortest).as_tuple()
    written = "".join(map(str, digits)).rstrip("0")
    return f"{'-' if sign else ''}{written[0]}.{written[1:] or '0'}E{len(digits) + int(exponent) - 1}"


def _writer(datatype: pa.DataType) -> Callable[[Any], str]:  # noqa: PLR0911 - one for each family of types
    if datatype == dt.DOUBLE:
        return double_text
    if datatype == dt.REAL:
        return real_text
    if datatype == dt.BOOLEAN:
        return lambda value: "true" if value else "false"
    if datatype == dt.TIMESTAMP:
        return lambda value: value.isoformat(" ", "milliseconds")
    if datatype == dt.VARBINARY:
        return lambda value: value.hex(" ")
    if dt.is_decimal(datatype):
        return lambda value: f"{value:f}"
    if dt.is_array(datatype):
        item = _nested_writer(datatype.value_type)
        return lambda value: f"[{', '.join(map(item, value))}]"
    if pa.types.is_map(datatype):
        key, entry = _nested_writer(datatype.key_type), _nested_writer(datatype.item_type)
        return lambda value: "{" + ", ".join(f"{key(k)}={entry(v)}" for k, v in value) + "}"
    if pa.types.is_struct(datatype):
        fields = [(field.name, _nested_writer(field.type)) for field in datatype]
        return lambda value: "{" + ", ".join(f"{name}={write(value[name])}" for name, write in fields) + "}"
    return str


def _nested_writer(datatype: pa.DataType) -> Callable[[Any], str]:
    write = _writer(datatype)
    return lambda value: "null" if value is None else write(value)
