"""One statement's text: its tokens, its first words, and what Athena calls it."""

from __future__ import annotations

import re
from dataclasses import dataclass

from localaws.athena.depth import check_depth
from localaws.athena.errors import MalformedQuery

_TOKEN = r"""(?P<space>\s+|--[^\n]*|/\*.*?\*/)
      |(?P<string>{})
      |(?P<name>`(?:[^`]|``)+`)
      |(?P<word>[A-Za-z_][\w$]*)
      |(?P<number>\d+(?:\.\d+)?)
      |(?P<symbol>.)"""
_DOUBLED = "|".join(f"{q}(?:[^{q}]|{q}{q})*{q}" for q in "'\"")
_BACKSLASHED = "|".join(rf"{q}(?:[^{q}\\]|\\.)*{q}" for q in "'\"")
# In a query two quotes are one, as in Trino; in DDL a backslash escapes, as in Hive.
_TRINO, _HIVE = (
    re.compile(_TOKEN.format(string), re.VERBOSE | re.DOTALL) for string in (_DOUBLED, _BACKSLASHED)
)
_UTILITY = {"SHOW", "DESCRIBE", "DESC", "EXPLAIN", "PREPARE", "DEALLOCATE"}
_DDL = {"CREATE", "DROP", "ALTER", "MSCK"}
_HIVES_VERBS = _DDL | {"SHOW", "DESCRIBE", "DESC"}
_QUERY = {"SELECT", "WITH", "VALUES", "TABLE", "("}
# USING EXTERNAL FUNCTION begins a query of Athena's with functions of one's own.
_OTHER_DML = {"INSERT", "UNLOAD", "DELETE", "UPDATE", "MERGE", "OPTIMIZE", "VACUUM", "EXECUTE", "USING"}
_FIXED = {
    "MSCK": "MSCK_REPAIR_TABLE",
    "DESCRIBE": "DESCRIBE_TABLE",
    "DESC": "DESCRIBE_TABLE",
    "PREPARE": "PREPARE",
}


@dataclass(frozen=True)
class Token:
    kind: str
    text: str
    line: int
    column: int

    @property
    def keyword(self) -> str:
        """The word or symbol in upper case; nothing for a string or a quoted name."""
        return self.text.upper() if self.kind in ("word", "symbol", "number") else ""


@dataclass(frozen=True)
class Statement:
    """A statement as GetQueryExecution names it, with its text free of a closing semicolon."""

    text: str
    kind: str
    substatement: str

    @property
    def is_query(self) -> bool:
        return self.kind == "DML"


def tokenize(text: str) -> list[Token]:
    """Every token but white space and comments; lines count from 1, columns too."""
    found, line, line_start = [], 1, 0
    for match in _pattern(text).finditer(text):
        if match.lastgroup != "space":
            found.append(Token(str(match.lastgroup), match.group(), line, match.start() - line_start + 1))
        if newlines := match.group().count("\n"):
            line, line_start = line + newlines, match.start() + match.group().rfind("\n") + 1
    return found


def _pattern(text: str) -> re.Pattern[str]:
    words = (match.group().upper() for match in _TRINO.finditer(text) if match.lastgroup != "space")
    return _HIVE if next(words, "") in _HIVES_VERBS else _TRINO


def one_statement(text: str) -> Statement:
    """Classify the one statement in ``text``.

    Raises MalformedQuery when there is none, more than one, or one that Athena does not know.
    """
    tokens = tokenize(text)
    words = [token.keyword for token in tokens]
    check_depth(words)
    if ";" in words:
        if set(words[words.index(";") :]) != {";"}:
            raise MalformedQuery(f"Only one sql statement is allowed. Got: {text}")
        words = words[: words.index(";")]
    if not words:
        raise MalformedQuery("line 1:1: mismatched input '<EOF>'. The statement is empty")
    return Statement(_before_semicolon(text), _kind(words[0], tokens[0]), _substatement(words))


def _before_semicolon(text: str) -> str:
    ends = (match.start() for match in _pattern(text).finditer(text) if match.group() == ";")
    return text[: next(ends, len(text))]


def _kind(verb: str, first: Token) -> str:
    if verb in _UTILITY:
        return "UTILITY"
    if verb in _DDL:
        return "DDL"
    if verb in _QUERY or verb in _OTHER_DML:
        return "DML"
    raise MalformedQuery(
        f"line {first.line}:{first.column}: mismatched input '{first.text}'. Queries of this type are not supported"
    )


def _substatement(words: list[str]) -> str:
    verb = words[0]
    if verb in _QUERY:
        return "SELECT"
    if verb in _FIXED:
        return _FIXED[verb]
    if verb == "ALTER":
        action = [word for word in words if word in ("ADD", "DROP", "PARTITION", "SET", "RENAME", "COLUMNS")][
            :2
        ]
        return "_".join(["ALTER_TABLE", *action])
    nouns = {"SCHEMA": "DATABASE", "SCHEMAS": "DATABASES", "EXTERNAL": "TABLE"}
    if verb == "SHOW" and words[1:2] == ["CREATE"]:
        return "SHOW_CREATE_TABLE"
    return f"{verb}_{nouns.get(words[1], words[1])}" if len(words) > 1 and verb in _DDL | _UTILITY else verb
