"""Positions of sqlglot's nodes in the text, and errors with these positions."""

from __future__ import annotations

from sqlglot import exp

from localaws.athena.errors import SYNTAX_ERROR, QueryFailed, not_supported


def position(node: exp.Expr) -> str:
    """Return ``line 1:8: `` for the first token below ``node`` with a known position; '' if there is none."""
    places = [found.meta for found in node.walk() if "line" in found.meta]
    if not places:
        return ""
    first = min(places, key=lambda meta: int(meta["start"]))
    return f"line {first['line']}:{first['col'] - (first['end'] - first['start'])}: "


def unsupported(what: str, node: exp.Expr) -> QueryFailed:
    place = position(node).rstrip(": ")
    return not_supported(f"{what} ({place})" if place else what)


def only(node: exp.Expr, *allowed: str) -> None:
    """Raise QueryFailed if the node has other arguments than ``allowed``."""
    for name, value in node.args.items():
        if name not in allowed and value not in (None, False, []):
            raise not_supported(f"{type(node).__name__.upper()} with {name.strip('_').upper()}")


def type_mismatch(node: exp.Expr, reason: str) -> QueryFailed:
    return QueryFailed(f"TYPE_MISMATCH: {position(node)}{reason}", SYNTAX_ERROR)
