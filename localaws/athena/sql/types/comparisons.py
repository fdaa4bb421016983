"""Comparisons of two values of one type, with Trino's rules for NaN and for NULL inside arrays, maps and rows.

Source: ArrayType, MapType and RowType of Trino
"""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa
from sqlglot import exp

from localaws.athena import datatypes as dt
from localaws.athena.errors import not_supported
from localaws.athena.quoting import duckdb_string
from localaws.athena.sql.parsing.nodes import type_mismatch
from localaws.athena.sql.types import nested
from localaws.athena.sql.types.typed_sql import TypedSql, once

# In DuckDB, NaN equals NaN and is the largest number; in Trino, every comparison with NaN is false.
_WITH_NAN = {
    "=": "({a} = {b} AND (NOT isnan({a}) OR {b} IS NULL))",
    "<>": "({a} <> {b} OR (isnan({a}) AND {b} IS NOT NULL))",
    "<": "({a} < {b} AND (NOT isnan({b}) OR {a} IS NULL))",
    "<=": "({a} <= {b} AND (NOT isnan({b}) OR {a} IS NULL))",
    ">": "({a} > {b} AND (NOT isnan({a}) OR {b} IS NULL))",
    ">=": "({a} >= {b} AND (NOT isnan({a}) OR {b} IS NULL))",
}


def compared(operator: str, first: str, second: str, datatype: pa.DataType) -> str:
    """Return ``first operator second``; both have type ``datatype``, which has this operator in Trino."""
    if datatype in (dt.DOUBLE, dt.REAL) and operator in _WITH_NAN:
        with_nan = _WITH_NAN[operator]
        return once([first, second], lambda a, b: with_nan.format(a=a, b=b))
    if dt.kind(datatype) == "char" and operator[0] in "<>" and operator != "<>":
        # The shorter text is compared with trailing spaces, which are larger than some characters.
        return once([first, second], lambda a, b: f"({_as_long(a, b)} {operator} {_as_long(b, a)})")
    if not pa.types.is_nested(datatype):
        return f"({instant(first, datatype)} {operator} {instant(second, datatype)})"
    if operator in ("=", "<>"):
        equal = once([first, second], lambda a, b: _equal(a, b, datatype))
        return equal if operator == "=" else f"(NOT {equal})"
    if "DISTINCT" in operator:
        return f"({canonical(first, datatype)} {operator} {canonical(second, datatype)})"
    return f"({ordered(first, datatype, nan=False)} {operator} {ordered(second, datatype, nan=False)})"


def _as_long(text: str, other: str) -> str:
    return f"rpad({text}, CAST(greatest(length({text}), length({other})) AS INTEGER), ' ')"


def instant(text: str, datatype: pa.DataType) -> str:
    """Return SQL for a value that DuckDB compares as Trino: without the time zone, if the value has one.

    DuckDB compares two narrower timestamps with time zone as Trino does.
    """
    return f"trino_instant_ps({text})" if _has_zone_field(datatype) else text


def _has_zone_field(datatype: pa.DataType) -> bool:
    return dt.has_picoseconds(datatype) and dt.kind(datatype) in (dt.ZONED, dt.ZONED_TIME)


def _contains_zone(datatype: pa.DataType) -> bool:
    return dt.kind(datatype) in (dt.ZONED, dt.ZONED_TIME) or any(map(_contains_zone, dt.parts(datatype)))


def order_key(text: str, datatype: pa.DataType, nan: bool = True) -> str:
    """Return SQL for a key with the order of the values, for ORDER BY and functions such as max_by.

    Without ``nan``, a NaN inside an array or a row is refused.
    """
    if pa.types.is_nested(datatype) and _contains_zone(datatype):
        raise not_supported(f"the order of {dt.trino_name(datatype)}")
    if _contains_zone(datatype) and not dt.has_picoseconds(datatype):
        return (
            f"epoch_us({text})"  # DuckDB's ORDER BY in an aggregate does not compare intervals by their total
        )
    if isinstance(datatype, dt.TrinoType) and datatype.kind == "char":
        return f"rpad({text}, {datatype.size}, ' ')"
    return ordered(text, datatype, nan)


def has_order(datatype: pa.DataType) -> bool:
    """Return whether Trino can order values of this type."""
    return datatype != dt.JSON and not dt.is_map(datatype) and all(map(has_order, dt.parts(datatype)))


def ordered(text: str, datatype: pa.DataType, nan: bool = True) -> str:
    """Return SQL for a value that is compared by order.

    A NULL inside is refused: Trino fails if it compares such a NULL. A NaN inside is the largest number, as in Trino
    when it sorts or looks for a minimum. Without ``nan`` it is refused, too.
    """
    if not pa.types.is_nested(datatype):
        return text
    refused = "NULL" if nan else "NULL or NaN"
    reason = duckdb_string(f"the order of {dt.trino_name(datatype)} with {refused} inside")
    return once(
        [text],
        lambda value: (
            f"CASE WHEN CASE WHEN {_without_order(value, datatype, nan)} THEN trino_refuse({reason}) END IS NULL "
            f"THEN {value} END"
        ),
    )


def maximum(texts: Sequence[str], datatype: pa.DataType) -> str:
    """Return SQL for the largest of some arrays or rows, in which NaN is the smallest number."""
    keyed = [f"struct_pack(k := {_nan_first(text, datatype, datatype)}, v := {text})" for text in texts]
    return f"(greatest({', '.join(keyed)})).v"


def maximum_of(elements: str, datatype: pa.DataType) -> str:
    """Return SQL for the largest element of ``elements``, as in ``maximum``."""
    keyed = f"struct_pack(k := {_nan_first('item', datatype, datatype)}, v := item)"
    return f"(list_max(list_transform({elements}, lambda item: {keyed}))).v"


def _nan_first(text: str, datatype: pa.DataType, target: pa.DataType) -> str:
    if datatype in (dt.DOUBLE, dt.REAL):
        return f"trino_below_all_if_nan({text})"
    return nested.rebuilt(text, datatype, target, _nan_first) if pa.types.is_nested(datatype) else text


def sort_key(value: TypedSql, node: exp.Expr) -> str:
    """Return SQL for a value in ORDER BY."""
    if not has_order(value.type):
        raise type_mismatch(
            node,
            f"Type {dt.trino_name(value.type)} is not orderable, and therefore cannot be used in ORDER BY",
        )
    return order_key(value.sql, value.type)


def check_groups(datatype: pa.DataType) -> None:
    """Raise QueryFailed for a type that DuckDB does not group as Trino: it compares the order of a map's keys, too."""
    if dt.contains_map(datatype) or _contains_zone_field(datatype):
        raise not_supported(f"GROUP BY or DISTINCT of {dt.trino_name(datatype)}")


def _contains_zone_field(datatype: pa.DataType) -> bool:
    return _has_zone_field(datatype) or any(map(_contains_zone_field, dt.parts(datatype)))


def canonical(text: str, datatype: pa.DataType) -> str:
    """Return SQL for a value that is equal in DuckDB if and only if Trino does not call it distinct."""
    if not dt.contains_map(datatype):
        return text
    if dt.is_map(datatype):
        key, value = map(canonical, ("(pair).key", "(pair).value"), dt.parts(datatype))
        pair = f"struct_pack(key := {key}, value := {value})"
        return f"list_sort(list_transform(map_entries({text}), lambda pair: {pair}))"
    return nested.rebuilt(text, datatype, datatype, lambda part, source, _: canonical(part, source))


def _equal(a: str, b: str, datatype: pa.DataType) -> str:
    known = f"{a} IS NOT NULL AND {b} IS NOT NULL"
    if dt.is_row(datatype):
        fields = [
            compared("=", nested.field(a, datatype, at), nested.field(b, datatype, at), part)
            for at, part in enumerate(dt.parts(datatype))
        ]
        return f"CASE WHEN {known} THEN trino_all([{', '.join(fields)}]) END"
    if dt.is_map(datatype):
        key = f"key{a.count('[key')}"  # a map in a map needs another name
        values = compared("=", f"{a}[{key}]", f"{b}[{key}]", datatype.item_type)
        found = f"CASE WHEN map_contains({b}, {key}) THEN {values} ELSE false END"
        size, items = "cardinality", f"list_transform(map_keys({a}), lambda {key}: {found})"
    else:
        pairs = compared("=", "pair[1]", "pair[2]", datatype.value_type)
        size, items = "len", f"list_transform(list_zip({a}, {b}), lambda pair: {pairs})"
    return f"CASE WHEN {known} THEN CASE WHEN {size}({a}) <> {size}({b}) THEN false ELSE trino_all({items}) END END"


def _without_order(text: str, datatype: pa.DataType, nan: bool) -> str:
    """Return SQL for whether a NULL, or without ``nan`` a NaN, is inside an array or a row."""
    if dt.is_array(datatype):
        return f"len(list_filter({text}, lambda item: {_inside('item', datatype.value_type, nan)})) > 0"
    fields = (
        _inside(nested.field(text, datatype, at), part, nan) for at, part in enumerate(dt.parts(datatype))
    )
    return f"({text} IS NOT NULL AND ({' OR '.join(fields)}))"


def _inside(text: str, datatype: pa.DataType, nan: bool) -> str:
    if datatype in (dt.DOUBLE, dt.REAL) and not nan:
        return f"({text} IS NULL OR isnan({text}))"
    if pa.types.is_nested(datatype):
        return f"({text} IS NULL OR {_without_order(text, datatype, nan)})"
    return f"({text} IS NULL)"
