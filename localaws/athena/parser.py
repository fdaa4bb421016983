"""Trino's grammar: sqlglot's tree of a query, with every function call left as it was written.

sqlglot would rewrite functions to its own idea of them; here their meaning is the white-list's.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any, ClassVar

from sqlglot import exp
from sqlglot.dialects.trino import Trino
from sqlglot.errors import ParseError, TokenError
from sqlglot.parsers.trino import TrinoParser

from localaws.athena.errors import MalformedQuery
from localaws.athena.statements import Token, tokenize

_WITH_OWN_SYNTAX = ("CAST", "TRY_CAST", "EXTRACT", "TRIM", "POSITION", "SUBSTRING", "LISTAGG")
# What sqlglot takes and Trino does not: ``a::int``, ``a == b``, and a comma before the next clause.
_NOT_TRINO = {(":", ":"), ("=", "=")}
_AFTER_A_LIST = {"FROM", "WHERE", "GROUP", "ORDER", "HAVING", "LIMIT", ")"}


class _Trino(Trino):
    INDEX_OFFSET = 0  # a[1] stays a[1]

    class Parser(TrinoParser):
        FUNCTIONS: ClassVar[dict[str, Any]] = {}
        FUNCTION_PARSERS: ClassVar[dict[str, Any]] = {
            name: parser for name, parser in TrinoParser.FUNCTION_PARSERS.items() if name in _WITH_OWN_SYNTAX
        }


def parse_query(text: str, parameters: Sequence[str] = ()) -> exp.Expr:
    """The tree of one query; ``parameters`` are literals for its ``?``, in order. Raises MalformedQuery."""
    _refuse_other_dialects(tokenize(text))
    tree = _parse(text)
    placeholders = list(tree.find_all(exp.Placeholder, bfs=False))
    if len(placeholders) != len(parameters):
        raise MalformedQuery(
            f"Incorrect number of parameters: expected {len(placeholders)} but found {len(parameters)}"
        )
    for placeholder, value in zip(placeholders, parameters, strict=True):
        placeholder.replace(_literal(value))
    return tree


def _parse(text: str) -> exp.Expr:
    try:
        trees = [tree for tree in _Trino().parse(text) if tree is not None]
    except ParseError as error:
        raise MalformedQuery(_mismatched(error)) from None
    except TokenError as error:
        raise MalformedQuery(str(error)) from None
    if len(trees) != 1:
        raise MalformedQuery(f"Only one sql statement is allowed. Got: {text}")
    return trees[0]


def _literal(value: str) -> exp.Expr:
    tree = _parse(f"SELECT {value}")
    (literal,) = tree.expressions
    if literal.find(exp.Column, exp.Query) is not None:
        raise MalformedQuery(f"an execution parameter must be a literal, not {value}")
    return exp.Paren(this=literal) if not isinstance(literal, exp.Literal) else literal


def _mismatched(error: ParseError) -> str:
    if not error.errors:
        return str(error)
    first = error.errors[0]
    word = str(first.get("highlight") or "")
    column = int(first["col"]) - max(0, len(word) - 1)
    return f"line {first['line']}:{column}: mismatched input '{word}'. {first['description']}"


def _refuse_other_dialects(tokens: list[Token]) -> None:
    for token, following in pairwise(tokens):
        adjacent = token.line == following.line and following.column == token.column + 1
        if ((token.text, following.text) in _NOT_TRINO and adjacent) or (
            token.text == "," and following.keyword in _AFTER_A_LIST
        ):
            raise MalformedQuery(
                f"line {following.line}:{following.column}: mismatched input '{following.text}'"
            )
