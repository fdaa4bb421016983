"""Trino's regular expression functions, as Python functions that DuckDB calls.

DuckDB's own regular expressions have neither lookaround nor backreferences, and treat empty matches differently.
Source: https://trino.io/docs/current/functions/regexp.html
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pyarrow as pa
from duckdb import DuckDBPyConnection, sqltypes
from duckdb.func import ARROW, SPECIAL

from localaws.athena.errors import DATA_ERROR, QueryFailed
from localaws.athena.sql.functions.regexp_patterns import UnsupportedPattern, compiled

_SECONDS = 2.0  # limit per text, because of catastrophic backtracking

# Types of the package regex, which has no annotations.
Pattern = Any
Match = Any


def register(connection: DuckDBPyConnection) -> None:
    """Register the functions for all connections of this database; they are called in ``trino_unless_refused``."""
    texts, arrow_texts = connection.list_type(sqltypes.VARCHAR), pa.list_(pa.string())
    parts = connection.struct_type({"texts": texts, "groups": connection.list_type(texts)})
    arrow_parts = pa.struct([("texts", arrow_texts), ("groups", pa.list_(arrow_texts))])
    for name, function, result, arrow in (
        ("trino_regexp_like", _like, sqltypes.BOOLEAN, pa.bool_()),
        ("trino_regexp_extract", _extract, sqltypes.VARCHAR, pa.string()),
        ("trino_regexp_extract_all", _extract_all, texts, arrow_texts),
        ("trino_regexp_replace", _replace, sqltypes.VARCHAR, pa.string()),
        ("trino_regexp_split", _split, texts, arrow_texts),
        ("trino_regexp_parts", _parts, parts, arrow_parts),
        ("trino_regexp_count", _count, sqltypes.BIGINT, pa.int64()),
        ("trino_regexp_position", _position, sqltypes.INTEGER, pa.int32()),
    ):
        connection.create_function(
            name,
            _over_columns(function, arrow),
            None,  # any number of arguments
            connection.struct_type({"answer": result, "refused": sqltypes.VARCHAR}),
            type=ARROW,
            null_handling=SPECIAL,
        )


def _over_columns(function: Callable[..., Any], result: pa.DataType) -> Callable[..., pa.Array]:
    def answer(text: str | None, pattern: str | None, *rest: Any) -> tuple[Any, str | None]:
        if text is None or pattern is None or None in rest:
            return None, None
        try:
            return function(text, compiled(pattern), *rest), None
        except UnsupportedPattern as refused:
            return None, str(refused)
        except TimeoutError:
            return None, f"a regular expression that takes over {_SECONDS:g} seconds on one text: {pattern}"

    def over_columns(*columns: pa.ChunkedArray) -> pa.Array:
        rows = zip(*(column.to_pylist() for column in columns), strict=True)
        answers, reasons = zip(*(answer(*row) for row in rows), strict=True)
        return pa.StructArray.from_arrays(
            [pa.array(answers, type=result), pa.array(reasons, type=pa.string())], ["answer", "refused"]
        )

    return over_columns


def _like(text: str, pattern: Pattern) -> bool:
    return _search(pattern, text, 0) is not None


def _extract(text: str, pattern: Pattern, group: int) -> str | None:
    _check_group(pattern, group)
    found = _search(pattern, text, 0)
    return found[group] if found else None


def _extract_all(text: str, pattern: Pattern, group: int) -> list[str | None]:
    _check_group(pattern, group)
    return [found[group] for found in _matches(pattern, text)]


def _replace(text: str, pattern: Pattern, replacement: str) -> str:
    parts, end = [], 0
    for found in _matches(pattern, text):
        parts += [text[end : found.start()], _filled(replacement, found)]
        end = found.end()
    return "".join([*parts, text[end:]])


def _parts(text: str, pattern: Pattern) -> dict[str, Any]:
    """Return the texts between the matches, and the groups of each match."""
    return {
        "texts": _split(text, pattern),
        "groups": [list(found.groups()) for found in _matches(pattern, text)],
    }


def _split(text: str, pattern: Pattern) -> list[str]:
    parts, end = [], 0
    for found in _matches(pattern, text):
        parts.append(text[end : found.start()])
        end = found.end()
    return [*parts, text[end:]]


def _count(text: str, pattern: Pattern) -> int:
    return sum(1 for _ in _matches(pattern, text))


def _position(text: str, pattern: Pattern, start: int, occurrence: int) -> int:
    if start < 1:
        raise _invalid("start position cannot be smaller than 1")
    if occurrence < 1:
        raise _invalid("occurrence cannot be smaller than 1")
    if start > len(text):
        return -1
    for number, found in enumerate(_matches(pattern, text, start - 1), start=1):
        if number == occurrence:
            return int(found.start()) + 1
    return -1


def _search(pattern: Pattern, text: str, start: int) -> Match | None:
    return pattern.search(text, start, concurrent=True, timeout=_SECONDS)


def _matches(pattern: Pattern, text: str, start: int = 0) -> Iterator[Match]:
    """Yield all matches; after an empty match the search continues at the next character."""
    while start <= len(text) and (found := _search(pattern, text, start)) is not None:
        yield found
        start = found.end() + (found.end() == found.start())


def _check_group(pattern: Pattern, group: int) -> None:
    if group < 0:
        raise _invalid("Group cannot be negative")
    if group > pattern.groups:
        raise _invalid(f"Pattern has {pattern.groups} groups. Cannot access group {group}")


def _filled(replacement: str, found: Match) -> str:
    r"""Expand ``$1``, ``${name}`` and ``\$``. For ``$12``, as many digits are used as name an existing group."""
    written, at = [], 0
    while at < len(replacement):
        character, following = replacement[at], replacement[at + 1 : at + 2]
        if character not in "$\\":
            written.append(character)
            at += 1
        elif not following:
            raise _invalid(f"Illegal replacement sequence: {replacement}")
        elif character == "\\":
            written.append(following)
            at += 2
        else:
            group, at = _group_after(replacement, at + 1, found)
            written.append(found[group] or "")
    return "".join(written)


def _group_after(replacement: str, at: int, found: Match) -> tuple[int | str, int]:
    """Return the group that is named after a ``$``, and the end of its name."""
    if replacement[at] == "{":
        name, closed, _ = replacement[at + 1 :].partition("}")
        if not closed or name not in found.re.groupindex:
            raise _invalid(f"Illegal replacement sequence: unknown group {{ {name} }}")
        return name, at + len(name) + 2
    if replacement[at] not in "0123456789":
        raise _invalid(f"Illegal replacement sequence: {replacement}")
    group = int(replacement[at])
    if group > found.re.groups:
        raise _invalid(f"Illegal replacement sequence: unknown group {group}")
    at += 1
    while (
        replacement[at : at + 1] in tuple("0123456789")
        and group * 10 + int(replacement[at]) <= found.re.groups
    ):
        group = group * 10 + int(replacement[at])
        at += 1
    return group, at


def _invalid(reason: str) -> QueryFailed:
    return QueryFailed(f"INVALID_FUNCTION_ARGUMENT: {reason}", DATA_ERROR)
