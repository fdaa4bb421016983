"""Overloads of functions, such as ``"varchar, bigint -> varchar"``, and their resolution.

``T`` is a type variable, ``N`` a type variable for numbers, ``C`` one for comparable types; each has one type per call.
``any`` accepts any type in each position, ``compared`` any comparable type. An argument type with ``...`` can repeat.
As in Trino, an overload with exactly the argument types is used, otherwise the first to which the arguments can be
coerced.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pyarrow as pa

from localaws.athena import datatypes as dt
from localaws.athena.errors import not_supported
from localaws.athena.sql.types.casts import coerced
from localaws.athena.sql.types.typed_sql import TypedSql

_VARIABLES = ("T", "N", "C")


@dataclass(frozen=True)
class Overload:
    parameters: tuple[str, ...]
    result: str
    template: str


@dataclass(frozen=True)
class Bound:
    """An overload with the SQL of its coerced arguments, and its return type."""

    template: str
    arguments: tuple[str, ...]
    result: pa.DataType


def overload(signature: str, template: str) -> Overload:
    parameters, _, result = signature.partition("->")
    return Overload(tuple(p.strip() for p in _split(parameters)), result.strip(), template)


def bind(overloads: Sequence[Overload], arguments: Sequence[TypedSql]) -> Bound | None:
    """Return the overload for these arguments; None if there is none."""
    for exact in (True, False):
        for candidate in overloads:
            bound = _bind(candidate, arguments, exact)
            if bound is not None:
                return bound
    return None


def _split(parameters: str) -> list[str]:
    found, depth, start = [], 0, 0
    for at, character in enumerate(parameters):
        depth += (character == "(") - (character == ")")
        if character == "," and depth == 0:
            found.append(parameters[start:at])
            start = at + 1
    return [*found, parameters[start:]] if parameters.strip() else []


def _bind(candidate: Overload, arguments: Sequence[TypedSql], exact: bool) -> Bound | None:
    parameters = _expanded(candidate.parameters, len(arguments))
    if len(parameters) != len(arguments):
        return None
    variable = _variable_type(parameters, arguments)
    wanted = [
        argument.type if parameter in ("any", "compared") else _concrete(parameter, variable)
        for parameter, argument in zip(parameters, arguments, strict=True)
    ]
    for parameter, argument, target in zip(parameters, arguments, wanted, strict=True):
        if parameter == "compared" and pa.types.is_nested(argument.type):
            raise not_supported(f"comparison of {dt.trino_name(argument.type)}")
        if target is None or not (
            argument.type == target or (not exact and dt.can_coerce(argument.type, target))
        ):
            return None
    result = _concrete(candidate.result, variable)
    if result is None:
        return None
    texts = tuple(coerced(argument, target) for argument, target in zip(arguments, wanted, strict=True))
    return Bound(candidate.template, texts, result)


def _expanded(parameters: tuple[str, ...], count: int) -> list[str]:
    if not parameters or not parameters[-1].endswith("..."):
        return list(parameters)
    repeated = parameters[-1].removesuffix("...")
    return [*parameters[:-1], *[repeated] * max(1, count - len(parameters) + 1)]


def _variable_type(parameters: list[str], arguments: Sequence[TypedSql]) -> pa.DataType | None:
    """Return the common type to which all arguments of the type variable can be coerced; None if there is none."""
    found: pa.DataType | None = None
    for parameter, argument in zip(parameters, arguments, strict=True):
        name, given = parameter, argument.type
        if parameter.startswith("array(") and parameter[6:-1] in _VARIABLES:
            if not dt.is_array(given):
                return None
            name, given = parameter[6:-1], given.value_type
        if name not in _VARIABLES:
            continue
        found = given if found is None else dt.common_type(found, given)
        if found is None or (name == "N" and not dt.is_numeric(found)):
            return None
        if name == "C" and pa.types.is_nested(found):
            raise not_supported(f"comparison of {dt.trino_name(found)}")
    return found


def _concrete(parameter: str, variable: pa.DataType | None) -> pa.DataType | None:
    if parameter in _VARIABLES:
        return variable
    if parameter.startswith("array(") and parameter[6:-1] in _VARIABLES:
        return pa.list_(variable) if variable is not None else None
    return dt.parse_type(parameter)
