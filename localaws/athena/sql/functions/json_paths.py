"""The path language of json_value, json_query and json_exists: ``lax $.items[*]?(@.price > 10).name``.

Source: https://trino.io/docs/401/functions/json.html#json-path-language, Trino's JsonPath.g4 and PathEvaluationVisitor.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Any

from localaws.athena.errors import SYNTAX_ERROR, QueryFailed, not_supported
from localaws.athena.sql.functions.json_texts import FLOATING, Pairs

_TOKEN = re.compile(
    r"\s*(?:(?P<double>(?:\d+(?:\.\d*)?|\.\d+)[eE][+-]?\d+)|(?P<decimal>\d+\.\d*|\.\d+)|(?P<integer>\d+)"
    r'|(?P<string>"(?:[^"]|"")*")|(?P<variable>\$[A-Za-z_]\w*)|(?P<name>[A-Za-z_]\w*)'
    r"|(?P<sign>==|<>|!=|<=|>=|&&|\|\||[$@.*\[\],?()+\-/%<>!]))",
    re.ASCII,
)
_END = ("end", "")
_COMPARISONS: dict[str, Callable[[Any, Any], bool]] = {
    "==": lambda a, b: a == b,
    "<>": lambda a, b: a != b,
    "!=": lambda a, b: a != b,
    "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b,
    ">": lambda a, b: a > b,
    ">=": lambda a, b: a >= b,
}
_METHODS = ("type", "size", "double", "ceiling", "floor", "abs")
_OTHER_METHODS = ("keyvalue", "datetime")
_LARGEST = 2**63


class PathError(Exception):
    """A path cannot be evaluated on a value."""


@dataclass(frozen=True)
class _Context:
    """``item`` is the value of @, ``last`` that of last."""

    root: Any
    variables: Mapping[str, Any]
    lax: bool
    item: Any = None
    last: int | None = None


# Evaluates a part of a path to a sequence of items.
_Path = Callable[[_Context], list[Any]]
# Evaluates a predicate; None is unknown.
_Predicate = Callable[[_Context], bool | None]


class Missing:
    """The value of a variable that is an empty sequence."""


def evaluated(path: str, root: Any, variables: Mapping[str, Any]) -> list[Any]:
    """Return the items to which a path leads. Raises QueryFailed for an invalid path, and PathError."""
    lax, evaluate = _parsed(path)
    return evaluate(_Context(root, variables, lax))


def check_path(path: str) -> None:
    """Raise QueryFailed for an invalid path, or one with an unsupported part."""
    _parsed(path)


@lru_cache(maxsize=1000)
def _parsed(path: str) -> tuple[bool, _Path]:
    parser = _Parser(path)
    mode = parser.take("lax", "strict")
    if not mode:
        raise parser.invalid()
    found = parser.expression()
    if parser.next != _END:
        raise parser.invalid()
    return mode == "lax", found


class _Parser:
    def __init__(self, path: str) -> None:
        self._path, self._tokens, self._at = path, list(_tokens(path)), 0

    @property
    def next(self) -> tuple[str, str]:
        return self._tokens[self._at] if self._at < len(self._tokens) else _END

    def take(self, *texts: str) -> str:
        """Take the next token if it is one of ``texts``; return it, or ''."""
        kind, text = self.next
        if text not in texts or kind == "string":
            return ""
        self._at += 1
        return text

    def expect(self, text: str) -> None:
        if not self.take(text):
            raise self.invalid()

    def invalid(self) -> QueryFailed:
        return QueryFailed(f"INVALID_PATH: invalid JSON path: {self._path}", SYNTAX_ERROR)

    # ---------------------------------------------------------------- expressions
    def expression(self) -> _Path:
        left = self._product()
        while sign := self.take("+", "-"):
            left = partial(_binary, sign, left, self._product())
        return left

    def _product(self) -> _Path:
        left = self._signed()
        while sign := self.take("*", "/", "%"):
            left = partial(_binary, sign, left, self._signed())
        return left

    def _signed(self) -> _Path:
        sign = self.take("+", "-")
        return partial(_unary, sign, self._signed()) if sign else self._accessors(self._primary())

    def _primary(self) -> _Path:  # noqa: PLR0911 - one return for each kind of token
        kind, text = self.next
        self._at += 1
        if kind == "variable":
            return partial(_variable, text[1:])
        if kind in ("integer", "double", "string"):
            return partial(_constant, _literal(kind, text))
        if kind == "decimal":
            raise not_supported(f"the decimal {text} in the JSON path {self._path}")
        if text in ("true", "false", "null"):
            return partial(_constant, {"true": True, "false": False, "null": None}[text])
        if text == "$":
            return _root
        if text == "@":
            return _item
        if text == "last":
            return _last
        if text == "(":
            found = self.expression()
            self.expect(")")
            return found
        raise self.invalid()

    def _accessors(self, base: _Path) -> _Path:
        while sign := self.take(".", "[", "?"):
            if sign == "?":
                self.expect("(")
                base = partial(_filter, base, self._predicate())
                self.expect(")")
            elif sign == "[":
                base = self._subscripts(base)
            else:
                base = self._member(base)
        return base

    def _member(self, base: _Path) -> _Path:
        if self.take("*"):
            return partial(_members, base)
        kind, text = self.next
        if kind not in ("name", "string"):
            raise self.invalid()
        self._at += 1
        if kind == "name" and self.next[1] == "(" and text in (*_METHODS, *_OTHER_METHODS):
            if text in _OTHER_METHODS:
                raise not_supported(f"the method {text}() in the JSON path {self._path}")
            self.expect("(")
            self.expect(")")
            return partial(_method, text, base)
        return partial(_named, _literal(kind, text) if kind == "string" else text, base)

    def _subscripts(self, base: _Path) -> _Path:
        if self.take("*"):
            self.expect("]")
            return partial(_every, base)
        found = []
        while True:
            start = self.expression()
            found.append((start, self.expression() if self.take("to") else None))
            if not self.take(","):
                break
        self.expect("]")
        return partial(_at, found, base)

    # ---------------------------------------------------------------- predicates
    def _predicate(self) -> _Predicate:
        left = self._conjunction()
        while self.take("||"):
            left = partial(_or, left, self._conjunction())
        return left

    def _conjunction(self) -> _Predicate:
        left = self._negation()
        while self.take("&&"):
            left = partial(_and, left, self._negation())
        return left

    def _negation(self) -> _Predicate:
        if self.take("!"):
            return partial(_not, self._delimited())
        at = self._at
        if self.next[1] in ("(", "exists"):
            try:
                found = self._delimited()
                if self.take("is"):
                    self.expect("unknown")
                    return partial(_is_unknown, found)
                if self.next in (_END, ("sign", ")"), ("sign", "&&"), ("sign", "||")):
                    return found
            except QueryFailed as failure:
                if "INVALID_PATH" not in failure.message:
                    raise
            self._at = at  # the parentheses are those of a path
        return self._test()

    def _delimited(self) -> _Predicate:
        if self.take("exists"):
            self.expect("(")
            found: _Predicate = partial(_exists, self.expression())
        else:
            self.expect("(")
            found = self._predicate()
        self.expect(")")
        return found

    def _test(self) -> _Predicate:
        left = self.expression()
        if sign := self.take(*_COMPARISONS):
            return partial(_compared, sign, left, self.expression())
        if self.take("starts"):
            self.expect("with")
            if self.next[0] not in ("string", "variable"):
                raise self.invalid()
            return partial(_starts_with, left, self._primary())
        if self.take("like_regex"):
            raise not_supported(f"like_regex in the JSON path {self._path}")
        raise self.invalid()


def _tokens(path: str) -> Iterator[tuple[str, str]]:
    at, end = 0, len(path.rstrip())
    while at < end:
        found = _TOKEN.match(path, at)
        if found is None or found.lastgroup is None:
            raise QueryFailed(f"INVALID_PATH: invalid JSON path: {path}", SYNTAX_ERROR)
        yield found.lastgroup, found[found.lastgroup]
        at = found.end()


def _literal(kind: str, text: str) -> Any:
    if kind == "string":
        return text[1:-1].replace('""', '"')
    return int(text) if kind == "integer" else float(text)


# ---------------------------------------------------------------- evaluation
def _constant(value: Any, context: _Context) -> list[Any]:
    return [value]


def _root(context: _Context) -> list[Any]:
    return [] if context.root is Missing else [context.root]


def _item(context: _Context) -> list[Any]:
    return [context.item]


def _last(context: _Context) -> list[Any]:
    if context.last is None:
        raise PathError("accessing the last array index with no enclosing array")
    return [context.last]


def _variable(name: str, context: _Context) -> list[Any]:
    if name not in context.variables:
        raise QueryFailed(f"INVALID_PATH: no value passed for parameter {name}", SYNTAX_ERROR)
    value = context.variables[name]
    return [] if value is Missing else [value]


def _is_array(value: Any) -> bool:
    return isinstance(value, list) and not isinstance(value, Pairs)


def _unwrapped(items: Sequence[Any], context: _Context) -> list[Any]:
    """In lax mode, replace each array by its elements."""
    if not context.lax:
        return list(items)
    return [part for item in items for part in (item if _is_array(item) else [item])]


def _named(name: str, base: _Path, context: _Context) -> list[Any]:
    found = []
    for item in _unwrapped(base(context), context):
        fields = dict(item) if isinstance(item, Pairs) else {}
        if name in fields:
            found.append(fields[name])
        elif not context.lax:
            raise PathError("structural error")
    return found


def _members(base: _Path, context: _Context) -> list[Any]:
    found: list[Any] = []
    for item in _unwrapped(base(context), context):
        if isinstance(item, Pairs):
            found += dict(item).values()
        elif not context.lax:
            raise PathError("structural error")
    return found


def _arrays(items: Sequence[Any], context: _Context) -> Iterator[list[Any]]:
    for item in items:
        if not _is_array(item) and not context.lax:
            raise PathError("structural error")
        yield item if _is_array(item) else [item]


def _every(base: _Path, context: _Context) -> list[Any]:
    return [element for array in _arrays(base(context), context) for element in array]


def _at(subscripts: Sequence[tuple[_Path, _Path | None]], base: _Path, context: _Context) -> list[Any]:
    found: list[Any] = []
    for array in _arrays(base(context), context):
        inner = _Context(context.root, context.variables, context.lax, context.item, len(array) - 1)
        for start, end in subscripts:
            low = _subscript(start, inner)
            high = low if end is None else _subscript(end, inner)
            if not context.lax and not (0 <= low <= high < len(array)):
                raise PathError("structural error")
            found += array[max(low, 0) : max(high + 1, 0)]
    return found


def _subscript(path: _Path, context: _Context) -> int:
    items = path(context)
    if len(items) != 1 or not _is_number(items[0]):
        raise PathError("array subscript must be a single number")
    if items[0] != int(items[0]):
        raise not_supported("an array subscript that is not a whole number in a JSON path")
    return int(items[0])


def _filter(base: _Path, predicate: _Predicate, context: _Context) -> list[Any]:
    return [
        item
        for item in _unwrapped(base(context), context)
        if predicate(_Context(context.root, context.variables, context.lax, item, context.last))
    ]


def _method(name: str, base: _Path, context: _Context) -> list[Any]:
    items = base(context)
    if name == "type":
        return [_type_name(item) for item in items]
    if name == "size":
        return [len(array) for array in _arrays(items, context)]
    found: list[Any] = []
    for item in _unwrapped(items, context):
        if name == "double" and isinstance(item, str):
            if not FLOATING.fullmatch(item):
                raise PathError(f"not a number: {item}")
            found.append(float(item))
            continue
        if not _is_number(item):
            raise PathError("invalid item type: a number is expected")
        found.append(_number_method(name, item))
    return found


def _number_method(name: str, item: int | float) -> int | float:
    if name == "double":
        return float(item)
    if name == "abs":
        return abs(item)
    if isinstance(item, int) or not math.isfinite(item):
        return item
    return float(math.ceil(item) if name == "ceiling" else math.floor(item))


def _type_name(item: Any) -> str:
    if item is None:
        return "null"
    if isinstance(item, bool):
        return "boolean"
    if isinstance(item, str):
        return "string"
    if isinstance(item, Pairs):
        return "object"
    return "array" if isinstance(item, list) else "number"


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _unary(sign: str, base: _Path, context: _Context) -> list[Any]:
    items = _unwrapped(base(context), context)
    if not all(map(_is_number, items)):
        raise PathError("invalid item type: a number is expected")
    return items if sign == "+" else [-item for item in items]


def _binary(sign: str, left: _Path, right: _Path, context: _Context) -> list[Any]:
    sides = [_unwrapped(side(context), context) for side in (left, right)]
    if any(len(side) != 1 for side in sides):
        raise PathError("arithmetic binary expression requires singleton operands")
    (a,), (b,) = sides
    if not (_is_number(a) and _is_number(b)):
        raise PathError("invalid operand types: numbers are expected")
    try:
        return [_arithmetic(sign, a, b)]
    except ZeroDivisionError:
        raise PathError("division by zero") from None


def _arithmetic(sign: str, a: Any, b: Any) -> Any:
    if sign in "+-*":
        found = {"+": a + b, "-": a - b, "*": a * b}[sign]
    elif isinstance(a, int) and isinstance(b, int):
        quotient = abs(a) // abs(b) * (1 if (a < 0) == (b < 0) else -1)  # truncates, as in SQL
        found = quotient if sign == "/" else a - b * quotient
    elif b == 0:
        found = math.nan if a == 0 or sign == "%" else math.copysign(math.inf, a)
    else:
        found = a / b if sign == "/" else math.fmod(a, b)
    if isinstance(found, int) and not -_LARGEST <= found < _LARGEST:
        raise PathError("bigint overflow")
    return found


def _and(left: _Predicate, right: _Predicate, context: _Context) -> bool | None:
    sides = (left(context), right(context))
    return False if False in sides else None if None in sides else True


def _or(left: _Predicate, right: _Predicate, context: _Context) -> bool | None:
    sides = (left(context), right(context))
    return True if True in sides else None if None in sides else False


def _not(predicate: _Predicate, context: _Context) -> bool | None:
    found = predicate(context)
    return None if found is None else not found


def _is_unknown(predicate: _Predicate, context: _Context) -> bool:
    return predicate(context) is None


def _exists(path: _Path, context: _Context) -> bool | None:
    try:
        return bool(path(context))
    except PathError:
        return None


def _compared(  # noqa: PLR0911 - one return for each rule
    sign: str, left: _Path, right: _Path, context: _Context
) -> bool | None:
    """Compare each pair of items. null equals null only, and is neither smaller nor larger than another item."""
    try:
        sides = [_unwrapped(side(context), context) for side in (left, right)]
    except PathError:
        return None
    if not all(sides):
        return False
    nulls = [None in side for side in sides]
    nested = [any(isinstance(item, list) for item in side) for side in sides]
    scalars = [[item for item in side if item is not None and not isinstance(item, list)] for side in sides]
    if (nested[0] and (nested[1] or scalars[1])) or (nested[1] and scalars[0]):
        return None
    found = (sign == "==" and all(nulls)) or (
        sign in ("<>", "!=")
        and ((nulls[0] and bool(nested[1] or scalars[1])) or (nulls[1] and bool(nested[0] or scalars[0])))
    )
    if found and context.lax:
        return True
    for a in scalars[0]:
        for b in scalars[1]:
            if _type_name(a) != _type_name(b):
                return None
            if _COMPARISONS[sign](a, b):
                found = True
                if context.lax:
                    return True
    return found


def _starts_with(whole: _Path, start: _Path, context: _Context) -> bool | None:
    try:
        sides = [_unwrapped(side(context), context) for side in (whole, start)]
    except PathError:
        return None
    if len(sides[1]) != 1 or not isinstance(sides[1][0], str):
        return None
    found = False
    for item in sides[0]:
        if not isinstance(item, str):
            return None
        if item.startswith(sides[1][0]):
            if context.lax:
                return True
            found = True
    return found
