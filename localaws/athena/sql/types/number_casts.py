"""DuckDB SQL for casts between numbers, where DuckDB's own cast has another result than Trino's.

Source: https://trino.io/docs/current/functions/conversion.html and Trino's DecimalConversions, DoubleOperators and
RealOperators.
"""

from __future__ import annotations

import pyarrow as pa

from localaws.athena import datatypes as dt

SHORT = 18  # maximum digits of a decimal that Trino and DuckDB store in 64 bits
_LARGEST_REAL = "3.4028235677973366e38"  # a double from this value on is rounded to an infinite real


def number_cast(text: str, source: pa.DataType, target: pa.DataType, verb: str = "CAST") -> str:
    """Cast ``text``, a number, boolean or NULL of type ``source``, to ``target``; ``verb`` is CAST or TRY_CAST."""
    plain = f"{verb}({text} AS {dt.duckdb_name(target)})"
    if dt.is_decimal(source):
        return _from_decimal(text, source, target, plain)
    if source in (dt.DOUBLE, dt.REAL):
        return _from_floating(text, source, target, verb) or plain
    if source == dt.BOOLEAN and dt.is_decimal(target):
        return f"{verb}(CAST({text} AS INTEGER) AS {dt.duckdb_name(target)})"
    return plain


def unscaled(text: str, datatype: pa.DataType) -> str:
    """Return a decimal's unscaled value as a HUGEINT: by multiplication if the product fits, otherwise through text."""
    scale, digits = datatype.scale, datatype.precision + datatype.scale + 1
    if scale == 0:
        return f"CAST({text} AS HUGEINT)"
    if digits > dt.MAX_DIGITS:
        return f"trino_unscaled({text})"
    return f"CAST(CAST({text} AS DECIMAL({digits},{scale})) * {10**scale} AS HUGEINT)"


def _from_decimal(text: str, source: pa.DataType, target: pa.DataType, plain: str) -> str:
    if target == dt.BOOLEAN:
        return f"({text} <> 0)"
    if target == dt.VARCHAR and source.precision == source.scale:
        return rf"regexp_replace(CAST({text} AS VARCHAR), '^(-?)\.', '\10.')"  # 0.5 instead of DuckDB's .5
    if target not in (dt.DOUBLE, dt.REAL):
        return plain
    name = dt.duckdb_name(target)
    if source.precision > SHORT:
        return f"CAST(CAST({text} AS VARCHAR) AS {name})"
    digits = f"CAST(CAST({unscaled(text, source)} AS BIGINT) AS {name})"
    return f"({digits} / CAST(1e{source.scale} AS {name}))" if source.scale else digits


def _from_floating(text: str, source: pa.DataType, target: pa.DataType, verb: str) -> str | None:
    name = dt.duckdb_name(target)
    if target in dt.INTEGERS:
        return f"{verb}(round({text}) AS {name})"
    if dt.is_decimal(target):
        return f"{verb}(trino_floating_text({text}, {53 if source == dt.DOUBLE else 24}) AS {name})"
    if (source, target) == (dt.DOUBLE, dt.REAL):
        return f"trino_real({text}, {_LARGEST_REAL})"
    return None
