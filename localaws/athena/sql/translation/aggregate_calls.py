"""The parts of aggregate and window function calls: arguments, DISTINCT, ORDER BY and window frames."""

from __future__ import annotations

from sqlglot import exp

from localaws.athena.errors import SYNTAX_ERROR, QueryFailed, not_supported
from localaws.athena.sql.parsing.nodes import only, unsupported

_SIDES = ("PRECEDING", "CURRENT ROW", "FOLLOWING")


def aggregate_call(node: exp.Expr) -> tuple[str, list[exp.Expr], bool, list[exp.Expr]]:
    """Return an aggregate's name, arguments, whether they are DISTINCT, and its ORDER BY."""
    if isinstance(node, exp.GroupConcat):
        name, arguments = "listagg", [node.this, node.args.get("separator") or exp.Literal.string("")]
    elif isinstance(node, exp.Anonymous):
        name, arguments = node.name.lower(), list(node.expressions)
    else:
        raise unsupported(f"{type(node).__name__.upper()} as an aggregate", node)
    distinct, order = False, []
    if arguments and isinstance(arguments[-1], exp.Order):
        order, arguments[-1] = arguments[-1].expressions, arguments[-1].this
    elif arguments and isinstance(arguments[0], exp.Order):
        order, arguments[0] = arguments[0].expressions, arguments[0].this
    if arguments and isinstance(arguments[0], exp.Distinct):
        if len(arguments) > 1 and name != "listagg":
            raise not_supported(f"{name}(DISTINCT ...) with more than one argument")
        only(arguments[0], "expressions")
        distinct, arguments = True, [*arguments[0].expressions, *arguments[1:]]
    return name, arguments, distinct, order


def frame_text(spec: exp.Expr) -> str:
    only(spec, "kind", "start", "start_side", "end", "end_side")
    kind = str(spec.args["kind"]).upper()
    if kind not in ("ROWS", "RANGE"):
        raise not_supported(f"a window frame of {kind}")
    start = _frame_bound(kind, spec.args["start"], spec.args.get("start_side"))
    end = _frame_bound(kind, spec.args.get("end") or "CURRENT ROW", spec.args.get("end_side"))
    _check_order(start, end)
    return f"{kind} BETWEEN {start} AND {end}"


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


def _frame_bound(kind: str, bound: exp.Expr | str, side: str | None) -> str:
    if isinstance(bound, str):
        return f"{bound.upper()} {(side or '').upper()}".strip()
    if kind == "RANGE" or not isinstance(bound, exp.Literal) or not str(bound.this).isdigit():
        raise not_supported(f"{kind} {bound.sql(dialect='trino')} {side}")
    return f"{int(bound.this)} {str(side).upper()}"
