"""The sqlglot dialect for Trino's grammar; every function call stays in the tree as it was written.

sqlglot would rewrite function calls to its own functions; here ``functions.supported`` defines their meaning. sqlglot
also accepts texts that Trino rejects, and the reverse, so ``grammar`` first decides what is a query.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, ClassVar

from sqlglot import exp
from sqlglot.dialects.trino import Trino
from sqlglot.errors import ParseError, TokenError
from sqlglot.parsers.trino import TrinoParser
from sqlglot.tokenizer_core import Token, TokenType

from localaws.athena.datatypes import MAX_DIGITS, TRINO_TYPE_NAMES
from localaws.athena.errors import SYNTAX_ERROR, MalformedQuery, QueryFailed, not_supported
from localaws.athena.sql.parsing.expression_grammar import RecognizedQuery
from localaws.athena.sql.parsing.grammar import recognize, recognize_expression
from localaws.athena.sql.parsing.json_grammar import Edits
from localaws.athena.sql.parsing.nodes import position
from localaws.athena.sql.parsing.tokens import place

_WITH_OWN_SYNTAX = ("CAST", "TRY_CAST", "EXTRACT", "TRIM", "POSITION", "SUBSTRING", "LISTAGG")
_AFTER_VALUES = (
    *(TokenType.UNION, TokenType.EXCEPT, TokenType.INTERSECT, TokenType.ORDER_BY),
    *(TokenType.LIMIT, TokenType.OFFSET, TokenType.FETCH),
)
_DECIMAL = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)")
_WORD = re.compile(r"[^\W\d]\w*")


class UnaryPlus(exp.Unary, exp.Expression):
    """``+x``. sqlglot would drop the operator, and so the check that x is a number."""


class TimestampLiteral(exp.Func, exp.Expression):
    """``TIMESTAMP '...'``, whose type depends on the text."""

    _sql_names: ClassVar[list[str]] = ["TIMESTAMP"]


class _Trino(Trino):
    INDEX_OFFSET = 0  # a[1] stays a[1]

    class Parser(TrinoParser):
        FUNCTIONS: ClassVar[dict[str, Any]] = {}
        FUNCTION_PARSERS: ClassVar[dict[str, Any]] = {
            name: parser for name, parser in TrinoParser.FUNCTION_PARSERS.items() if name in _WITH_OWN_SYNTAX
        }

        def _parse_types(self, *args: Any, **kwargs: Any) -> exp.Expr | None:
            """Do not parse ``ARRAY[`` as a type: Trino has none, and sqlglot would parse nested arrays repeatedly."""
            if self._curr.token_type == TokenType.ARRAY and self._next.token_type == TokenType.L_BRACKET:
                return None
            return super()._parse_types(*args, **kwargs)

        def _parse_derived_table_values(self, *args: Any, **kwargs: Any) -> exp.Values | None:
            """Do not parse ``(VALUES 1 UNION ...)`` as a table of values."""
            if self._curr.token_type == TokenType.L_PAREN and self._next.token_type == TokenType.VALUES:
                depth = 0
                for token in self._tokens[self._index :]:
                    depth += (token.token_type == TokenType.L_PAREN) - (token.token_type == TokenType.R_PAREN)
                    if depth == 0:
                        break
                    if depth == 1 and token.token_type in _AFTER_VALUES:
                        return None
            return super()._parse_derived_table_values(*args, **kwargs)

        UNARY_PARSERS: ClassVar[dict[TokenType, Any]] = {
            **TrinoParser.UNARY_PARSERS,
            TokenType.PLUS: lambda parser: parser.expression(UnaryPlus(this=parser._parse_unary())),
        }
        TYPE_LITERAL_PARSERS: ClassVar[dict[Any, Any]] = {
            **TrinoParser.TYPE_LITERAL_PARSERS,
            exp.DataType.Type.DECIMAL: lambda self, this, to: _decimal_literal(this),
            exp.DataType.Type.TIMESTAMP: lambda self, this, to: TimestampLiteral(this=this),
            exp.DataType.Type.TIMESTAMPTZ: lambda self, this, to: TimestampLiteral(this=this),
        }


def parse_query(text: str, parameters: Sequence[str] | None = ()) -> exp.Expr:
    """Parse one query; ``parameters`` are literals for its ``?``, in order. With None each ``?`` stays.

    Raises MalformedQuery for a text that does not fit Trino's grammar, and QueryFailed for an unknown type and for
    syntax that sqlglot cannot parse.
    """
    tree = _parse(text)
    if parameters is None:
        return tree
    placeholders = list(tree.find_all(exp.Placeholder, bfs=False))
    if len(placeholders) != len(parameters):
        raise MalformedQuery(
            f"Incorrect number of parameters: expected {len(placeholders)} but found {len(parameters)}"
        )
    for placeholder, value in zip(placeholders, parameters, strict=True):
        placeholder.replace(_literal(value))
    return tree


def _parse(text: str) -> exp.Expr:
    found = recognize(text)
    for named in found.types:
        if named.name not in TRINO_TYPE_NAMES:
            raise QueryFailed(
                f"TYPE_NOT_FOUND: {place(text, named.start)}: Unknown type: {named.name}", SYNTAX_ERROR
            )
    if found.unsupported:
        raise not_supported(found.unsupported[0])
    try:
        dialect = _Trino()
        tokens = _edited(_with_names(dialect.tokenize(found.text), found), found.edits)
        trees = [tree for tree in dialect.parser().parse(tokens, found.text) if tree is not None]
    except ParseError as error:
        raise not_supported(_unread(error)) from None
    except TokenError as error:
        raise not_supported(str(error)) from None
    if len(trees) != 1:
        raise MalformedQuery(f"Only one sql statement is allowed. Got: {text}")
    return trees[0]


def _decimal_literal(text: exp.Expr) -> exp.Expr:
    """Return the cast for ``DECIMAL '1.10'``: a decimal(3,2), with all written digits except leading zeros."""
    written = str(text.this)
    if not _DECIMAL.fullmatch(written):
        raise QueryFailed(
            f"INVALID_LITERAL: {position(text)}'{written}' is not a valid DECIMAL literal", SYNTAX_ERROR
        )
    whole, _, fraction = written.lstrip("+-").lstrip("0").partition(".")
    precision = max(1, len(whole) + len(fraction))
    if precision > MAX_DIGITS:
        raise QueryFailed(
            f"INVALID_LITERAL: {position(text)}a decimal has no more than 38 digits: {written}", SYNTAX_ERROR
        )
    return exp.Cast(this=text, to=exp.DataType.build(f"DECIMAL({precision}, {len(fraction)})"))


def _with_names(tokens: list[Token], found: RecognizedQuery) -> list[Token]:
    """Convert names to quoted identifiers: for sqlglot, the alias in ``SELECT x isnull`` would be an operator."""
    plain = (TokenType.VAR, TokenType.IDENTIFIER)
    return [
        Token(TokenType.IDENTIFIER, token.text, token.line, token.col, token.start, token.end)
        if token.start in found.names and token.token_type not in plain
        else token
        for token in tokens
    ]


def _edited(tokens: list[Token], edits: Edits) -> list[Token]:
    """Rewrite JSON functions to plain calls."""
    if not edits.added:
        return tokens
    if edits.encodings:
        raise not_supported("FORMAT JSON ENCODING")
    found: list[Token] = []
    for token in tokens:
        place = (token.line, token.col, token.start, token.end)
        if token.start in edits.added:
            comma = [] if token.start in edits.alone else [Token(TokenType.COMMA, ",", *place)]
            found += [*comma, Token(TokenType.STRING, edits.added[token.start], *place), token]
        elif token.start in edits.commas:
            found.append(Token(TokenType.COMMA, ",", *place))
        elif not edits.drops(token.start):
            found.append(token)
    return found


def _literal(value: str) -> exp.Expr:
    """Return the expression of an execution parameter. Athena reads a single word such as Seattle as a string.

    Source: the tests of awswrangler, which run on Athena.
    """
    if _WORD.fullmatch(value) and value.upper() not in {"TRUE", "FALSE", "NULL"}:
        return exp.Literal.string(value)
    recognize_expression(value)
    (literal,) = _parse(f"SELECT {value}").expressions
    if literal.find(exp.Column, exp.Query, exp.Placeholder) is not None:
        raise MalformedQuery(f"an execution parameter must be a literal, not {value}")
    return exp.Paren(this=literal) if not isinstance(literal, exp.Literal) else literal


def _unread(error: ParseError) -> str:
    """Return the position at which sqlglot failed, in a text that Trino accepts."""
    if not error.errors:
        return f"syntax that sqlglot cannot parse: {error}"
    first = error.errors[0]
    word = str(first.get("highlight") or "")
    column = int(first["col"]) - max(0, len(word) - 1)
    return f"the syntax at line {first['line']}:{column}: '{word}'"
