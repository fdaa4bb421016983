"""Arrays, maps and rows: their constructors, subscripts, and functions that a signature does not describe."""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa
from sqlglot import exp

from localaws.athena import datatypes as dt
from localaws.athena.errors import SYNTAX_ERROR, QueryFailed, not_supported
from localaws.athena.sql.functions.overloads import check_equality
from localaws.athena.sql.parsing.nodes import position, type_mismatch, unsupported
from localaws.athena.sql.types import nested
from localaws.athena.sql.types.casts import coerced
from localaws.athena.sql.types.comparisons import compared, has_order, maximum_of, ordered
from localaws.athena.sql.types.typed_sql import TypedSql, once

_SEARCHES = {"contains": "trino_any", "array_position": "trino_first_true"}
_MOST_ZIPPED = 5


def row(values: Sequence[TypedSql]) -> TypedSql:
    datatype = dt.row([pa.field("", value.type) for value in values])
    return TypedSql(nested.packed(datatype, [value.sql for value in values]), datatype)


def subscript(value: TypedSql, index: TypedSql, node: exp.Expr) -> TypedSql:
    """Translate ``value[index]`` of an array, a map or a row. A missing element is an error."""
    if dt.is_row(value.type):
        return _field_at(value, node)
    wanted, macro, result = (
        (dt.parts(value.type)[0], "trino_map_subscript", value.type.item_type)
        if dt.is_map(value.type)
        else (dt.BIGINT, "trino_subscript", value.type.value_type if dt.is_array(value.type) else dt.NULL)
    )
    if not (dt.is_array(value.type) or dt.is_map(value.type)) or not dt.can_coerce(index.type, wanted):
        raise type_mismatch(
            node, f"Cannot use {dt.trino_name(index.type)} for subscript of {dt.trino_name(value.type)}"
        )
    return TypedSql(once([value.sql, coerced(index, wanted)], lambda a, i: f"{macro}({a}, {i})"), result)


def _field_at(value: TypedSql, node: exp.Expr) -> TypedSql:
    (index,) = node.expressions
    if not isinstance(index, exp.Literal) or index.is_string or not str(index.this).isdigit():
        raise unsupported("a subscript of a row that is not a constant", node)
    at = int(index.this)
    if not 1 <= at <= len(dt.parts(value.type)):
        raise QueryFailed(
            f"INVALID_FUNCTION_ARGUMENT: {position(node)}ROW index out of bounds: {at}", SYNTAX_ERROR
        )
    return TypedSql(nested.field(value.sql, value.type, at - 1), dt.parts(value.type)[at - 1])


def _row(name: str, values: list[TypedSql], nodes: list[exp.Expr]) -> TypedSql | None:
    return row(values) if values else None


def _map(name: str, values: list[TypedSql], nodes: list[exp.Expr]) -> TypedSql | None:
    if not values:
        return TypedSql("map([], [])", dt.map_of(dt.NULL, dt.NULL))
    if len(values) != 2 or not all(dt.is_array(value.type) or value.type == dt.NULL for value in values):
        return None
    check_equality(dt.parts(values[0].type)[0] if dt.is_array(values[0].type) else dt.NULL)
    keys, items = (value.type.value_type if dt.is_array(value.type) else dt.NULL for value in values)
    values = [
        TypedSql(coerced(value, pa.list_(part)), pa.list_(part))
        for value, part in zip(values, (keys, items), strict=True)
    ]
    return TypedSql(
        once([value.sql for value in values], lambda k, v: f"trino_map({k}, {v})"), dt.map_of(keys, items)
    )


def _search(name: str, values: list[TypedSql], nodes: list[exp.Expr]) -> TypedSql | None:
    """Translate ``contains``, ``array_position`` and ``array_remove``, which compare the elements with a value."""
    if len(values) != 2 or not (dt.is_array(values[0].type) or values[0].type == dt.NULL):
        return None
    item = values[0].type.value_type if dt.is_array(values[0].type) else dt.NULL
    common = dt.common_type(item, values[1].type)
    if common is None:
        return None
    array = pa.list_(common)

    def write(elements: str, value: str) -> str:
        equal = compared("=", "element", value, common)
        if pa.types.is_nested(common):
            equal = f"CASE WHEN element IS NOT NULL THEN trino_determined({equal}, '{name}') END"
        if name == "array_remove":
            found = f"list_filter({elements}, lambda element: coalesce(NOT {equal}, true))"
        else:
            found = f"{_SEARCHES[name]}(list_transform({elements}, lambda element: {equal}))"
        return f"CASE WHEN {value} IS NOT NULL THEN {found} END"

    result = {"contains": dt.BOOLEAN, "array_position": dt.BIGINT}.get(name, array)
    return TypedSql(once([coerced(values[0], array), coerced(values[1], common)], write), result)


def _array_max(name: str, values: list[TypedSql], nodes: list[exp.Expr]) -> TypedSql | None:
    """Translate ``array_max`` of arrays and rows; ``supported`` has the others."""
    if len(values) != 1 or not dt.is_array(values[0].type):
        return None
    item = values[0].type.value_type
    if not pa.types.is_nested(item) or not has_order(item):
        return None
    elements = f"list_transform({values[0].sql}, lambda item: {ordered('item', item)})"
    found = f"CASE WHEN len(elements) = list_count(elements) THEN {maximum_of('elements', item)} END"
    return TypedSql(f"list_transform([{elements}], lambda elements: {found})[1]", item)


def _contains_sequence(name: str, values: list[TypedSql], nodes: list[exp.Expr]) -> TypedSql | None:
    if len(values) != 2 or not all(dt.is_array(value.type) for value in values):
        return None
    common = dt.common_type(values[0].type, values[1].type)
    if common is None:
        return None

    def write(whole: str, part: str) -> str:
        equal = compared("=", f"{whole}[place:place + len({part}) - 1]", part, common)
        places = f"range(1, len({whole}) - len({part}) + 2)"
        found = f"len(list_filter({places}, lambda place: {equal})) > 0"
        return f"CASE WHEN {part} IS NOT NULL AND {whole} IS NOT NULL THEN {found} END"

    return TypedSql(once([coerced(value, common) for value in values], write), dt.BOOLEAN)


def _zip(name: str, values: list[TypedSql], nodes: list[exp.Expr]) -> TypedSql | None:
    if not 2 <= len(values) <= _MOST_ZIPPED or not all(dt.is_array(value.type) for value in values):
        return None
    datatype = dt.row([pa.field("", value.type.value_type) for value in values])

    def write(*texts: str) -> str:
        known = " AND ".join(f"{text} IS NOT NULL" for text in texts)
        fields = [f"zipped[{at + 1}]" for at in range(len(texts))]
        rows = (
            f"list_transform(list_zip({', '.join(texts)}), lambda zipped: {nested.packed(datatype, fields)})"
        )
        return f"CASE WHEN {known} THEN {rows} END"

    return TypedSql(once([value.sql for value in values], write), pa.list_(datatype))


def _map_concat(name: str, values: list[TypedSql], nodes: list[exp.Expr]) -> TypedSql | None:
    """Translate ``map_concat``: of a key in several maps, the value of the last map counts."""
    common = common_of(values)
    if len(values) < 2 or common is None or not dt.is_map(common):
        return None
    pairs = " || ".join(f"trino_pairs_of({coerced(value, common)})" for value in reversed(values))
    return TypedSql(f"list_transform([{pairs}], lambda pairs: trino_map_concat(pairs))[1]", common)


def _sequence(name: str, values: list[TypedSql], nodes: list[exp.Expr]) -> TypedSql | None:
    """Translate ``sequence`` of dates or timestamps with an interval; ``supported`` has the others."""
    if len(values) != 3 or values[2].type not in (dt.DAY_TO_SECOND, dt.YEAR_TO_MONTH):
        return None
    common = dt.common_type(values[0].type, values[1].type)
    if common is None or not (common == dt.DATE or dt.kind(common) == "timestamp"):
        return None
    if dt.has_picoseconds(common):
        raise not_supported(f"sequence of {dt.trino_name(common)}")
    unit = "months" if values[2].type == dt.YEAR_TO_MONTH else "days" if common == dt.DATE else "milliseconds"
    texts = [*(coerced(value, common) for value in values[:2]), values[2].sql]

    def write(first: str, last: str, step: str) -> str:
        moment = f"trino_sequence_of_{unit}({first}, {last}, {step})"
        return f"CAST({moment} AS {dt.duckdb_name(common)}[])"

    return TypedSql(once(texts, write), pa.list_(common))


def common_of(values: Sequence[TypedSql]) -> pa.DataType | None:
    """Return the common type to which all values can be coerced; None if there is none."""
    common = dt.NULL
    for value in values:
        found = dt.common_type(common, value.type)
        if found is None:
            return None
        common = found
    return common if values else None


NESTED_RULES = {
    "row": _row,
    "map": _map,
    **dict.fromkeys(("contains", "array_position", "array_remove"), _search),
    "array_max": _array_max,
    "contains_sequence": _contains_sequence,
    "zip": _zip,
    "sequence": _sequence,
    "map_concat": _map_concat,
}
