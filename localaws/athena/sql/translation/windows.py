"""Windows: references to the WINDOW clause, and frames.

Source: https://trino.io/docs/401/functions/window.html and ExpressionAnalyzer.analyzeWindow of Trino 401
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from sqlglot import exp

from localaws.athena import datatypes as dt
from localaws.athena.errors import SYNTAX_ERROR, QueryFailed
from localaws.athena.sql.functions.moment_functions import duckdb_interval
from localaws.athena.sql.parsing.nodes import only, position, type_mismatch, unsupported
from localaws.athena.sql.types.casts import coerced
from localaws.athena.sql.types.typed_sql import TypedSql

_SIDES = ("PRECEDING", "CURRENT ROW", "FOLLOWING")
# Their results do not depend on the frame; DuckDB's would.
WITHOUT_FRAME = ("row_number", "rank", "dense_rank", "percent_rank", "cume_dist", "ntile")
WITH_NULL_TREATMENT = ("lag", "lead", "first_value", "last_value", "nth_value")


@dataclass(frozen=True)
class Window:
    """The parts of a window, as nodes."""

    partition: Sequence[exp.Expr] = ()
    order: Sequence[exp.Expr] = ()
    frame: exp.Expr | None = None


def named_windows(clause: Sequence[exp.Expr]) -> dict[str, Window]:
    """Return the windows of a WINDOW clause by their names in lower case."""
    found: dict[str, Window] = {}
    for node in clause:
        name = node.this.name.lower()
        if name in found:
            raise QueryFailed(
                f"DUPLICATE_WINDOW_NAME: {position(node)}WINDOW name '{name}' specified more than once",
                SYNTAX_ERROR,
            )
        only(node, "this", "partition_by", "order", "spec", "alias")
        found[name] = resolved(node, found)
    return found


def resolved(node: exp.Expr, named: Mapping[str, Window]) -> Window:
    """Return the parts of a window, together with those of the named window that it refers to."""
    order = node.args.get("order")
    own = Window(
        node.args.get("partition_by") or (), order.expressions if order else (), node.args.get("spec")
    )
    name = node.alias.lower()
    if not name:
        return own
    base = named.get(name)
    if base is None:
        raise _error("INVALID_WINDOW_REFERENCE", node.args["alias"], f"Cannot resolve WINDOW name {name}")
    if own.partition:
        raise _error(
            "INVALID_PARTITION_BY",
            node.args["alias"],
            "WINDOW specification with named WINDOW reference cannot specify PARTITION BY",
        )
    if own.order and base.order:
        raise _error(
            "INVALID_ORDER_BY",
            node.args["alias"],
            "Cannot specify ORDER BY if referenced named WINDOW specifies ORDER BY",
        )
    if base.frame is not None and (own.order or own.frame):
        raise _error(
            "INVALID_WINDOW_REFERENCE",
            node.args["alias"],
            "Cannot reference named WINDOW containing frame specification",
        )
    return Window(base.partition, own.order or base.order, own.frame or base.frame)


def frame_text(window: Window, compile_: Callable[[exp.Expr], TypedSql]) -> tuple[str, str | None]:
    """Return the SQL of the frame, and that of the sort key if an offset of RANGE changes its type."""
    spec = window.frame
    if spec is None:
        return "", None
    only(spec, "kind", "start", "start_side", "end", "end_side")
    kind = str(spec.args["kind"]).upper()
    bounds = [
        (spec.args["start"], spec.args.get("start_side")),
        (spec.args.get("end") or "CURRENT ROW", spec.args.get("end_side")),
    ]
    key: TypedSql | None = None
    if any(isinstance(bound, exp.Expr) for bound, _ in bounds) and kind != "ROWS":
        key = _sort_key(kind, window, compile_)
    common = key
    if kind == "RANGE" and key is not None:
        common = _common_key(key, [bound for bound, _ in bounds], compile_)
    start, end = (_bound(kind, bound, side, common, compile_) for bound, side in bounds)
    _check_order(start, end)
    changed = kind == "RANGE" and key is not None and common is not None and common.type != key.type
    return f"{kind} BETWEEN {start} AND {end}", common.sql if changed and common is not None else None


def _sort_key(kind: str, window: Window, compile_: Callable[[exp.Expr], TypedSql]) -> TypedSql:
    if not window.order:
        raise QueryFailed(
            f"MISSING_ORDER_BY: Window frame of type {kind} PRECEDING or FOLLOWING requires ORDER BY",
            SYNTAX_ERROR,
        )
    if kind == "RANGE" and len(window.order) > 1:
        raise QueryFailed(
            "INVALID_ORDER_BY: Window frame of type RANGE PRECEDING or FOLLOWING requires single sort item in "
            f"ORDER BY (actual: {len(window.order)})",
            SYNTAX_ERROR,
        )
    return compile_(window.order[0].this)


def _common_key(
    key: TypedSql, bounds: Sequence[exp.Expr | str], compile_: Callable[[exp.Expr], TypedSql]
) -> TypedSql:
    """Return the sort key in the common type of the key and all offsets of RANGE."""
    common = key.type
    for bound in bounds:
        if isinstance(bound, str | exp.Interval):
            continue
        offset = compile_(bound)
        found = dt.common_type(common, offset.type)
        if found is None or not dt.is_numeric(found):
            raise type_mismatch(
                bound,
                f"Window frame of type RANGE does not match types of sort item and offset: "
                f"{dt.trino_name(key.type)}, {dt.trino_name(offset.type)}",
            )
        common = found
    return TypedSql(coerced(key, common), common)


def _bound(
    kind: str,
    bound: exp.Expr | str,
    side: str | None,
    key: TypedSql | None,
    compile_: Callable[[exp.Expr], TypedSql],
) -> str:
    side = (side or "").upper()
    if isinstance(bound, str):
        return f"{bound.upper()} {side}".strip()
    if isinstance(bound, exp.Interval):
        if kind != "RANGE" or key is None or dt.kind(key.type) not in ("date", "timestamp"):
            raise unsupported(f"{kind} {bound.sql(dialect='trino')} {side}", bound)
        return f"{duckdb_interval(compile_(bound), 'trino_frame_offset')} {side}"
    offset = compile_(bound)
    if kind == "RANGE" and key is not None:
        return f"trino_frame_offset({coerced(offset, key.type)}) {side}"
    if offset.type not in dt.INTEGERS and not (dt.is_decimal(offset.type) and offset.type.scale == 0):
        raise type_mismatch(
            bound,
            f"Window frame {kind} value type must be exact numeric type with scale 0 "
            f"(actual {dt.trino_name(offset.type)})",
        )
    return f"CAST(least(trino_frame_offset({offset.sql}), {2**62}) AS BIGINT) {side}"


def _check_order(start: str, end: str) -> None:
    """Raise QueryFailed INVALID_WINDOW_FRAME for a frame whose end is before its start."""
    if start == "UNBOUNDED FOLLOWING":
        raise _invalid_frame("start cannot be UNBOUNDED FOLLOWING")
    if end == "UNBOUNDED PRECEDING":
        raise _invalid_frame("end cannot be UNBOUNDED PRECEDING")
    sides = [next(side for side in _SIDES if bound.endswith(side)) for bound in (start, end)]
    if _SIDES.index(sides[0]) > _SIDES.index(sides[1]):
        raise _invalid_frame(f"starting from {sides[0]} cannot end with {sides[1]}")


def _invalid_frame(reason: str) -> QueryFailed:
    return QueryFailed(f"INVALID_WINDOW_FRAME: Window frame {reason}", SYNTAX_ERROR)


def _error(code: str, node: exp.Expr, reason: str) -> QueryFailed:
    return QueryFailed(f"{code}: {position(node)}{reason}", SYNTAX_ERROR)
