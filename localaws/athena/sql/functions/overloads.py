"""Overloads of functions, such as ``"varchar, bigint -> varchar"``, and their resolution.

A capital letter is a type variable: it has one type per call. ``N`` is only a number, ``C`` a type that is neither an
array, a map nor a row, ``E`` a type that DuckDB and Trino compare alike, ``O`` a type with an order, ``L`` one in which
NaN is the largest number. ``any`` accepts
any type in each position, ``compared`` any type with an order. An argument type with ``...`` can repeat.
``function(T, U)`` is a lambda with a parameter of type T that returns a U. As in Trino, an overload with exactly the
argument types is used, otherwise the first to which the arguments can be coerced.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import pyarrow as pa

from localaws.athena import datatypes as dt
from localaws.athena.errors import not_supported
from localaws.athena.sql.types.casts import coerced
from localaws.athena.sql.types.comparisons import has_order, order_key, ordered
from localaws.athena.sql.types.typed_sql import TypedSql

_VARIABLE = re.compile(r"[A-Z]")
_CONSTRUCTOR = re.compile(r"(array|map|row)\((.*)\)")
_FUNCTION = re.compile(r"function\((.*)\)")

# The type variables of one call.
Variables = dict[str, pa.DataType]


@dataclass(frozen=True)
class Lambda:
    """A lambda in a call. ``compile`` translates it for parameters of these types."""

    parameters: int
    compile: Callable[[Sequence[pa.DataType]], LambdaSql]


@dataclass(frozen=True)
class LambdaSql:
    """A translated lambda ``lambda name: result``. Several parameters are the fields x0, x1, ... of a struct."""

    name: str
    result: TypedSql


Argument = TypedSql | Lambda


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
    variables: Variables

    @property
    def type_names(self) -> dict[str, str]:
        """DuckDB's names of the types of the type variables."""
        return {name: dt.duckdb_name(type_) for name, type_ in self.variables.items()}


def overload(signature: str, template: str) -> Overload:
    parameters, _, result = signature.partition("->")
    return Overload(tuple(_split(parameters)), result.strip(), template)


def bind(overloads: Sequence[Overload], arguments: Sequence[Argument]) -> Bound | None:
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
            found.append(parameters[start:at].strip())
            start = at + 1
    return [*found, parameters[start:].strip()] if parameters.strip() else []


def _bind(candidate: Overload, arguments: Sequence[Argument], exact: bool) -> Bound | None:
    parameters = _expanded(candidate.parameters, len(arguments))
    if len(parameters) != len(arguments):
        return None
    given, variables = list(zip(parameters, arguments, strict=True)), Variables()
    for parameter, argument in given:
        if isinstance(argument, Lambda) is not bool(_FUNCTION.fullmatch(parameter)):
            return None
        if isinstance(argument, TypedSql) and not _unify(parameter, argument.type, variables):
            return None
    if not _fits(candidate, given, variables, exact):
        return None
    lambdas = _lambdas(given, variables)
    if lambdas is None:
        return None
    if "E" in variables:
        check_equality(variables["E"])
    texts = tuple(
        lambdas[at] if isinstance(argument, Lambda) else _text(parameter, argument, variables)
        for at, (parameter, argument) in enumerate(given)
    )
    return Bound(candidate.template, texts, _concrete(candidate.result, variables), variables)


def _expanded(parameters: tuple[str, ...], count: int) -> list[str]:
    if not parameters or not parameters[-1].endswith("..."):
        return list(parameters)
    repeated = parameters[-1].removesuffix("...")
    return [*parameters[:-1], *[repeated] * max(1, count - len(parameters) + 1)]


def _unify(parameter: str, given: pa.DataType, variables: Variables) -> bool:
    """Set the type variables of a parameter: to the common type of all arguments in their place."""
    if _VARIABLE.fullmatch(parameter):
        common = dt.common_type(variables.get(parameter, dt.NULL), given)
        if common is None:
            return False
        variables[parameter] = common
        return True
    constructor = _CONSTRUCTOR.fullmatch(parameter)
    if constructor is None or not _VARIABLE.search(parameter):
        return True
    inner = _split(constructor[2])
    if given == dt.NULL:
        return all(_unify(part, dt.NULL, variables) for part in inner)
    kind = {"array": dt.is_array, "map": dt.is_map, "row": dt.is_row}[constructor[1]]
    parts = dt.parts(given)
    return (
        kind(given)
        and len(parts) == len(inner)
        and all(_unify(part, type_, variables) for part, type_ in zip(inner, parts, strict=True))
    )


def _fits(
    candidate: Overload, given: Sequence[tuple[str, Argument]], variables: Variables, exact: bool
) -> bool:
    if "N" in variables and not dt.is_numeric(variables["N"]):
        return False
    if any(name in variables and not has_order(variables[name]) for name in "OL"):
        return False
    if "C" in variables and pa.types.is_nested(variables["C"]):
        raise not_supported(f"comparison of {dt.trino_name(variables['C'])}")
    for parameter, argument in given:
        if isinstance(argument, Lambda):
            continue
        if parameter == "compared" and not has_order(argument.type):
            return False
        target = _target(parameter, argument, variables)
        if argument.type != target and (exact or not dt.can_coerce(argument.type, target)):
            return False
    return True


def check_equality(datatype: pa.DataType) -> None:
    """Raise QueryFailed for a type that cannot be an ``E``."""
    if _has_other_equality(datatype):
        raise not_supported(f"comparison of {dt.trino_name(datatype)}")


def _has_other_equality(datatype: pa.DataType) -> bool:
    """Return whether DuckDB's list functions and maps do not find two values equal that are equal in Trino."""
    return (
        dt.is_map(datatype)
        or dt.kind(datatype) in (dt.ZONED, dt.ZONED_TIME)
        or any(map(_has_other_equality, dt.parts(datatype)))
    )


def _target(parameter: str, argument: TypedSql, variables: Variables) -> pa.DataType:
    return argument.type if parameter in ("any", "compared") else _concrete(parameter, variables)


def _text(parameter: str, argument: Argument, variables: Variables) -> str:
    assert isinstance(argument, TypedSql)
    text = coerced(argument, target := _target(parameter, argument, variables))
    if parameter in ("array(O)", "array(L)") and pa.types.is_nested(target.value_type):
        return f"list_transform({text}, lambda item: {ordered('item', target.value_type, parameter == 'array(L)')})"
    if parameter == "compared":
        return order_key(text, target, nan=False)
    return ordered(text, target, parameter == "L") if parameter in ("O", "L") else text


def _lambdas(given: Sequence[tuple[str, Argument]], variables: Variables) -> dict[int, str] | None:
    """Translate the lambdas, from left to right; their results set further type variables."""
    compiled: dict[int, tuple[LambdaSql, str]] = {}
    while True:
        before = dict(variables)
        for at, (parameter, argument) in enumerate(given):
            if not isinstance(argument, Lambda):
                continue
            *parameters, result = _split(parameter.removeprefix("function(").removesuffix(")"))
            if len(parameters) != argument.parameters:
                return None
            found = argument.compile([_concrete(part, variables) for part in parameters])
            if not _unify(result, found.result.type, variables):
                return None
            compiled[at] = found, result
        if all(before.get(name, type_) == type_ for name, type_ in variables.items()):
            break  # otherwise a lambda has widened the type of its own parameter, as in reduce(a, 0, (s, x) -> s + 1e0)
    # Trino does not coerce the result of a lambda.
    if any(found.result.type != _concrete(result, variables) for found, result in compiled.values()):
        return None
    return {at: f"lambda {found.name}: {found.result.sql}" for at, (found, _) in compiled.items()}


def _concrete(parameter: str, variables: Variables) -> pa.DataType:
    """Return the type of a parameter. A type variable that no argument sets is NULL's type."""
    if _VARIABLE.fullmatch(parameter):
        return variables.get(parameter, dt.NULL)
    constructor = _CONSTRUCTOR.fullmatch(parameter)
    if constructor is None or not _VARIABLE.search(parameter):
        return dt.trino_type(parameter)
    inner = [_concrete(part, variables) for part in _split(constructor[2])]
    if constructor[1] == "array":
        return pa.list_(inner[0])
    if constructor[1] == "map":
        return dt.map_of(*inner)
    return dt.row([pa.field("", type_) for type_ in inner])
