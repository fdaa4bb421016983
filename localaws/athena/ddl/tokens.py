"""The tokens of a statement. The rules for strings are Hive's in DDL and Trino's in a query."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

_TOKEN = r"""(?P<space>\s+|--[^\n]*|/\*.*?\*/)
      |(?P<string>{})
      |(?P<name>`(?:[^`]|``)+`)
      |(?P<word>[A-Za-z_][\w$]*)
      |(?P<number>\d+(?:\.\d+)?)
      |(?P<symbol>.)"""
_HIVE_VERBS = {"CREATE", "DROP", "ALTER", "MSCK", "SHOW", "DESCRIBE", "DESC"}
_DOUBLED = "|".join(f"{q}(?:[^{q}]|{q}{q})*{q}" for q in "'\"")
_BACKSLASHED = "|".join(rf"{q}(?:[^{q}\\]|\\.)*{q}" for q in "'\"")
# In a query, two quotes are an escaped quote, as in Trino. In DDL, a backslash escapes, as in Hive.
_TRINO, _HIVE = (
    re.compile(_TOKEN.format(string), re.VERBOSE | re.DOTALL) for string in (_DOUBLED, _BACKSLASHED)
)


@dataclass(frozen=True)
class StatementToken:
    kind: str
    text: str
    line: int
    column: int

    @property
    def keyword(self) -> str:
        """The word, symbol or number in upper case; an empty string for a string or a quoted name."""
        return self.text.upper() if self.kind in ("word", "symbol", "number") else ""


def tokenize(text: str) -> list[StatementToken]:
    """Return all tokens except white space and comments. Lines and columns count from 1."""
    found, line, line_start = [], 1, 0
    for match in _pattern(text).finditer(text):
        if match.lastgroup != "space":
            found.append(
                StatementToken(str(match.lastgroup), match.group(), line, match.start() - line_start + 1)
            )
        if newlines := match.group().count("\n"):
            line, line_start = line + newlines, match.start() + match.group().rfind("\n") + 1
    return found


def _pattern(text: str) -> re.Pattern[str]:
    words = [match.group().upper() for match in _TRINO.finditer(text) if match.lastgroup != "space"]
    if words[:1] == ["CREATE"] and created_by_query(words):
        return _TRINO
    return _HIVE if words and words[0] in _HIVE_VERBS else _TRINO


def created_by_query(words: Sequence[str]) -> str:
    """Return what a CREATE statement creates from a query, TABLE or VIEW; '' if it contains no query."""
    if words[1:2] == ["VIEW"] or words[1:4] == ["OR", "REPLACE", "VIEW"]:
        return "VIEW"
    if words[1:2] == ["TABLE"] and any(
        word == "AS" and _begins_query(words, at) for at, word in enumerate(words[:-1], 1)
    ):
        return "TABLE"
    return ""


def _begins_query(words: Sequence[str], at: int) -> bool:
    while at < len(words) and words[at] == "(":
        at += 1
    return at < len(words) and words[at] in ("SELECT", "WITH", "VALUES", "TABLE")


def before_semicolon(text: str) -> str:
    """Return the text before the first semicolon that is not in a string, a name or a comment."""
    ends = (match.start() for match in _pattern(text).finditer(text) if match.group() == ";")
    return text[: next(ends, len(text))]
