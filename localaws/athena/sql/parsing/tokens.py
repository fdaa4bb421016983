"""The tokens of a query by Trino's rules, and a cursor over them. Hive's DDL has other rules, see ``ddl.tokens``.

Source: https://trino.io/docs/401/language/reserved.html, https://github.com/trinodb/trino/tree/401/core/trino-parser
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from localaws.athena.errors import MalformedQuery

_RESERVED_WORDS = """
    ALTER AND AS BETWEEN BY CASE CAST CONSTRAINT CREATE CROSS CUBE CURRENT_CATALOG CURRENT_DATE CURRENT_PATH
    CURRENT_ROLE CURRENT_SCHEMA CURRENT_TIME CURRENT_TIMESTAMP CURRENT_USER DEALLOCATE DELETE DESCRIBE DISTINCT
    DROP ELSE END ESCAPE EXCEPT EXECUTE EXISTS EXTRACT FALSE FOR FROM FULL GROUP GROUPING HAVING IN INNER INSERT
    INTERSECT INTO IS JOIN JSON_ARRAY JSON_EXISTS JSON_OBJECT JSON_QUERY JSON_VALUE LEFT LIKE LISTAGG LOCALTIME
    LOCALTIMESTAMP NATURAL NORMALIZE NOT NULL ON OR ORDER OUTER PREPARE RECURSIVE RIGHT ROLLUP SELECT SKIP TABLE
    THEN TRIM TRUE UESCAPE UNION UNNEST USING VALUES WHEN WHERE WITH
"""
_RESERVED = frozenset(_RESERVED_WORDS.split())
_LEXER = re.compile(
    r"""(?P<space>[ \r\n\t]+|--[^\r\n]*|/\*.*?\*/)
      |(?P<string>(?:U&)?'(?:[^']|'')*')
      |(?P<binary>X'[^']*')
      |(?P<quoted>"(?:[^"]|"")*")
      |(?P<backquoted>`(?:[^`]|``)*`)
      |(?P<number>(?:\d+(?:\.\d*)?|\.\d+)E[+-]?\d+|\d+\.\d*|\.\d+)
      |(?P<integer>\d+(?![A-Z0-9_]))
      |(?P<digits>\d[A-Z0-9_]+)
      |(?P<word>[A-Z_][A-Z0-9_]*)
      |(?P<symbol><>|!=|<=|>=|\|\||->|=>|.)""",
    re.VERBOSE | re.DOTALL | re.IGNORECASE | re.ASCII,
)


@dataclass(frozen=True)
class TrinoToken:
    kind: str
    text: str
    start: int

    @property
    def keyword(self) -> str:
        """The word or symbol in upper case; for other tokens the kind in angle brackets."""
        if self.kind in ("word", "symbol"):
            return self.text.upper()
        return f"<{self.kind}>"


END = TrinoToken("end", "<EOF>", -1)


class Mismatch(Exception):
    """The current token does not match; another alternative may match."""


class Cursor:
    """A cursor over the tokens of ``text``: ``_take`` advances if tokens match, ``_expect`` raises Mismatch if not."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens = [
            TrinoToken(str(match.lastgroup), match.group(), match.start())
            for match in _LEXER.finditer(text)
            if match.lastgroup != "space"
        ]
        # The padding is longer than every lookahead that is not a loop.
        self._keywords = [token.keyword for token in self._tokens] + [END.keyword] * 8
        self._at = self._furthest = 0
        self._named_at: list[int] = []  # start positions of names

    def _error(self, token: TrinoToken, reason: str) -> MalformedQuery:
        start = token.start if token is not END else len(self._text.rstrip())
        return MalformedQuery(f"{place(self._text, start)}: {reason}")

    def _peek_at(self, at: int) -> TrinoToken:
        return self._tokens[at] if at < len(self._tokens) else END

    def _peek(self, ahead: int = 0) -> str:
        return self._keywords[self._at + ahead]

    def _fail(self) -> None:
        self._furthest = max(self._furthest, self._at)
        raise Mismatch

    def _take(self, *keywords: str) -> bool:
        """Advance past these tokens if all of them are next."""
        end = self._at + len(keywords)
        if tuple(self._keywords[self._at : end]) != keywords:
            return False
        self._at = end
        return True

    def _take_one(self, *keywords: str) -> bool:
        if self._keywords[self._at] not in keywords:
            return False
        self._at += 1
        return True

    def _expect(self, *keywords: str) -> None:
        for keyword in keywords:
            if not self._take(keyword):
                self._fail()

    def _expect_one(self, *keywords: str) -> None:
        if not self._take_one(*keywords):
            self._fail()

    def _is_name(self, ahead: int = 0) -> bool:
        token = self._peek_at(self._at + ahead)
        return token.kind == "quoted" or (token.kind == "word" and token.keyword not in _RESERVED)

    def _name(self) -> None:
        if not self._is_name():
            self._fail()
        self._named_at.append(self._tokens[self._at].start)
        self._at += 1

    def _names(self) -> None:
        """``(a, b)``"""
        self._expect("(")
        self._name()
        while self._take(","):
            self._name()
        self._expect(")")

    def _qualified_name(self) -> None:
        self._name()
        while self._take("."):
            self._name()

    def _string(self) -> None:
        unicode = self._peek_at(self._at).text.upper().startswith("U&")
        self._expect("<string>")
        if unicode and self._take("UESCAPE"):
            self._expect("<string>")


def place(text: str, start: int) -> str:
    """Return the position of the character at ``start`` as ``line 1:8``."""
    before = text[:start]
    return f"line {before.count(chr(10)) + 1}:{start - before.rfind(chr(10))}"


def simplified(text: str) -> str:
    """Replace each comment by white space, and write ``X'68 65'`` as ``X'6865' ``. The positions do not change."""
    if not any(sign in text for sign in ("--", "/*", "X'", "x'")):
        return text
    return _LEXER.sub(_simplified, text)


def _simplified(match: re.Match[str]) -> str:
    if match.lastgroup == "space":
        return re.sub(r"[^\r\n]", " ", match.group())
    if match.lastgroup == "binary":
        return "".join(match.group().split()).ljust(len(match.group()))
    return match.group()
