"""The parts of aggregate and window function calls: arguments, DISTINCT and ORDER BY."""

from __future__ import annotations

from sqlglot import exp

from localaws.athena.errors import not_supported
from localaws.athena.sql.parsing.nodes import only, unsupported


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
