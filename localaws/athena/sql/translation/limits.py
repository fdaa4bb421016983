"""ORDER BY, OFFSET, LIMIT and FETCH FIRST of a query.

Source: https://trino.io/docs/401/sql/select.html#limit-or-fetch-first-clause
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlglot import exp

from localaws.athena.errors import SYNTAX_ERROR, QueryFailed, not_supported
from localaws.athena.sql.parsing.nodes import position


def has_ties(node: exp.Expr) -> bool:
    limit = node.args.get("limit")
    options = limit.args.get("limit_options") if isinstance(limit, exp.Fetch) else None
    return bool(options is not None and options.args.get("with_ties"))


def limited(body: str, node: exp.Expr, order: Sequence[tuple[str, str]], columns: int) -> str:
    """Add ORDER BY, OFFSET and LIMIT or FETCH FIRST of ``node`` to ``body``, which has ``columns`` columns.

    In Trino OFFSET is before LIMIT, in DuckDB after it. DuckDB has no WITH TIES.
    """
    limit, offset = node.args.get("limit"), node.args.get("offset")
    keys = ", ".join(f"{key} {direction}" for key, direction in order)
    text = f"{body} ORDER BY {keys}" if keys else body
    rows: int | None = None
    if isinstance(limit, exp.Fetch):
        rows = 1 if limit.args.get("count") is None else _whole(limit.args["count"])
        if rows < 1:
            raise QueryFailed(
                f"INVALID_FETCH_FIRST_ROW_COUNT: {position(node)}FETCH FIRST row count must be positive "
                f"(actual value: {rows})",
                SYNTAX_ERROR,
            )
    elif limit is not None and limit.expression.name.upper() != "ALL":
        rows = _whole(limit.expression)
    if rows is not None and not has_ties(node):
        text += f" LIMIT {rows}"
    if offset is not None:
        text += f" OFFSET {_whole(offset.expression)}"
    if not has_ties(node):
        return text
    if not keys:
        raise QueryFailed(
            f"MISSING_ORDER_BY: {position(node)}FETCH FIRST WITH TIES clause requires ORDER BY", SYNTAX_ERROR
        )
    selected = ", ".join(f"c{at}" for at in range(columns))
    ranked = f"SELECT *, rank() OVER (ORDER BY {keys}) AS k FROM ({text})"
    return f"SELECT {selected} FROM ({ranked}) WHERE k <= {rows} ORDER BY k"


def _whole(node: exp.Expr) -> int:
    if not isinstance(node, exp.Literal) or node.is_string or not str(node.this).isdigit():
        raise not_supported("LIMIT or OFFSET that is not a constant")
    return int(node.this)
