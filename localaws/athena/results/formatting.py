"""The text of values in Athena's results, and the descriptions of columns.

Source: https://docs.aws.amazon.com/athena/latest/APIReference/API_ColumnInfo.html
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import MAXYEAR, datetime, timedelta
from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from localaws.athena import datatypes as dt
from localaws.athena.floats import double_text, real_text
from localaws.athena.results.result import ResultColumn

_PRECISIONS = {
    dt.TINYINT: 3,
    dt.SMALLINT: 5,
    dt.INTEGER: 10,
    dt.BIGINT: 19,
    dt.REAL: 17,
    dt.DOUBLE: 17,
    dt.VARCHAR: 2**31 - 1,
    dt.VARBINARY: 2**30,
}
_MILLISECONDS_OF_A_DAY = 86_400_000
_DAYS_OF_400_YEARS = 146_097
_YEAR_0, _YEAR_1, _YEAR_10000 = -719_528, -719_162, 2_932_897  # in days since 1970


def result_column(name: str, datatype: pa.DataType, length: int | None = None) -> ResultColumn:
    """Return the description of a column. ``length`` is the n of a varchar(n)."""
    if dt.is_decimal(datatype):
        return ResultColumn(name, "decimal", datatype.precision, datatype.scale)
    plain = dt.kind(datatype)
    shown = {"real": "float"}.get(plain, plain)
    precision = length or dt.digits(datatype) or _PRECISIONS.get(datatype, 0)
    return ResultColumn(name, shown, precision, 0, case_sensitive=datatype == dt.VARCHAR)


def texts(column: pa.Array, datatype: pa.DataType) -> pa.Array:  # noqa: PLR0911 - one return for each kind of type
    """Return each value as text. NULL stays NULL."""
    if column.null_count == len(column):  # such a column may have lost its type
        return pa.nulls(len(column), pa.string())
    if datatype in (dt.VARCHAR, dt.JSON):
        return column
    if datatype in (*dt.INTEGERS, dt.BOOLEAN):
        return column.cast(pa.string())
    if datatype in (dt.DATE, dt.TIMESTAMP):
        return _moment_texts(column, datatype)
    if dt.is_array(datatype):
        return _joined(column, _nested_texts(column.flatten(), datatype.value_type), "[]")
    if pa.types.is_map(datatype):
        entry = pa.struct([("key", column.type.key_type), ("value", column.type.item_type)])
        entries = column.cast(pa.list_(entry))
        keys, values = entries.flatten().flatten()
        pairs = (_nested_texts(keys, datatype.key_type), "=", _nested_texts(values, datatype.item_type), "")
        return _joined(entries, pc.binary_join_element_wise(*pairs), "{}")
    if pa.types.is_struct(datatype):
        return _row_texts(column, datatype)
    write = _WRITERS.get(datatype, _decimal_text if dt.is_decimal(datatype) else str)
    return pa.array(
        [None if value is None else write(value) for value in column.to_pylist()], type=pa.string()
    )


def _moment_texts(column: pa.Array, datatype: pa.DataType) -> pa.Array:
    if datatype == dt.TIMESTAMP:
        column = column.cast(pa.timestamp("ms"), safe=False)
    numbers = column.cast(pa.int32() if datatype == dt.DATE else pa.int64())
    unit = 1 if datatype == dt.DATE else _MILLISECONDS_OF_A_DAY
    if all(_YEAR_0 <= edge.as_py() // unit < _YEAR_10000 for edge in (pc.min(numbers), pc.max(numbers))):
        return column.cast(pa.string())
    return pa.array(
        [None if number is None else _moment_text(number, unit) for number in numbers.to_pylist()],
        type=pa.string(),
    )


def _moment_text(number: int, unit: int) -> str:
    """Return a date or timestamp as Java writes it: ``+12345-01-01``, ``-0005-01-01``.

    ``number`` counts days or milliseconds since 1970, ``unit`` of which are a day.
    """
    days, milliseconds = divmod(number, unit)
    cycles, day = divmod(days - _YEAR_1, _DAYS_OF_400_YEARS)
    moment = datetime(1, 1, 1) + timedelta(days=day, milliseconds=milliseconds)
    year = moment.year + 400 * cycles
    sign = "-" if year < 0 else "+" if year > MAXYEAR else ""
    rest = moment.isoformat(" ", "milliseconds")[4:]
    return f"{sign}{abs(year):04d}{rest if unit > 1 else rest[:6]}"


def _nested_texts(column: pa.Array, datatype: pa.DataType) -> pa.Array:
    return texts(column, datatype).fill_null("null")


def _joined(lists: pa.Array, items: pa.Array, brackets: str) -> pa.Array:
    """Return the texts of ``lists``. ``items`` are the texts of all their elements."""
    ends = np.cumsum(pc.list_value_length(lists).fill_null(0).to_numpy(zero_copy_only=False))
    offsets = pa.array(np.concatenate([[0], ends]), type=pa.int32())
    inside = pc.binary_join(pa.ListArray.from_arrays(offsets, items), ", ")
    return _where_valid(lists, pc.binary_join_element_wise(brackets[0], inside, brackets[1], ""))


def _row_texts(column: pa.Array, datatype: pa.DataType) -> pa.Array:
    parts: list[Any] = []
    for at, (field, values) in enumerate(zip(datatype, column.flatten(), strict=True)):
        parts += [f"{', ' if parts else '{'}{dt.field_name(field, at)}=", _nested_texts(values, field.type)]
    return _where_valid(column, pc.binary_join_element_wise(*parts, "}", ""))


def _where_valid(column: pa.Array, written: pa.Array) -> pa.Array:
    return pc.if_else(column.is_valid(), written, pa.scalar(None, pa.string()))


def _decimal_text(value: Decimal) -> str:
    return f"{value:f}"


def _bytes_text(value: bytes) -> str:
    return value.hex(" ")


_WRITERS: dict[pa.DataType, Callable[[Any], str]] = {
    dt.DOUBLE: double_text,
    dt.REAL: real_text,
    dt.VARBINARY: _bytes_text,
}
