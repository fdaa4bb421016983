"""Regular expressions that DuckDB can match itself. The others are Python functions, in ``regexp_functions``."""

from __future__ import annotations

import re
from collections.abc import Callable

import pyarrow as pa
from sqlglot import exp

from localaws.athena import datatypes as dt
from localaws.athena.quoting import duckdb_string
from localaws.athena.sql.functions.native_patterns import NativePattern, native
from localaws.athena.sql.types.typed_sql import TypedSql, once

_GROUP_IN_REPLACEMENT = re.compile(r"\$([0-9])(?![0-9])|\\(.)|([^$\\])", re.DOTALL)


def _pattern(values: list[TypedSql], nodes: list[exp.Expr], most: int) -> NativePattern | None:
    if not 2 <= len(values) <= most or values[0].type != dt.VARCHAR:
        return None
    node = nodes[1]
    return native(str(node.this)) if isinstance(node, exp.Literal) and node.is_string else None


def _like(name: str, values: list[TypedSql], nodes: list[exp.Expr]) -> TypedSql | None:
    found = _pattern(values, nodes, most=2)
    if found is None:
        return None
    return TypedSql(f"regexp_matches({values[0].sql}, {duckdb_string(found.text)})", dt.BOOLEAN)


def _extract(name: str, values: list[TypedSql], nodes: list[exp.Expr]) -> TypedSql | None:
    found, group = _pattern(values, nodes, most=3), _group(nodes)
    if found is None or group is None or not _finds(found, group):
        return None
    pattern = duckdb_string(found.text)
    # DuckDB returns the empty text if there is no match.
    if not (found.groups[group] if group else found.nullable):
        return TypedSql(f"nullif(regexp_extract({values[0].sql}, {pattern}, {group}), '')", dt.VARCHAR)

    def write(text: str) -> str:
        return (
            f"CASE WHEN regexp_matches({text}, {pattern}) THEN regexp_extract({text}, {pattern}, {group}) END"
        )

    return TypedSql(f"({once([values[0].sql], write)})", dt.VARCHAR)


def _extract_all(name: str, values: list[TypedSql], nodes: list[exp.Expr]) -> TypedSql | None:
    found, group = _pattern(values, nodes, most=3), _group(nodes)
    if found is None or group is None or not _finds(found, group) or found.nullable or found.ends_line:
        return None
    text = f"regexp_extract_all({values[0].sql}, {duckdb_string(found.text)}, {group})"
    return TypedSql(text, pa.list_(dt.VARCHAR))


def _count(name: str, values: list[TypedSql], nodes: list[exp.Expr]) -> TypedSql | None:
    found = _extract_all(name, values, nodes) if len(values) == 2 else None
    return found and TypedSql(f"len({found.sql})", dt.BIGINT)


def _split(name: str, values: list[TypedSql], nodes: list[exp.Expr]) -> TypedSql | None:
    found = _pattern(values, nodes, most=2)
    if found is None or not _finds(found, 0) or found.nullable or found.starts_text:
        return None  # DuckDB matches ^ at the start of each part
    return TypedSql(f"string_split_regex({values[0].sql}, {duckdb_string(found.text)})", pa.list_(dt.VARCHAR))


def _replace(name: str, values: list[TypedSql], nodes: list[exp.Expr]) -> TypedSql | None:
    found = _pattern(values, nodes, most=3)
    if found is None or not _finds(found, 0) or found.nullable:
        return None
    replacement = _replacement(nodes[2], found.count) if len(nodes) == 3 else ""
    if replacement is None:
        return None
    pattern, replaced = duckdb_string(found.text), duckdb_string(replacement)
    return TypedSql(f"regexp_replace({values[0].sql}, {pattern}, {replaced}, 'g')", dt.VARCHAR)


def _finds(found: NativePattern, group: int) -> bool:
    """Return whether RE2 finds the same text for this group, or the whole match for 0."""
    if found.loops_on_nothing:
        return False
    return group in found.groups if group else not found.ends_line


def _group(nodes: list[exp.Expr]) -> int | None:
    """Return the constant number of a group, which is 0 if it is omitted."""
    if len(nodes) < 3:
        return 0
    node = nodes[2]
    constant = isinstance(node, exp.Literal) and not node.is_string and str(node.this).isdigit()
    return int(node.this) if constant else None


def _replacement(node: exp.Expr, groups: int) -> str | None:
    """Convert a constant replacement to RE2's; None if it is not one of plain text and existing groups."""
    if not isinstance(node, exp.Literal) or not node.is_string:
        return None
    written, end = "", 0
    for match in _GROUP_IN_REPLACEMENT.finditer(str(node.this)):
        if match.start() != end or (match[1] and int(match[1]) > groups):
            return None
        end = match.end()
        written += rf"\{match[1]}" if match[1] else (match[2] or match[3]).replace("\\", r"\\")
    return written if end == len(str(node.this)) else None


REGEXP_RULES: dict[str, Callable[[str, list[TypedSql], list[exp.Expr]], TypedSql | None]] = {
    "regexp_like": _like,
    "regexp_extract": _extract,
    "regexp_extract_all": _extract_all,
    "regexp_count": _count,
    "regexp_split": _split,
    "regexp_replace": _replace,
}
