"""JSON texts as Trino reads and writes them.

Source: JsonExtract, JsonPathTokenizer, JsonFunctions and JsonUtil of Trino 401, and Jackson 2.13
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from functools import lru_cache
from json.decoder import JSONDecodeError
from typing import Any

from localaws.athena.errors import DATA_ERROR, QueryFailed, not_supported
from localaws.athena.floats import double_text

_PATH = re.compile(r'\.([\w:]+)|\[(\w+)\]|\["((?:[^"\\]|\\["\\])*)"\]')
WHOLE = re.compile(r"[+-]?[0-9]+")
EXACT = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?")
FLOATING = re.compile(rf"\s*({EXACT.pattern}|[+-]?(NaN|Infinity))\s*")
_SPACE = re.compile(r"[ \t\n\r]*")
_ESCAPES = re.compile(r'["\\\x00-\x1f]')
_SHORT_ESCAPES = {'"': '\\"', "\\": "\\\\", "\b": "\\b", "\f": "\\f", "\n": "\\n", "\r": "\\r", "\t": "\\t"}


class Pairs(list[tuple[str, Any]]):
    """The fields of an object in the order of the text. A name can be there twice."""


def invalid(reason: str) -> QueryFailed:
    return QueryFailed(f"INVALID_FUNCTION_ARGUMENT: {reason}", DATA_ERROR)


def _no_constant(name: str) -> Any:
    raise ValueError(name)  # Python would read NaN and Infinity


_DECODER: Any = json.JSONDecoder(object_pairs_hook=Pairs, parse_constant=_no_constant)


def loads(text: str) -> Any:
    """Return the value of a JSON text. Raises ValueError if it is not valid."""
    value, end = _raw_decode(text, _after_space(text, 0))
    if _after_space(text, end) < len(text):
        raise JSONDecodeError("Extra data", text, end)
    return value


def canonical(text: str) -> str:
    """Return the text of a value of type JSON: without spaces, with sorted keys; of a key twice, the last value."""
    return dumps(loads(text), sort=True)


def dumps(value: Any, sort: bool = False) -> str:
    """Return a value as Jackson writes it. ``sort`` sorts the keys of objects, and drops all but the last value."""
    if isinstance(value, Pairs):
        pairs = sorted(dict(value).items(), key=lambda pair: pair[0].encode("utf-16-be")) if sort else value
        return "{" + ",".join(f"{quoted(name)}:{dumps(field, sort)}" for name, field in pairs) + "}"
    if isinstance(value, list):
        return "[" + ",".join(dumps(item, sort) for item in value) + "]"
    if isinstance(value, str):
        return quoted(value)
    if isinstance(value, float):
        return number(double_text(value))
    if isinstance(value, bool):
        return "true" if value else "false"
    return "null" if value is None else str(value)


def number(text: str) -> str:
    """Return the text of a floating point number. NaN and Infinity become strings."""
    return text if text[-1].isdigit() else quoted(text)


def quoted(text: str) -> str:
    return '"' + _ESCAPES.sub(_escaped, text) + '"'


def _escaped(found: re.Match[str]) -> str:
    return _SHORT_ESCAPES.get(found[0]) or f"\\u{ord(found[0]):04X}"


@lru_cache(maxsize=1000)
def path_names(path: str) -> tuple[str, ...]:
    """Return the names in a path such as ``$.a[0]["b c"]``. Raises QueryFailed for an invalid path."""
    names, at = [], 1
    while path.startswith("$") and at < len(path):
        found = _PATH.match(path, at)
        if found is None:
            break
        plain, bracketed, in_quotes = found.groups()
        name = plain or bracketed
        names.append(re.sub(r"\\(.)", r"\1", in_quotes) if name is None else name)
        at = found.end()
    if not path.startswith("$") or at < len(path):
        raise invalid(f"Invalid JSON path: '{path}'")
    return tuple(names)


def located(text: str, path: str) -> int | None:
    """Return the position of the value to which a path leads; None if there is none.

    The text is only read up to there, as in Trino. Raises ValueError for a text that is invalid before.
    """
    at: int | None = _after_space(text, 0)
    for name in path_names(path):
        if at is None:
            return None
        opened = text[at : at + 1]
        if opened not in ("{", "["):
            raise JSONDecodeError("Expected a JSON object or array", text, at)
        items = _fields(text, at) if opened == "{" else _elements(text, at)
        wanted: str | int = name if opened == "{" else _index(name)
        at = next((start for key, start in items if key == wanted), None)
    return at


def value_at(text: str, at: int) -> Any:
    """Return the value at a position. Raises ValueError if it is not valid."""
    return _raw_decode(text, at)[0]


def scalar_at(text: str, at: int) -> str | None:
    """Return the text of a string, number or boolean, as it is written; None for others."""
    if text[at : at + 1] in ("{", "["):
        return None
    value, end = _raw_decode(text, at)
    if value is None:
        return None
    return value if isinstance(value, str) else text[at:end]


def elements(text: str) -> Iterator[Any]:
    """Yield the elements of an array as they are read. Raises ValueError if the text is not an array or is invalid."""
    at = _after_space(text, 0)
    if text[at : at + 1] != "[":
        raise JSONDecodeError("Expected a JSON array", text, at)
    for _, start in _elements(text, at):
        yield value_at(text, start)


def _index(name: str) -> int:
    return int(name) if name.isdecimal() and name.isascii() else -1


def _fields(text: str, at: int) -> Iterator[tuple[str, int]]:
    """Yield the names and the positions of the values of an object that begins at a position."""

    def field(start: int) -> tuple[str, int]:
        if text[start : start + 1] != '"':
            raise JSONDecodeError("Expected a field name", text, start)
        name, end = _raw_decode(text, start)
        end = _after_space(text, end)
        if text[end : end + 1] != ":":
            raise JSONDecodeError("Expected ':'", text, end)
        return name, _after_space(text, end + 1)

    yield from _members(text, at, "}", field)


def _elements(text: str, at: int) -> Iterator[tuple[int, int]]:
    for index, (_, start) in enumerate(_members(text, at, "]", lambda start: ("", start))):
        yield index, start


def _members(
    text: str, at: int, closing: str, member: Callable[[int], tuple[str, int]]
) -> Iterator[tuple[str, int]]:
    at = _after_space(text, at + 1)
    if text[at : at + 1] == closing:
        return
    while True:
        name, start = member(at)
        yield name, start
        at = _after_space(text, _raw_decode(text, start)[1])
        if text[at : at + 1] == closing:
            return
        if text[at : at + 1] != ",":
            raise JSONDecodeError(f"Expected ',' or '{closing}'", text, at)
        at = _after_space(text, at + 1)


def _after_space(text: str, at: int) -> int:
    found = _SPACE.match(text, at)
    assert found is not None
    return found.end()


def _raw_decode(text: str, at: int) -> tuple[Any, int]:
    try:
        value, end = _DECODER.scan_once(text, at)
    except StopIteration as stopped:
        raise JSONDecodeError("Expected a value", text, stopped.value) from None
    except RecursionError:
        raise not_supported("JSON that is nested so deeply") from None
    return value, end
