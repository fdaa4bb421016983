"""Trino's regular expressions: patterns are parsed and rewritten for the ``regex`` package.

Trino's patterns are Joni's with Java's syntax (https://trino.io/docs/current/functions/regexp.html). Each part is
rewritten so that no default of ``regex`` changes its meaning; parts whose meaning could differ are rejected.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import regex

from localaws.athena.errors import DATA_ERROR, QueryFailed

# \d, \w and \s match ASCII only, as in Java.
_SHORTHANDS = {"d": "0-9", "w": "0-9A-Za-z_", "s": r"\t\n\x0b\f\r\ "}
_CONTROLS = {"t": "\t", "n": "\n", "r": "\r", "f": "\f", "v": "\v", "a": "\a", "e": "\x1b"}
_ANCHORS = {"A": r"\A", "z": r"\Z", "Z": r"(?=\n?\Z)", "b": r"\b", "B": r"\B"}
_CATEGORIES = {
    "L": "utlmo", "M": "nce", "N": "dlo", "P": "cdseifo", "S": "mcko", "Z": "slp"
}  # fmt: skip
_SCRIPTS = (
    *("Arabic", "Armenian", "Cyrillic", "Devanagari", "Greek", "Han"),
    *("Hangul", "Hebrew", "Hiragana", "Katakana", "Latin", "Thai"),
)
_PROPERTIES = {
    **{
        name: rf"\p{{{name}}}"
        for name in (
            *_SCRIPTS,
            *(group + part for group, parts in _CATEGORIES.items() for part in ("", *parts)),
        )
    },
    "Alpha": r"\p{Alphabetic}",
    "Digit": r"\p{Nd}",
    "Lower": r"\p{Lowercase}",
    "Upper": r"\p{Uppercase}",
    "Space": r"\p{White_Space}",
}
# Only \n ends a line. After a final \n no line starts, but $ matches there.
_LINES = {
    ("^", False): r"\A",
    ("$", False): _ANCHORS["Z"],
    ("^", True): r"(?:\A|(?<=\n)(?!\Z))",
    ("$", True): r"(?![^\n])",
}
_QUANTIFIER = re.compile(r"(?:[*+?]|\{(\d+)(?:,(\d*))?\})[?+]?")
_OPTIONS = re.compile(r"\(\?([a-z]*)(?:-([a-z]+))?([:)])")
_NAME = re.compile(r"([A-Za-z][A-Za-z0-9]*)>")
_LOOKS = {"?=": "(?=", "?!": "(?!", "?<=": "(?<=", "?<!": "(?<!", "?:": "(?:", "?>": "(?>"}
_MOST_REPEATS = 100_000


class UnsupportedPattern(Exception):
    """The pattern is not supported; the message names the unsupported part."""


@lru_cache(maxsize=1000)
def compiled(pattern: str) -> Any:
    """Return the ``regex.Pattern`` for a pattern of Trino.

    Raises QueryFailed for an invalid pattern, and UnsupportedPattern if ``regex`` could match other texts than Trino.
    """
    return regex.compile(_Translation(pattern).whole(), regex.VERSION1)


@dataclass(frozen=True)
class _Options:
    multi_line: bool = False
    dot_all: bool = False


class _Translation:
    def __init__(self, pattern: str) -> None:
        self._pattern, self._at = pattern, 0
        self._groups, self._names = 0, set[str]()
        self._in_look_behind = False

    def whole(self) -> str:
        text = self._alternatives(_Options())
        if self._at < len(self._pattern):
            raise self._invalid("unmatched close parenthesis")
        return text

    # ---------------------------------------------------------------- structure
    def _alternatives(self, options: _Options) -> str:
        branches = [self._branch(options)]
        while self._take("|"):
            branches.append(self._branch(options))
        return "|".join(branches)

    def _branch(self, options: _Options) -> str:
        parts: list[str] = []
        while self._at < len(self._pattern) and self._next() not in "|)":
            found = _OPTIONS.match(self._pattern, self._at)
            if found and found[3] == ")":
                # The option applies up to the end of the enclosing group, including alternatives.
                self._at = found.end()
                opening, inner = self._options(found, options)
                return "".join([*parts, opening, self._alternatives(inner), ")"])
            parts.append(self._repeated(options))
        return "".join(parts)

    def _repeated(self, options: _Options) -> str:
        if _QUANTIFIER.match(self._pattern, self._at):
            raise self._invalid("target of repeat operator is not specified")
        atom, repeatable = self._atom(options)
        found = _QUANTIFIER.match(self._pattern, self._at)
        if found is None:
            return atom
        self._at = found.end()
        low, high = found[1], found[2]
        if not repeatable or _QUANTIFIER.match(self._pattern, self._at):
            raise self._unsupported(f"the repeat {found[0]} there")
        if self._in_look_behind and (low is None or high is not None):
            raise self._unsupported("a look-behind without fixed length")
        if max(int(low or 0), int(high or 0)) > _MOST_REPEATS:
            raise self._invalid("too big number is specified")
        if high and int(high) < int(low):
            raise self._unsupported(found[0])
        return atom + found[0]

    def _atom(self, options: _Options) -> tuple[str, bool]:
        """Rewrite the next part; return it, and whether it can be repeated."""
        character = self._next()
        if character == "(":
            return self._group(options)
        if character == "\\":
            return self._escape()
        self._at += 1
        if character == "[":
            return self._class(), True
        if character == ".":
            return ("(?s:.)" if options.dot_all else r"[^\n]"), True
        if character in "^$":
            return _LINES[character, options.multi_line], False
        return _literal(character), True

    def _group(self, options: _Options) -> tuple[str, bool]:
        if self._in_look_behind:
            raise self._unsupported("a group in a look-behind")
        found = _OPTIONS.match(self._pattern, self._at)
        if found and found[0] != "(?:":
            self._at = found.end()
            opening, inner = self._options(found, options)
            return self._closed(opening, inner), True
        self._at += 1
        if self._take("?#"):
            raise self._unsupported("a comment")
        for written, opening in _LOOKS.items():
            if self._take(written):
                self._in_look_behind = "<" in written
                text = self._closed(opening, options)
                self._in_look_behind = False
                return text, written in ("?:", "?>")
        if not self._take("?"):
            self._groups += 1
            return self._closed("(", options), True
        named = _NAME.match(self._pattern, self._at + 1) if self._next() == "<" else None
        if named is None or named[1] in self._names:
            raise self._unsupported(f"the group (?{self._pattern[self._at :][:2]}")
        self._at = named.end()
        self._groups += 1
        self._names.add(named[1])
        return self._closed(f"(?P<{named[1]}>", options), True

    def _closed(self, opening: str, options: _Options) -> str:
        text = self._alternatives(options)
        if not self._take(")"):
            raise self._invalid("end pattern with unmatched parenthesis")
        return f"{opening}{text})"

    def _options(self, found: re.Match[str], options: _Options) -> tuple[str, _Options]:
        opening = "(?:"
        for letters, on in ((found[1], True), (found[2] or "", False)):
            for letter in letters:
                if letter == "i":
                    opening = "(?i:" if on else "(?-i:"
                elif letter == "m":
                    options = replace(options, multi_line=on)
                elif letter == "s":
                    options = replace(options, dot_all=on)
                else:
                    raise self._unsupported(f"the option {letter}")
        return opening, options

    # ---------------------------------------------------------------- characters
    def _escape(self) -> tuple[str, bool]:
        letter = self._pattern[self._at + 1 : self._at + 2]
        if letter in _ANCHORS and letter:
            self._at += 2
            return _ANCHORS[letter], False
        if letter.isdigit():
            return self._reference(), True
        if letter == "Q":
            quoted, _, _ = self._pattern[self._at + 2 :].partition(r"\E")
            self._at += len(quoted) + 4
            self._at = min(self._at, len(self._pattern))
            return "".join(map(_literal, quoted)), False
        if letter == "k":
            named = (
                _NAME.match(self._pattern, self._at + 3) if self._pattern[self._at + 2 :][:1] == "<" else None
            )
            if named is None or named[1] not in self._names:
                raise self._unsupported(r"the reference \k")
            self._at = named.end()
            return f"(?P={named[1]})", True
        single, text = self._escaped()
        return (_literal(single) if single else text), True

    def _reference(self) -> str:
        found = re.compile(r"\\(\d+)").match(self._pattern, self._at)
        assert found is not None
        number = int(found[1])
        if (
            found[1].startswith("0")
            or not number <= min(9, self._groups)
            or self._names
            or self._in_look_behind
        ):
            raise self._unsupported(rf"\{found[1]}")
        self._at = found.end()
        return rf"(?:\{number})"

    def _escaped(self) -> tuple[str, str]:
        r"""Rewrite an escape, inside or outside of a class; return (character, '') or ('', class)."""
        letter = self._pattern[self._at + 1 : self._at + 2]
        if not letter:
            raise self._invalid("end pattern at escape")
        self._at += 2
        if letter in _CONTROLS:
            return _CONTROLS[letter], ""
        if letter.lower() in _SHORTHANDS:
            return "", f"[{'^' if letter.isupper() else ''}{_SHORTHANDS[letter.lower()]}]"
        if letter in "pP":
            found = re.compile(r"\{(\w+)\}").match(self._pattern, self._at)
            if found is None or found[1] not in _PROPERTIES:
                raise self._unsupported(rf"\{letter}{self._pattern[self._at :].partition('}')[0]}}}")
            self._at = found.end()
            text = _PROPERTIES[found[1]]
            return "", (text.replace(r"\p", r"\P") if letter == "P" else text)
        if letter in "xu":
            digits = re.compile("[0-7][0-9A-Fa-f]" if letter == "x" else "[0-9A-Fa-f]{4}").match(
                self._pattern, self._at
            )
            if digits is None or digits[0][:2].lower() in ("d8", "d9", "da", "db", "dc", "dd", "de", "df"):
                raise self._unsupported(rf"\{letter}{self._pattern[self._at :][:4]}")
            self._at = digits.end()
            return chr(int(digits[0], 16)), ""
        if letter.isalnum():
            raise self._unsupported(rf"\{letter}")
        return letter, ""

    def _class(self) -> str:
        """Rewrite a class, after its ``[``. The parts between ``&&`` become nested classes."""
        negated = "^" if self._take("^") else ""
        parts: list[list[str]] = [[]]
        if self._next() == "]":
            raise self._unsupported("[] with ] first")
        while not self._take("]"):
            if self._at >= len(self._pattern):
                raise self._invalid("premature end of char-class")
            if self._take("&&"):
                parts.append([])
            elif self._pattern.startswith(("[:", "[."), self._at):
                raise self._unsupported("[: :] in a class")
            elif self._take("["):
                parts[-1].append(self._class())
            else:
                parts[-1].append(self._range(first=not parts[-1]))
        if not all(parts):
            raise self._unsupported("&& without two operands")
        inside = ["".join(part) for part in parts]
        return f"[{negated}{inside[0] if len(inside) == 1 else '&&'.join(f'[{part}]' for part in inside)}]"

    def _range(self, first: bool) -> str:
        """Rewrite one item of a class: a character, a nested class, or a range."""
        if self._next() == "-" and not first and self._pattern[self._at + 1 : self._at + 2] != "]":
            raise self._unsupported("- in the middle of a class")
        low, text = self._class_character()
        following = self._pattern[self._at + 1 : self._at + 2]
        if self._next() != "-" or following in ("]", ""):
            return _literal(low) if low else text
        self._at += 1
        if not low or following == "[":
            raise self._unsupported("a range from a class")
        high, _ = self._class_character()
        if not high:
            raise self._unsupported("a range to a class")
        if high < low:
            raise self._invalid("empty range in char class")
        return f"{_literal(low)}-{_literal(high)}"

    def _class_character(self) -> tuple[str, str]:
        if self._next() == "\\":
            return self._escaped()
        self._at += 1
        return self._pattern[self._at - 1], ""

    # ---------------------------------------------------------------- reading
    def _next(self) -> str:
        """Return the next character; '' at the end."""
        return self._pattern[self._at : self._at + 1]

    def _take(self, text: str) -> bool:
        found = self._pattern.startswith(text, self._at)
        self._at += len(text) if found else 0
        return found

    def _invalid(self, reason: str) -> QueryFailed:
        return QueryFailed(f"INVALID_FUNCTION_ARGUMENT: {reason}: {self._pattern}", DATA_ERROR)

    def _unsupported(self, what: str) -> UnsupportedPattern:
        return UnsupportedPattern(f"{what} in the regular expression {self._pattern}")


def _literal(character: str) -> str:
    if character.isalnum() or not character.isascii():
        return character
    return f"\\{character}" if character.isprintable() else f"\\x{ord(character):02x}"
