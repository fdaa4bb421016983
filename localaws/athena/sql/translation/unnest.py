"""UNNEST of arrays, maps and arrays of rows, as one list that DuckDB unnests.

Source: https://trino.io/docs/401/sql/select.html#unnest
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlglot import exp

from localaws.athena import datatypes as dt
from localaws.athena.sql.parsing.nodes import type_mismatch
from localaws.athena.sql.translation.output_columns import OutputColumn
from localaws.athena.sql.types import nested
from localaws.athena.sql.types.typed_sql import TypedSql, once


def unnested(
    values: Sequence[TypedSql], nodes: Sequence[exp.Expr], with_ordinality: bool, outer: bool
) -> tuple[str, list[OutputColumn]]:
    """Return a SELECT of the elements, and its columns; the ordinality is the last column, without a name.

    A map has two columns, an array of rows one for each field. Shorter arrays are filled with NULL. With ``outer``,
    for a LEFT JOIN, there is a row of NULLs if there is no element.
    """
    lists = [_list(value, node) for value, node in zip(values, nodes, strict=True)]
    elements, whole = ["element"], lists[0]
    if len(lists) > 1:
        fields = ", ".join(f"x{at} := zipped[{at + 1}]" for at in range(len(lists)))
        whole = f"list_transform(list_zip({', '.join(lists)}), lambda zipped: struct_pack({fields}))"
        elements = [f"element.x{at}" for at in range(len(lists))]
    if with_ordinality:
        numbered = "struct_pack(element := element, place := place)"
        whole = f"list_transform({whole}, lambda element, place: {numbered})"
        elements = [element.replace("element", "element.element", 1) for element in elements]
    if outer:
        whole = once([whole], lambda given: f"CASE WHEN len({given}) > 0 THEN {given} ELSE [NULL] END")
    texts, outputs = [], []
    for value, element in zip(values, elements, strict=True):
        for text, output in _columns(value, element):
            texts.append(text)
            outputs.append(output)
    if with_ordinality:
        texts.append("element.place")
        outputs.append(OutputColumn(None, dt.BIGINT))
    selected = ", ".join(f"{text} AS c{at}" for at, text in enumerate(texts))
    return f"SELECT {selected} FROM (SELECT unnest({whole}) AS element)", outputs


def _list(value: TypedSql, node: exp.Expr) -> str:
    if dt.is_map(value.type):
        return f"map_entries({value.sql})"
    if not dt.is_array(value.type):
        raise type_mismatch(node, f"Cannot unnest type: {dt.trino_name(value.type)}")
    return value.sql


def _columns(value: TypedSql, element: str) -> list[tuple[str, OutputColumn]]:
    if dt.is_map(value.type):
        key, item = dt.parts(value.type)
        return [(f"{element}.key", OutputColumn(None, key)), (f"{element}.value", OutputColumn(None, item))]
    (inner,) = dt.parts(value.type)
    if not dt.is_row(inner):
        return [(element, OutputColumn(None, inner))]
    return [
        (nested.field(element, inner, at), OutputColumn(field.name or None, field.type))
        for at, field in enumerate(inner)
    ]
