"""Dataclasses as JSON documents, and back by their type hints.

A member that the document does not have gets its default, so a dataclass can get new fields. Functions, which are
hooks, are not written.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import fields, is_dataclass
from datetime import datetime, timedelta
from enum import Enum
from inspect import isclass
from types import NoneType, UnionType
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

T = TypeVar("T")
_TIME, _SECONDS = "$time", "$seconds"


def to_json(value: Any, without: Collection[str] = ()) -> bytes:
    """Return the document of a dataclass, or of a container of them; ``without`` names members that are not written."""
    return json.dumps(_members(value, without) if is_dataclass(value) else value, default=_encode).encode()


def from_json(hint: type[T], document: bytes, **others: Any) -> T:
    """Return the value of the type; ``others`` are members that are not in the document. Raises ValueError."""
    try:
        members = json.loads(document, object_hook=_decode_special)
        value: T = _dataclass(hint, members, others) if others else _decode(hint, members)
    except (TypeError, KeyError, AttributeError) as error:
        raise ValueError(f"it is not a {hint.__name__}: {error}") from error
    return value


def _members(value: Any, without: Collection[str] = ()) -> dict[str, Any]:
    return {name: each for name, each in vars(value).items() if name not in without and not callable(each)}


def _encode(value: Any) -> Any:
    if is_dataclass(value):
        return _members(value)
    if isinstance(value, datetime):
        return {_TIME: value.isoformat()}
    if isinstance(value, timedelta):
        return {_SECONDS: value.total_seconds()}
    if isinstance(value, Mapping):
        return dict(value)
    return list(value)


def _decode_special(members: dict[str, Any]) -> Any:
    if members.keys() == {_TIME}:
        return datetime.fromisoformat(members[_TIME])
    if members.keys() == {_SECONDS}:
        return timedelta(seconds=members[_SECONDS])
    return members


def _decode(hint: Any, value: Any) -> Any:  # noqa: PLR0911 - one return for each kind of type
    origin, args = get_origin(hint), get_args(hint)
    if value is None:
        return None
    if origin in (Union, UnionType):
        return _decode(next(arg for arg in args if arg is not NoneType), value)
    if isclass(hint) and is_dataclass(hint):
        return _dataclass(hint, value, {})
    if isclass(hint) and issubclass(hint, Enum):
        return hint(value)
    if origin is tuple:
        return tuple(_decode(args[0], each) for each in value)
    if origin in (list, Sequence):
        return [_decode(args[0], each) for each in value]
    if origin in (dict, Mapping):
        return {key: _decode(args[1], each) for key, each in value.items()}
    return value


def _dataclass(kind: type[T], value: dict[str, Any], others: Mapping[str, Any]) -> T:
    """Attributes that are no arguments are set after the call: they are those that ``__post_init__`` sets."""
    hints = get_type_hints(kind)
    arguments = {field.name for field in fields(kind) if field.init}  # type: ignore[arg-type]
    members = {name: _decode(hints.get(name), each) for name, each in value.items() if name not in others}
    members |= others
    made = kind(**{name: each for name, each in members.items() if name in arguments})
    for name in members.keys() - arguments:
        object.__setattr__(made, name, members[name])
    return made
