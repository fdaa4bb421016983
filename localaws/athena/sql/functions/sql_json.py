"""The JSON functions of the SQL standard: json_exists, json_value, json_query, json_object and json_array.

``parsing.json_grammar`` adds the clauses of a call as its last argument.
Source: https://trino.io/docs/401/functions/json.html, and JsonValueFunction and JsonQueryFunction of Trino
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any

import pyarrow as pa
from duckdb import DuckDBPyConnection, sqltypes
from duckdb.func import ARROW, SPECIAL
from sqlglot import exp

from localaws.athena import datatypes as dt
from localaws.athena.errors import DATA_ERROR, QueryFailed, not_supported
from localaws.athena.quoting import duckdb_string
from localaws.athena.sql.functions import json_paths, json_texts
from localaws.athena.sql.functions.json_functions import scalar_text
from localaws.athena.sql.functions.json_paths import Missing, PathError
from localaws.athena.sql.functions.json_texts import Pairs
from localaws.athena.sql.parsing.nodes import type_mismatch, unsupported
from localaws.athena.sql.types.casts import coerced
from localaws.athena.sql.types.typed_sql import TypedSql

_SCALARS = (*dt.INTEGERS, dt.BOOLEAN, dt.REAL, dt.DOUBLE, dt.VARCHAR)
_RETURNING_JSON = (
    "json_object",
    "json_array",
    "json_query",
)  # their results are JSON texts also without FORMAT JSON


class _Malformed:
    """The value of an argument that is not valid JSON."""


def register(connection: DuckDBPyConnection) -> None:
    """Register the functions for all connections of this database."""
    text = sqltypes.VARCHAR
    outcome = connection.struct_type({"state": text, "value": text})
    arrow_outcome = pa.struct([("state", pa.string()), ("value", pa.string())])
    for name, function, result, arrow in (
        ("trino_json_exists", _exists, sqltypes.BOOLEAN, pa.bool_()),
        ("trino_json_value", _value, outcome, arrow_outcome),
        ("trino_json_query", _query, text, pa.string()),
        ("trino_json_object", _object, text, pa.string()),
        ("trino_json_array", _array, text, pa.string()),
    ):
        connection.create_function(
            name, _over_rows(function, arrow), None, result, type=ARROW, null_handling=SPECIAL
        )


def _over_rows(function: Callable[..., Any], result: pa.DataType) -> Callable[..., pa.Array]:
    def over_rows(clauses: pa.ChunkedArray, *columns: pa.ChunkedArray) -> pa.Array:
        rows = zip(*(column.to_pylist() for column in columns), strict=True)
        given = json.loads(clauses[0].as_py()) if len(clauses) else {}
        return pa.array([None if None in row else function(given, *row) for row in rows], type=result)

    return over_rows


# ---------------------------------------------------------------- translation
def _path_function(name: str, values: list[TypedSql], nodes: list[exp.Expr]) -> TypedSql | None:
    if not nodes or not isinstance(nodes[-1], exp.Literal) or len(values) < 3:
        return None
    clauses = json.loads(str(nodes[-1].this))
    if values[0].type not in (dt.VARCHAR, dt.NULL):
        raise type_mismatch(nodes[0], f"Cannot read input of type {dt.trino_name(values[0].type)} as JSON")
    path = str(nodes[1].this)
    json_paths.check_path(path)
    passed = range(2, 2 + len(clauses["names"]))
    parameters = [
        _json_text(values[at], nodes[at], given)
        for at, given in zip(passed, clauses["formats"][1:], strict=True)
    ]
    arguments = (
        f"{duckdb_string(json.dumps(clauses))}, {coerced(values[0], dt.VARCHAR)}, {duckdb_string(path)}, "
        f"CAST([{', '.join(parameters)}] AS VARCHAR[])"
    )
    if name == "json_exists":
        return TypedSql(f"trino_json_exists({arguments})", dt.BOOLEAN)
    returning = _returning(clauses, nodes[0])
    if name == "json_query":
        if returning != dt.VARCHAR:
            raise not_supported(f"json_query with RETURNING {clauses['returning']}")
        if clauses["wrapper"] and "omit_quotes" in clauses:
            raise not_supported("json_query with a wrapper and KEEP or OMIT QUOTES")
        return TypedSql(f"trino_json_query({arguments})", dt.VARCHAR)
    return _value_sql(arguments, clauses, returning, values[2 + len(clauses["names"]) : -1], nodes)


def _value_sql(
    arguments: str,
    clauses: dict[str, Any],
    returning: pa.DataType,
    defaults: Sequence[TypedSql],
    nodes: Sequence[exp.Expr],
) -> TypedSql:
    rest = iter(defaults)
    branches = []
    for event in ("empty", "error"):
        if clauses[event] == "default":
            default = next(rest)
            if not dt.can_coerce(default.type, returning):
                raise type_mismatch(
                    nodes[0],
                    f"Function JSON_VALUE default ON {event.upper()} result must evaluate to "
                    f"{dt.trino_name(returning)} (actual: {dt.trino_name(default.type)})",
                )
            branches.append(f" WHEN '{event}' THEN {coerced(default, returning)}")
    call = f"trino_json_value({arguments})"
    value = f"CAST((outcome).value AS {dt.duckdb_name(returning)})"
    case = f"CASE (outcome).state WHEN 'value' THEN {value}{''.join(branches)} END"
    return TypedSql(f"list_transform([{call}], lambda outcome: {case})[1]", returning)


def _object_or_array(name: str, values: list[TypedSql], nodes: list[exp.Expr]) -> TypedSql | None:
    if not nodes or not isinstance(nodes[-1], exp.Literal) or not nodes[-1].is_string:
        return None
    clauses = json.loads(str(nodes[-1].this))
    if _returning(clauses, nodes[-1]) != dt.VARCHAR:
        raise not_supported(f"{name} with RETURNING {clauses['returning']}")
    step = 2 if name == "json_object" else 1
    keys, items = values[:-1:step], values[step - 1 : -1 : step]
    item_nodes = nodes[step - 1 : -1 : step]
    clauses["formats"] = [
        given or _is_json_function(node) for given, node in zip(clauses["formats"], item_nodes, strict=True)
    ]
    texts = [
        _json_text(*item, null="NULL") for item in zip(items, item_nodes, clauses["formats"], strict=True)
    ]
    arguments = f"{duckdb_string(json.dumps(clauses))}, CAST([{', '.join(texts)}] AS VARCHAR[])"
    if name == "json_object":
        for key, node in zip(keys, nodes[:-1:step], strict=True):
            if key.type not in (dt.VARCHAR, dt.NULL):
                raise type_mismatch(
                    node, f"Object key must be a character string (actual: {dt.trino_name(key.type)})"
                )
        names = ", ".join(coerced(key, dt.VARCHAR) for key in keys)
        arguments += f", CAST([{names}] AS VARCHAR[])"
    return TypedSql(f"trino_{name}({arguments})", dt.VARCHAR)


def _is_json_function(node: exp.Expr) -> bool:
    while isinstance(node, exp.Paren):
        node = node.this
    return isinstance(node, exp.Anonymous) and str(node.this).lower() in _RETURNING_JSON


def _json_text(value: TypedSql, node: exp.Expr, given: bool, null: str = "'null'") -> str:
    """Return SQL for the JSON text of an argument. ``given`` means that the argument is a JSON text itself."""
    if given:
        if value.type not in (dt.VARCHAR, dt.NULL):
            raise type_mismatch(node, f"Cannot read input of type {dt.trino_name(value.type)} as JSON")
        return coerced(value, dt.VARCHAR)
    if value.type == dt.NULL:
        return null
    if value.type not in _SCALARS:
        raise unsupported(f"{dt.trino_name(value.type)} as an argument of a JSON function", node)
    text = f"trino_to_json({value.sql}, {duckdb_string(dt.trino_name(value.type))})"
    return text if null == "NULL" else f"coalesce({text}, {null})"


def _returning(clauses: dict[str, Any], node: exp.Expr) -> pa.DataType:
    name = clauses["returning"] or "varchar"
    try:
        found = dt.trino_type(name)
    except ValueError:
        found = None
    if found is None or "varchar(" in name.lower() or not (found in _SCALARS or dt.is_decimal(found)):
        raise unsupported(f"RETURNING {name}", node)
    return found


SQL_JSON_RULES = {
    **dict.fromkeys(("json_exists", "json_value", "json_query"), _path_function),
    **dict.fromkeys(("json_object", "json_array"), _object_or_array),
}


# ---------------------------------------------------------------- evaluation
def _exists(clauses: dict[str, Any], text: str, path: str, parameters: list[str | None]) -> bool | None:
    try:
        return bool(_items(clauses, text, path, parameters))
    except PathError as error:
        behavior = clauses["error"] or "false"
        if behavior == "error":
            raise _failed(error) from None
        return {"true": True, "false": False, "unknown": None}[behavior]


def _value(
    clauses: dict[str, Any], text: str, path: str, parameters: list[str | None]
) -> dict[str, str | None] | None:
    try:
        items = _items(clauses, text, path, parameters)
        if len(items) > 1:
            raise PathError("JSON path found multiple items")
        if not items:
            return _behavior(clauses, "empty", PathError("JSON path found no items"))
        if items[0] is None:
            return None
        return {"state": "value", "value": _returned(items[0], clauses["returning"] or "varchar")}
    except PathError as error:
        return _behavior(clauses, "error", error)


def _returned(item: Any, type_name: str) -> str:
    try:
        if isinstance(item, list):
            raise ValueError(item)
        return scalar_text(item, dt.trino_type(type_name))
    except (ArithmeticError, ValueError):
        raise PathError(f"JSON path found an item that cannot be converted to {type_name}") from None


def _behavior(clauses: dict[str, Any], event: str, error: PathError) -> dict[str, str | None] | None:
    if clauses[event] == "error":
        raise _failed(error)
    return {"state": event, "value": None} if clauses[event] == "default" else None


def _query(clauses: dict[str, Any], text: str, path: str, parameters: list[str | None]) -> str | None:
    event = "error"
    try:
        items = _items(clauses, text, path, parameters)
        if not items:
            event = "empty"
            raise PathError("JSON path found no items")
        wrapped = clauses["wrapper"] == "unconditional" or (
            clauses["wrapper"] == "conditional" and not (len(items) == 1 and isinstance(items[0], list))
        )
        if not wrapped and len(items) > 1:
            raise PathError("JSON path found multiple items")
        found = items if wrapped else items[0]
        if isinstance(found, str) and clauses.get("omit_quotes"):
            return found
        return json_texts.dumps(_without_duplicates(found))
    except PathError as error:
        behavior = clauses[event] or "null"
        if behavior == "error":
            raise _failed(error) from None
        return {"null": None, "array": "[]", "object": "{}"}[behavior]


def _items(clauses: dict[str, Any], text: str, path: str, parameters: list[str | None]) -> list[Any]:
    """Return the items to which the path leads. Raises PathError, also for an argument that is not valid JSON."""
    root = _loaded(text)
    given = zip(clauses["names"], parameters, strict=True)
    variables = {name: Missing if value is None else _loaded(value) for name, value in given}
    if _Malformed in (root, *variables.values()):
        raise PathError("malformed argument")
    return json_paths.evaluated(path, root, variables)


def _loaded(text: str) -> Any:
    try:
        return json_texts.loads(text)
    except ValueError:
        return _Malformed


def _object(clauses: dict[str, Any], values: list[str | None], keys: list[str | None]) -> str:
    members: dict[str, Any] = {}
    for key, value in zip(keys, _members(clauses, values), strict=True):
        if key is None:
            raise json_texts.invalid("null value passed for JSON object key to JSON_OBJECT function")
        if value is Missing:
            continue
        if key in members:
            raise QueryFailed("NOT_SUPPORTED: cannot construct a JSON object with duplicate key", DATA_ERROR)
        members[key] = value
    return json_texts.dumps(Pairs((key, members[key]) for key in _as_in_hash_map(list(members))))


def _array(clauses: dict[str, Any], values: list[str | None]) -> str:
    return json_texts.dumps([value for value in _members(clauses, values) if value is not Missing])


def _members(clauses: dict[str, Any], values: list[str | None]) -> list[Any]:
    """Return the values of an object or array. A value that is absent is Missing."""
    found = []
    for text in values:
        value = (None if clauses["nulls"] == "null" else Missing) if text is None else _loaded(text)
        if value is _Malformed:
            raise QueryFailed(
                "JSON_INPUT_CONVERSION_ERROR: conversion to JSON failed: malformed JSON value", DATA_ERROR
            )
        plain = _without_duplicates(value)
        if clauses.get("unique") and plain != value:
            raise json_texts.invalid("duplicate key passed to JSON_OBJECT function")
        found.append(plain)
    return found


def _without_duplicates(value: Any) -> Any:
    """Keep the last value of each key, as Jackson does."""
    if isinstance(value, Pairs):
        return Pairs((key, _without_duplicates(item)) for key, item in dict(value).items())
    return [_without_duplicates(item) for item in value] if isinstance(value, list) else value


def _as_in_hash_map(keys: list[str]) -> list[str]:
    """Return the keys in the order of Java's HashMap."""
    size = 16
    while len(keys) > size * 3 // 4:
        size *= 2
    return sorted(keys, key=lambda key: _bucket(key, size))


def _bucket(key: str, size: int) -> int:
    code = 0
    units = key.encode("utf-16-be")
    for at in range(0, len(units), 2):
        code = (31 * code + int.from_bytes(units[at : at + 2])) & 0xFFFFFFFF
    return (code ^ code >> 16) & (size - 1)


def _failed(error: PathError) -> QueryFailed:
    return QueryFailed(f"PATH_EVALUATION_ERROR: path evaluation failed: {error}", DATA_ERROR)
