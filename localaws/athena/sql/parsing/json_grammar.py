"""The grammar of SQL's JSON functions, which sqlglot cannot parse. Each call is rewritten to a plain call.

``json_value(x, 'lax $.a' RETURNING bigint DEFAULT 0 ON EMPTY)`` becomes ``json_value(x, 'lax $.a', 0, '<clauses>')``:
the last argument is a JSON text of the clauses. Source: SqlBase.g4 of Trino 401.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, ClassVar

from localaws.athena.sql.parsing.tokens import Cursor

COMMA = ","


@dataclass
class Edits:
    """Changes of a text: ranges of positions that are dropped, tokens that become commas, and added arguments.

    ``added`` has the position of a closing parenthesis, and the text of a string that becomes the last argument. The
    string is the only argument if its position is in ``alone``.
    """

    dropped: set[tuple[int, int]] = field(default_factory=set)
    commas: set[int] = field(default_factory=set)
    added: dict[int, str] = field(default_factory=dict)
    alone: set[int] = field(default_factory=set)
    encodings: bool = False  # whether a clause has ENCODING

    def drops(self, start: int) -> bool:
        return any(first <= start < end for first, end in self.dropped)


class JsonFunctions(Cursor):
    """Recognizes the JSON functions for the recognizer of all expressions."""

    edits: Edits

    def _expression(self) -> None:
        raise NotImplementedError

    def _type(self) -> None:
        raise NotImplementedError

    def _json_function(self) -> bool:
        name = self._peek()
        self._at += 1
        self._expect("(")
        empty = self._peek() == ")"
        clauses = self._JSON_FUNCTIONS[name](self)
        closing = self._peek_at(self._at).start
        self._expect(")")
        self.edits.added[closing] = json.dumps(clauses)
        if empty:
            self.edits.alone.add(closing)
        return True

    # ---------------------------------------------------------------- functions
    def _json_exists(self) -> dict[str, Any]:
        return {
            **self._path_invocation(),
            "error": self._behavior("ERROR", "TRUE", "FALSE", "UNKNOWN", "ERROR"),
        }

    def _json_value(self) -> dict[str, Any]:
        clauses = {**self._path_invocation(), "returning": self._returning()}
        clauses |= {"empty": "", "error": ""}
        for event in ("EMPTY", "ERROR"):
            if self._peek() == "DEFAULT":
                self._comma()
                self._expression()
                found = "ERROR" if self._peek(1) == "ERROR" else event
                self._dropped("ON", found)
                clauses[found.lower()] = "default"
                if found == "ERROR":
                    break
            else:
                clauses[event.lower()] = self._behavior(event, "ERROR", "NULL")
        return clauses

    def _json_query(self) -> dict[str, Any]:
        clauses = {**self._path_invocation(), "returning": self._returning(), "wrapper": self._wrapper()}
        start = self._at
        if self._take_one("KEEP", "OMIT"):
            clauses["omit_quotes"] = self._peek(-1) == "OMIT"
            self._expect("QUOTES")
            if self._take("ON"):
                self._expect("SCALAR", "STRING")
            self._drop(start)
        for event in ("EMPTY", "ERROR"):
            clauses[event.lower()] = self._behavior(
                event, "ERROR", "NULL", ("EMPTY", "ARRAY"), ("EMPTY", "OBJECT")
            )
        return clauses

    def _json_object(self) -> dict[str, Any]:
        formats: list[bool] = []
        if self._peek() not in (")", "RETURNING"):
            self._member(formats)
            while self._take(","):
                self._member(formats)
        nulls = self._nulls() or "null"
        start, unique = self._at, False
        if self._take_one("WITH", "WITHOUT"):
            unique = self._peek(-1) == "WITH"
            self._expect("UNIQUE")
            self._take("KEYS")
            self._drop(start)
        return {"formats": formats, "nulls": nulls, "unique": unique, "returning": self._returning()}

    def _json_array(self) -> dict[str, Any]:
        formats: list[bool] = []
        if self._peek() not in (")", "RETURNING"):
            formats.append(self._value_expression())
            while self._take(","):
                formats.append(self._value_expression())
        return {"formats": formats, "nulls": self._nulls() or "absent", "returning": self._returning()}

    # ---------------------------------------------------------------- clauses
    def _path_invocation(self) -> dict[str, Any]:
        formats, names = [self._value_expression()], []
        self._expect(",")
        self._string()
        if self._peek() == "PASSING":
            self._comma()
            while True:
                formats.append(self._value_expression())
                start, named = self._at, len(self._named_at)
                self._expect("AS")
                token = self._peek_at(self._at)
                self._name()
                del self._named_at[named:]
                quoted = token.kind == "quoted"
                names.append(token.text[1:-1].replace('""', '"') if quoted else token.text.upper())
                self._drop(start)
                if not self._take(","):
                    break
        return {"formats": formats, "names": names}

    def _value_expression(self) -> bool:
        """Recognize an expression; return whether it is a JSON text."""
        self._expression()
        return self._format()

    def _format(self) -> bool:
        start = self._at
        if not self._take("FORMAT", "JSON"):
            return False
        if self._take("ENCODING"):
            self._expect_one("UTF8", "UTF16", "UTF32")
            self.edits.encodings = True
        self._drop(start)
        return True

    def _member(self, formats: list[bool]) -> None:
        start = self._at
        if self._peek() == "KEY" and self._peek(1) not in (":", ",", ")", "VALUE", ".", "("):
            self._at += 1
            self._drop(start)
        self._expression()
        if self._peek() not in (":", "VALUE"):
            self._fail()
        self._comma()
        formats.append(self._value_expression())

    def _nulls(self) -> str:
        start, word = self._at, self._peek()
        if word not in ("NULL", "ABSENT") or self._peek(1) != "ON":
            return ""
        self._at += 1
        self._expect("ON", "NULL")
        self._drop(start)
        return word.lower()

    def _returning(self) -> str:
        """Return the text of the type after RETURNING, or ''."""
        start = self._at
        if not self._take("RETURNING"):
            return ""
        first, named = self._peek_at(self._at).start, len(self._named_at)
        self._type()
        del self._named_at[named:]
        text = self._text[first : self._peek_at(self._at).start].strip()
        if self._format():
            text = text.removesuffix("FORMAT JSON").strip()
        self._drop(start)
        return text

    def _wrapper(self) -> str:
        start = self._at
        if not self._take_one("WITH", "WITHOUT"):
            return ""
        kind = "" if self._peek(-1) == "WITHOUT" else "unconditional"
        if kind and self._take_one("CONDITIONAL", "UNCONDITIONAL"):
            kind = self._peek(-1).lower()
        self._take("ARRAY")
        self._expect("WRAPPER")
        self._drop(start)
        return kind

    def _behavior(self, event: str, *behaviors: str | tuple[str, ...]) -> str:
        start = self._at
        for behavior in behaviors:
            words = (behavior,) if isinstance(behavior, str) else behavior
            if self._take(*words, "ON", event):
                self._drop(start)
                return words[-1].lower()
        return ""

    # ---------------------------------------------------------------- edits
    def _drop(self, start: int) -> None:
        """Drop the tokens from ``start`` up to the next one."""
        last = self._peek_at(self._at - 1)
        self.edits.dropped.add((self._peek_at(start).start, last.start + len(last.text)))

    def _dropped(self, *keywords: str) -> None:
        start = self._at
        self._expect(*keywords)
        self._drop(start)

    def _comma(self) -> None:
        self.edits.commas.add(self._peek_at(self._at).start)
        self._at += 1

    _JSON_FUNCTIONS: ClassVar[dict[str, Callable[[JsonFunctions], dict[str, Any]]]] = {
        "JSON_EXISTS": _json_exists,
        "JSON_VALUE": _json_value,
        "JSON_QUERY": _json_query,
        "JSON_OBJECT": _json_object,
        "JSON_ARRAY": _json_array,
    }
