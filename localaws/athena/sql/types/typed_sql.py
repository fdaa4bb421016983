"""A compiled expression: DuckDB text with its Trino type."""

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
    """``length`` is the n of a varchar(n) where it is known: of a column of a table, and of a CAST."""

    sql: str
    type: pa.DataType
    length: int | None = None


def once(texts: Sequence[str], write: Callable[..., str]) -> str:
    """``write(*texts)``, with operands computed once however often they are written.

    A macro writes some operands several times, so the text of nested calls would grow with the power of their depth,
    and DuckDB's planner, which nothing interrupts, with it. Operands that are short are written as they are.
    """
    if all(len(text) <= _LONG and "trino_" not in text and "lambda" not in text for text in texts):
        return write(*texts)
    fields = {f"x{at}": text for at, text in enumerate(texts) if not _CONSTANT.fullmatch(text)}
    shown = [f"operand.x{at}" if f"x{at}" in fields else text for at, text in enumerate(texts)]
    packed = ", ".join(f"{name} := {text}" for name, text in fields.items())
    return f"list_transform([struct_pack({packed})], lambda operand: {write(*shown)})[1]"


def shown_type(value: TypedSql, node: exp.Expr) -> str:
    """The type as Trino's messages name it: a text literal has its length."""
    if isinstance(node, exp.Literal) and node.is_string:
        return f"varchar({len(node.this)})"
    return dt.trino_name(value.type)
