"""A translated expression: DuckDB SQL with its Trino type."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import pyarrow as pa
from sqlglot import exp

from localaws.athena import datatypes as dt

_CONSTANT = re.compile(r"-?[\d.]+|'(?:[^']|'')*'|NULL|true|false")
_LONG = 200  # characters


@dataclass(frozen=True)
class TypedSql:
    """SQL and type; ``length`` is the n of varchar(n) if it is known, for a table column or a CAST."""

    sql: str
    type: pa.DataType
    length: int | None = None


def once(texts: Sequence[str], write: Callable[..., str]) -> str:
    """Return ``write(*texts)`` with each operand computed once, even if the macro uses it several times.

    Macros repeat some operands. So the SQL of nested calls would grow exponentially with their depth, and so would the
    time of DuckDB's planner, which cannot be interrupted. Short operands are written unchanged.
    """
    if all(len(text) <= _LONG and "trino_" not in text and "lambda" not in text for text in texts):
        return write(*texts)
    fields = {f"x{at}": text for at, text in enumerate(texts) if not _CONSTANT.fullmatch(text)}
    if not fields:
        return write(*texts)
    shown = [f"(operand).x{at}" if f"x{at}" in fields else text for at, text in enumerate(texts)]
    packed = ", ".join(f"{name} := {text}" for name, text in fields.items())
    return f"list_transform([struct_pack({packed})], lambda operand: {write(*shown)})[1]"


def text_length(value: TypedSql, node: exp.Expr) -> int | None:
    """Return the n of varchar(n), also of a string literal; None if it is not known."""
    if isinstance(node, exp.Literal) and node.is_string:
        return len(node.this)
    return value.length


def shown_type(value: TypedSql, node: exp.Expr) -> str:
    """Return the type as in Trino's messages, where a string literal has a length."""
    if isinstance(node, exp.Literal) and node.is_string:
        return f"varchar({len(node.this)})"
    return dt.trino_name(value.type)
