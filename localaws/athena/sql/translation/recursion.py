"""WITH RECURSIVE. Like Trino, it runs a fixed number of steps and fails if the last one has rows.

Source: https://trino.io/docs/401/sql/select.html#with-recursive-clause, StatementAnalyzer.tryProcessRecursiveQuery
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlglot import exp

from localaws.athena import datatypes as dt
from localaws.athena.errors import SYNTAX_ERROR, QueryFailed
from localaws.athena.quoting import duckdb_string
from localaws.athena.sql.parsing.nodes import position, type_mismatch
from localaws.athena.sql.translation.output_columns import OutputColumn, Query

_MAX_DEPTH = 10  # Trino's max_recursion_depth, which cannot be changed in Athena
_TOO_DEEP = (
    f"NOT_SUPPORTED: Recursion depth limit exceeded ({_MAX_DEPTH}). "
    "Use 'max_recursion_depth' session property to modify the limit"
)


def refers_to_itself(cte: exp.Expr) -> bool:
    return isinstance(cte.this, exp.Union) and bool(_references(cte.this, cte.alias))


def recursive_union(cte: exp.Expr) -> exp.Expr:
    """Return the UNION of base and step. Raises QueryFailed if Trino does not accept it."""
    union: exp.Expr = cte.this
    alias = cte.args["alias"]
    if not alias.args.get("columns"):
        raise _error("MISSING_COLUMN_ALIASES", cte, "missing column aliases in recursive WITH query")
    for part, clause in (("with_", "WITH"), ("order", "ORDER BY"), ("limit", "LIMIT"), ("offset", "OFFSET")):
        if union.args.get(part):
            raise _error(
                "NOT_SUPPORTED", cte, f"immediate {clause} clause in recursive query is not supported"
            )
    if _references(union.this, cte.alias):
        raise _error(
            "INVALID_RECURSIVE_REFERENCE",
            union.this,
            "WITH table name is referenced in the base relation of recursion",
        )
    if len(_references(union.expression, cte.alias)) > 1:
        raise _error(
            "INVALID_RECURSIVE_REFERENCE",
            union.expression,
            "multiple recursive references in the step relation of recursion",
        )
    return union


def check_step_types(union: exp.Expr, base: Sequence[OutputColumn], step: Sequence[OutputColumn]) -> None:
    """Raise QueryFailed unless the columns of the step can be coerced to the types of the base."""
    if len(base) != len(step):
        raise type_mismatch(
            union,
            f"base and step relations of recursion have different number of fields: {len(base)}, {len(step)}",
        )
    for at, (column, found) in enumerate(zip(base, step, strict=True)):
        if not dt.can_coerce(found.type, column.type):
            raise type_mismatch(
                union,
                f"recursion step relation output type ({dt.trino_name(found.type)}) is not coercible to recursion "
                f"base relation output type ({dt.trino_name(column.type)}) at column {at + 1}",
            )


def unrolled(name: str, base: Query, step: str, distinct: bool) -> str:
    """Return the SQL of all steps, and of their union with the name ``name``."""
    steps = [f"{name}_0 AS MATERIALIZED ({base.sql})"]
    steps += [
        f"{name}_{at} AS MATERIALIZED (WITH {name} AS (SELECT * FROM {name}_{at - 1}) {step})"
        for at in range(1, _MAX_DEPTH + 2)
    ]
    all_steps = " UNION ALL ".join(f"SELECT * FROM {name}_{at}" for at in range(_MAX_DEPTH + 1))
    # The message depends on a column, so that DuckDB does not evaluate it before there is a row.
    message = f"{duckdb_string(_TOO_DEEP)} || CASE WHEN c0 IS NULL THEN '' ELSE '' END"
    check = f"SELECT * FROM {name}_{_MAX_DEPTH + 1} WHERE trino_raise({message}) = 0"
    word = "DISTINCT " if distinct else ""
    return f"{', '.join(steps)}, {name} AS (SELECT {word}* FROM ({all_steps} UNION ALL {check}))"


def _references(node: exp.Expr, name: str) -> list[exp.Expr]:
    return [
        table for table in node.find_all(exp.Table) if not table.db and table.name.lower() == name.lower()
    ]


def _error(code: str, node: exp.Expr, reason: str) -> QueryFailed:
    return QueryFailed(f"{code}: {position(node)}{reason}", SYNTAX_ERROR)
