"""Parses the statements that contain a query: CREATE TABLE AS, CREATE VIEW, INSERT INTO, UNLOAD, PREPARE and EXPLAIN.

Source: https://docs.aws.amazon.com/athena/latest/ug/dml-queries-functions-operators.html and Trino's SqlBase.g4
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from sqlglot import exp

from localaws.athena.errors import SYNTAX_ERROR, QueryFailed, not_supported
from localaws.athena.sql.parsing.grammar import recognize_expression
from localaws.athena.sql.parsing.parser import parse_query
from localaws.athena.sql.parsing.tokens import Cursor, Mismatch, TrinoToken, place

Property = str | int | float | bool | list[str]
_Parsed = TypeVar("_Parsed")
_EXPLAIN_FORMATS = ("TEXT", "GRAPHVIZ", "JSON")
_EXPLAIN_TYPES = ("LOGICAL", "DISTRIBUTED", "VALIDATE", "IO")


@dataclass(frozen=True)
class RelationName:
    """The name of a table or view in lower case. ``catalog`` and ``database`` are '' if the statement has none."""

    catalog: str
    database: str
    name: str
    position: str = ""


@dataclass(frozen=True)
class CreateTableAs:
    name: RelationName
    if_not_exists: bool
    properties: dict[str, Property]
    query: exp.Expr
    with_data: bool


@dataclass(frozen=True)
class CreateView:
    """``text`` is the text of the query, as it is stored in the view."""

    name: RelationName
    or_replace: bool
    comment: str | None
    text: str
    query: exp.Expr


@dataclass(frozen=True)
class InsertInto:
    """``columns`` are the columns in the order of the query; None means all columns of the table."""

    name: RelationName
    columns: tuple[str, ...] | None
    query: exp.Expr


@dataclass(frozen=True)
class Unload:
    query: exp.Expr
    location: str
    properties: dict[str, Property]


@dataclass(frozen=True)
class Prepare:
    name: str
    text: str


@dataclass(frozen=True)
class Execute:
    """``parameters`` are the texts of the literals."""

    name: str
    parameters: tuple[str, ...]


@dataclass(frozen=True)
class Deallocate:
    name: str


@dataclass(frozen=True)
class Explain:
    """``text`` is the explained statement, with white space in place of EXPLAIN, so that positions do not change."""

    analyze: bool
    format: str
    type: str
    text: str


def parse_create_table_as(text: str, parameters: Sequence[str] | None = ()) -> CreateTableAs:
    return StatementParser(text, parameters).parse(StatementParser.create_table_as)


def parse_create_view(text: str) -> CreateView:
    return StatementParser(text).parse(StatementParser.create_view)


def parse_insert(text: str, parameters: Sequence[str] | None = ()) -> InsertInto:
    return StatementParser(text, parameters).parse(StatementParser.insert)


def parse_unload(text: str, parameters: Sequence[str] | None = ()) -> Unload:
    return StatementParser(text, parameters).parse(StatementParser.unload)


def parse_prepare(text: str) -> Prepare:
    return StatementParser(text).parse(StatementParser.prepare)


def parse_execute(text: str) -> Execute:
    return StatementParser(text).parse(StatementParser.execute)


def parse_deallocate(text: str) -> Deallocate:
    return StatementParser(text).parse(StatementParser.deallocate)


def parse_explain(text: str) -> Explain:
    return StatementParser(text).parse(StatementParser.explain)


class StatementParser(Cursor):
    """Each method parses one statement and raises Mismatch at a token that does not fit."""

    def __init__(self, text: str, parameters: Sequence[str] | None = ()) -> None:
        super().__init__(text)
        self._parameters = parameters

    def parse(self, rule: Callable[[StatementParser], _Parsed]) -> _Parsed:
        """Return what ``rule`` returns. Raises MalformedQuery unless it reaches the end of the text."""
        try:
            found = rule(self)
            if self._at < len(self._tokens):
                self._fail()
        except Mismatch:
            token = self._peek_at(self._furthest)
            raise self._error(token, f"mismatched input '{token.text}'") from None
        return found

    # ---------------------------------------------------------------- statements
    def create_table_as(self) -> CreateTableAs:
        self._expect("CREATE", "TABLE")
        if_not_exists = self._take("IF", "NOT", "EXISTS")
        name = self._relation()
        if self._peek() == "(":
            raise not_supported("CREATE TABLE ... AS with a list of columns")
        if self._take("COMMENT"):
            raise not_supported("CREATE TABLE ... COMMENT ... AS")
        properties = self._properties() if self._take("WITH") else {}
        self._expect("AS")
        end, with_data = len(self._tokens), True
        if self._keywords[end - 3 : end] == ["WITH", "NO", "DATA"]:
            end, with_data = end - 3, False
        elif self._keywords[end - 2 : end] == ["WITH", "DATA"]:
            end -= 2
        query = self._query(self._at, end)
        self._at = len(self._tokens)
        return CreateTableAs(name, if_not_exists, properties, query, with_data)

    def create_view(self) -> CreateView:
        self._expect("CREATE")
        or_replace = self._take("OR", "REPLACE")
        self._expect("VIEW")
        name = self._relation()
        comment = self._text_of_string() if self._take("COMMENT") else None
        if self._take("SECURITY"):
            raise not_supported("CREATE VIEW ... SECURITY")
        self._expect("AS")
        start = self._at
        query = self._query(start, len(self._tokens))
        self._at = len(self._tokens)
        return CreateView(name, or_replace, comment, self._text[self._tokens[start].start :].strip(), query)

    def insert(self) -> InsertInto:
        self._expect("INSERT", "INTO")
        name = self._relation()
        columns = None
        if self._peek() == "(" and self._is_name(1) and self._peek(2) in (",", ")"):
            self._expect("(")
            found = [self._identifier()]
            while self._take(","):
                found.append(self._identifier())
            self._expect(")")
            columns = tuple(found)
        query = self._query(self._at, len(self._tokens))
        self._at = len(self._tokens)
        return InsertInto(name, columns, query)

    def unload(self) -> Unload:
        self._expect("UNLOAD", "(")
        start, depth = self._at, 1
        while depth:
            if self._at >= len(self._tokens):
                self._fail()
            depth += (self._peek() == "(") - (self._peek() == ")")
            self._at += 1
        end = self._at - 1
        self._expect("TO")
        location = self._text_of_string()
        properties = self._properties() if self._take("WITH") else {}
        return Unload(self._query(start, end), location, properties)

    def prepare(self) -> Prepare:
        self._expect("PREPARE")
        name = self._identifier()
        self._expect("FROM")
        if self._at == len(self._tokens):
            self._fail()
        start = self._tokens[self._at].start
        self._at = len(self._tokens)
        return Prepare(name, self._text[start:].strip())

    def execute(self) -> Execute:
        self._expect("EXECUTE")
        name = self._identifier()
        return Execute(name, self._literals() if self._take("USING") else ())

    def deallocate(self) -> Deallocate:
        self._expect("DEALLOCATE", "PREPARE")
        return Deallocate(self._identifier())

    def explain(self) -> Explain:
        self._expect("EXPLAIN")
        analyze = self._take("ANALYZE")
        if analyze and self._take("VERBOSE"):
            raise not_supported("EXPLAIN ANALYZE VERBOSE")
        format_, type_ = "TEXT", "DISTRIBUTED"
        if self._peek() == "(" and self._peek(1) in ("FORMAT", "TYPE"):
            self._expect("(")
            while True:
                if self._take("FORMAT"):
                    format_ = self._peek()
                    self._expect_one(*_EXPLAIN_FORMATS)
                else:
                    self._expect("TYPE")
                    type_ = self._peek()
                    self._expect_one(*_EXPLAIN_TYPES)
                if not self._take(","):
                    break
            self._expect(")")
        if self._at == len(self._tokens):
            self._fail()
        text = self._masked(self._at, len(self._tokens))
        self._at = len(self._tokens)
        return Explain(analyze, format_, type_, text)

    # ---------------------------------------------------------------- parts
    def _query(self, start: int, end: int) -> exp.Expr:
        if start >= end:
            self._fail()
        return parse_query(self._masked(start, end), self._parameters)

    def _masked(self, start: int, end: int) -> str:
        """Replace all text outside these tokens by white space, so that positions do not change."""
        first = self._tokens[start].start
        last = self._tokens[end].start if end < len(self._tokens) else len(self._text)
        return blank(self._text[:first]) + self._text[first:last] + blank(self._text[last:])

    def _relation(self) -> RelationName:
        start = self._peek_at(self._at).start
        parts = [self._identifier()]
        while self._take("."):
            parts.append(self._identifier())
        if len(parts) > 3:
            raise QueryFailed(f"SYNTAX_ERROR: Too many dots in table name: {'.'.join(parts)}", SYNTAX_ERROR)
        catalog, database, name = ["", "", *parts][-3:]
        return RelationName(catalog, database, name, f"{place(self._text, start)}: ")

    def _identifier(self) -> str:
        """A name, in lower case: also a quoted name is, as in Glue."""
        token = self._peek_at(self._at)
        self._name()
        return _unquoted(token).lower()

    def _text_of_string(self) -> str:
        token = self._peek_at(self._at)
        self._expect("<string>")
        if token.text[0] != "'":
            raise not_supported(f"the string {token.text}: write it without U&")
        return token.text[1:-1].replace("''", "'")

    def _properties(self) -> dict[str, Property]:
        self._expect("(")
        found: dict[str, Property] = {}
        while True:
            name = self._identifier()
            self._expect("=")
            if name in found:
                raise QueryFailed(
                    f"DUPLICATE_PROPERTY: Property '{name}' is specified more than once", SYNTAX_ERROR
                )
            found[name] = self._property()
            if not self._take(","):
                break
        self._expect(")")
        return found

    def _property(self) -> Property:
        token = self._peek_at(self._at)
        if token.kind == "string":
            return self._text_of_string()
        if token.kind == "integer":
            self._at += 1
            return int(token.text)
        if token.kind == "number":
            self._at += 1
            return float(token.text)
        if self._take_one("TRUE", "FALSE"):
            return token.keyword == "TRUE"
        self._expect("ARRAY", "[")
        items = []
        while self._peek() != "]":
            items.append(self._text_of_string())
            if not self._take(","):
                break
        self._expect("]")
        return items

    def _literals(self) -> tuple[str, ...]:
        """Return the texts of the comma-separated expressions up to the end."""
        found, start, depth = [], self._at, 0
        while self._at <= len(self._tokens):
            word = self._peek()
            if self._at == len(self._tokens) or (word == "," and depth == 0):
                if start == self._at:
                    self._fail()
                last = self._tokens[self._at].start if self._at < len(self._tokens) else len(self._text)
                text = self._text[self._tokens[start].start : last].strip()
                recognize_expression(text)
                found.append(text)
                start = self._at + 1
            depth += (word in ("(", "[")) - (word in (")", "]"))
            self._at += 1
        self._at = len(self._tokens)
        return tuple(found)


def _unquoted(token: TrinoToken) -> str:
    return token.text[1:-1].replace('""', '"') if token.kind == "quoted" else token.text


def blank(text: str) -> str:
    """Return white space of the same size."""
    return re.sub(r"[^\r\n]", " ", text)
