"""Regular expressions for which DuckDB's RE2 has the same matches as Trino, so that they need no Python function.

The subset: characters, ``.``, classes, groups, alternatives, greedy and reluctant repeats, ``^`` at the start and ``$``
at the end. RE2 finds the same match for them: the leftmost one, and of these the first in the order of backtracking. A
pattern with anything else, such as ``(?i)``, ``\\b``, ``\\p{L}`` or a possessive repeat, is not in the subset.
Source: https://github.com/google/re2/wiki/Syntax
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import lru_cache

_SHORTHANDS = {"d": "0-9", "w": "0-9A-Za-z_", "s": r"\t\n\x0b\f\r "}
_CONTROLS = {"t": r"\t", "n": r"\n", "r": r"\r", "f": r"\f"}
_QUANTIFIER = re.compile(r"([*+?]|\{(\d{1,2})(?:,(\d{1,2})?)?\})(\??)(?![*+?{])", re.ASCII)
_CLASS = re.compile(r"\[(?:\\.|[^\]\\])*\]", re.DOTALL)
_LONGEST, _MOST_REPEATS = 1000, 1000  # RE2 limits the size of a compiled pattern
_SPECIAL = "\\[](){}.*+?^$|"


class _NotNative(Exception):
    pass


@dataclass
class NativePattern:
    """A pattern for RE2, with ``count`` groups.

    ``nullable`` is whether it can match the empty text. ``groups`` has, for each group that is part of each match,
    whether it can be empty. ``starts_text`` is whether the pattern starts with ``^``. ``ends_line`` is whether it ends
    with ``$``, for which RE2 also matches the final line feed. ``loops_on_nothing`` is whether something that can be
    empty is repeated.
    """

    text: str
    count: int = 0
    nullable: bool = True
    starts_text: bool = False
    ends_line: bool = False
    loops_on_nothing: bool = False
    groups: dict[int, bool] = field(default_factory=dict)


@lru_cache(maxsize=1000)
def native(pattern: str) -> NativePattern | None:
    """Return the pattern for RE2; None if it is not in the subset. It is a valid pattern of Trino if it is."""
    try:
        return _Reader(pattern).whole()
    except _NotNative:
        return None


class _Reader:
    def __init__(self, pattern: str) -> None:
        self._pattern, self._at, self._repeats = pattern, 0, 0
        self._found = NativePattern("")

    def whole(self) -> NativePattern:
        start = self._found.starts_text = self._take("^")
        if self._pattern.endswith("$") and not re.search(r"(?:^|[^\\])(?:\\\\)*\\\$$", self._pattern):
            self._pattern = self._pattern[:-1]
            self._found.ends_line = True
        if "\0" in self._pattern or len(self._pattern) > _LONGEST:
            raise _NotNative
        if (start or self._found.ends_line) and self._bar_ahead():
            raise _NotNative  # an anchor would belong to one alternative only
        text, self._found.nullable = self._alternatives(certain=True)
        if self._at < len(self._pattern) or self._repeats > _MOST_REPEATS:
            raise _NotNative
        self._found.text = (r"\A" if start else "") + text + (r"\n?\z" if self._found.ends_line else "")
        return self._found

    def _alternatives(self, certain: bool) -> tuple[str, bool]:
        """Return the text for RE2, and whether it can match nothing. ``certain``: this part is in each match."""
        certain = certain and not self._bar_ahead()
        branches = [self._branch(certain)]
        while self._take("|"):
            branches.append(self._branch(certain))
        return "|".join(text for text, _ in branches), any(nullable for _, nullable in branches)

    def _bar_ahead(self) -> bool:
        """Return whether the current group has alternatives."""
        depth, at = 0, self._at
        while at < len(self._pattern):
            character = self._pattern[at]
            if character == "\\":
                at += 1
            elif character == "[":
                skipped = _CLASS.match(self._pattern, at)
                if skipped is None:
                    raise _NotNative
                at = skipped.end() - 1
            elif character == "|" and depth == 0:
                return True
            depth += (character == "(") - (character == ")")
            if depth < 0:
                return False
            at += 1
        return False

    def _branch(self, certain: bool) -> tuple[str, bool]:
        text, nullable = "", True
        while self._at < len(self._pattern) and self._pattern[self._at] not in "|)":
            start = self._at
            groups = dict(self._found.groups)
            atom, empty = self._atom(certain)
            found = _QUANTIFIER.match(self._pattern, self._at)
            if found is None and self._pattern[self._at : self._at + 1] in ("*", "+", "?", "{"):
                raise _NotNative
            if found is not None:
                self._at = found.end()
                low, high = found[2], found[3]
                if low and high and int(high) < int(low):
                    raise _NotNative
                self._repeats += int(high or low or 1)
                if low and self._pattern[start] == "(":
                    raise _NotNative  # RE2 limits the size of repeated groups
                self._found.groups = groups
                self._found.loops_on_nothing |= empty
                empty = empty or found[1] in ("*", "?") or low in ("0", "00")
            text += atom + (found[0] if found else "")
            nullable = nullable and empty
        return text, nullable

    def _atom(self, certain: bool) -> tuple[str, bool]:
        character = self._pattern[self._at]
        self._at += 1
        if character == "(":
            return self._group(certain)
        if character == "[":
            return self._class(), False
        if character == ".":
            return r"[^\n]", False
        if character == "\\":
            return self._escape(in_class=False), False
        if character in _SPECIAL:
            raise _NotNative
        return re.escape(character) if character.isascii() else character, False

    def _group(self, certain: bool) -> tuple[str, bool]:
        opening = "(?:" if self._take("?:") else "("
        if self._pattern[self._at : self._at + 1] == "?":
            raise _NotNative
        number = 0
        if opening == "(":
            self._found.count += 1
            number = self._found.count
        text, nullable = self._alternatives(certain)
        if not self._take(")"):
            raise _NotNative
        if number and certain:
            self._found.groups[number] = nullable
        return f"{opening}{text})", nullable

    def _escape(self, in_class: bool) -> str:
        letter = self._pattern[self._at : self._at + 1]
        self._at += 1
        if letter in _CONTROLS and letter:
            return _CONTROLS[letter]
        if letter.lower() in _SHORTHANDS and letter and not (in_class and letter.isupper()):
            inside = _SHORTHANDS[letter.lower()]
            return inside if in_class else f"[{'^' if letter.isupper() else ''}{inside}]"
        if not letter or letter.isalnum() or not letter.isascii():
            raise _NotNative
        return re.escape(letter)

    def _class(self) -> str:
        text = "[^" if self._take("^") else "["
        items = 0
        while not self._take("]"):
            if self._at >= len(self._pattern) or self._pattern.startswith(("[", "&&"), self._at):
                raise _NotNative
            last = self._pattern[self._at + 1 : self._at + 2] == "]"
            if self._pattern[self._at] == "-" and items and not last:
                raise _NotNative
            low = self._class_item()
            if (
                self._pattern[self._at : self._at + 1] == "-"
                and self._pattern[self._at + 1 : self._at + 2] != "]"
            ):
                self._at += 1
                high = self._class_item()
                if not (len(low) == len(high) == 1 and low.isalnum() and high.isalnum() and low <= high):
                    raise _NotNative
                low = f"{low}-{high}"
            text += low
            items += 1
        if not items:
            raise _NotNative
        return text + "]"

    def _class_item(self) -> str:
        character = self._pattern[self._at : self._at + 1]
        self._at += 1
        if character == "\\":
            return self._escape(in_class=True)
        return re.escape(character) if character.isascii() else character

    def _take(self, text: str) -> bool:
        found = self._pattern.startswith(text, self._at)
        self._at += len(text) if found else 0
        return found
