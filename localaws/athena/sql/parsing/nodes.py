"""Nodes of sqlglot's tree: their position in the text, and the errors that name it."""

from __future__ import annotations

from sqlglot import exp

from localaws.athena.errors import SYNTAX_ERROR, QueryFailed, not_supported


def position(node: exp.Expr) -> str:
    """``line 1:8: `` of the first token below ``node`` that kept its place; empty when none did."""
    places = [found.meta for found in node.walk() if "line" in found.meta]
    if not places:
        return ""
    first = min(places, key=lambda meta: int(meta["start"]))
    return f"line {first['line']}:{first['col'] - (first['end'] - first['start'])}: "


def unsupported(what: str, node: exp.Expr) -> QueryFailed:
    place = position(node).rstrip(": ")
    return not_supported(f"{what} ({place})" if place else what)


def only(node: exp.Expr, *allowed: str) -> None:
    """Refuse a node that carries anything but the arguments ``allowed``."""
    for name, value in node.args.items():
        if name not in allowed and value not in (None, False, []):
            raise not_supported(f"{type(node).__name__.upper()} with {name.strip('_').upper()}")


def type_mismatch(node: exp.Expr, reason: str) -> QueryFailed:
    return QueryFailed(f"TYPE_MISMATCH: {position(node)}{reason}", SYNTAX_ERROR)
