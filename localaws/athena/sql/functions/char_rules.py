"""Functions of char(n). Their values have no trailing spaces in DuckDB.

Source: https://trino.io/docs/401/functions/string.html
"""

from __future__ import annotations

from collections.abc import Callable

from sqlglot import exp

from localaws.athena import datatypes as dt
from localaws.athena.errors import not_supported
from localaws.athena.sql.functions.overloads import bind
from localaws.athena.sql.functions.supported import SCALARS
from localaws.athena.sql.types import moments
from localaws.athena.sql.types.typed_sql import TypedSql, once, text_length

_PADDED = ("length", "substr", "substring")  # work on the value with its trailing spaces


def _of_char(name: str, values: list[TypedSql], nodes: list[exp.Expr]) -> TypedSql | None:
    """Apply the function of varchar. Parts of a char(n) are a varchar(n)."""
    if not values or dt.kind(values[0].type) != "char":
        return None
    char = values[0].type
    text = moments.padded(values[0].sql, char) if name in _PADDED else values[0].sql
    bound = bind(SCALARS[name], [TypedSql(text, dt.VARCHAR), *values[1:]])
    if bound is None:
        return None
    found = once(bound.arguments, bound.template.format)
    if name in ("length", "lower", "upper"):
        return TypedSql(found, dt.BIGINT if name == "length" else char)
    assert isinstance(char, dt.TrinoType)
    return TypedSql(found if name in _PADDED else f"rtrim({found}, ' ')", dt.VARCHAR, char.size)


def concat(values: list[TypedSql], nodes: list[exp.Expr]) -> TypedSql:
    """Join values of char(n), and of varchar(n) whose length is known."""
    length, texts = 0, []
    for value, node in zip(values, nodes, strict=True):
        size = value.type.size if isinstance(value.type, dt.TrinoType) else text_length(value, node)
        if size is None:
            raise not_supported("concat of char and of a varchar whose length is not known")
        length += size
        texts.append(f"rpad({value.sql}, {size}, ' ')")
    return TypedSql(f"rtrim({' || '.join(texts)}, ' ')", dt.char(length))


CHAR_RULES: dict[str, Callable[[str, list[TypedSql], list[exp.Expr]], TypedSql | None]] = dict.fromkeys(
    (*_PADDED, "lower", "upper", "trim", "ltrim", "rtrim"), _of_char
)
