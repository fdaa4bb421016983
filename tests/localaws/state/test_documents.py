"""Dataclasses as JSON documents."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any

import pytest

from localaws.state.documents import from_json, to_json


class Color(StrEnum):
    RED = "RED"


@dataclass(frozen=True)
class Part:
    name: str
    colors: tuple[Color, ...] = ()


@dataclass
class Whole:
    id: str
    made: datetime
    lasts: timedelta | None
    request: Mapping[str, Any]
    parts: list[Part]
    by_name: dict[str, Part] = field(default_factory=dict)
    args: Sequence[str] = ()
    hook: Callable[[], int] = int
    new: str = "default"

    def __post_init__(self) -> None:
        self.updated = self.made


WHOLE = Whole(
    "w",
    datetime(2026, 1, 2, tzinfo=UTC),
    timedelta(seconds=1.5),
    {"a": [{"b": None}]},
    [Part("p", (Color.RED,))],
)


def test_a_document_becomes_an_equal_object() -> None:
    whole = replace(WHOLE, by_name={"q": Part("q")}, args=["x"])
    whole.updated = datetime(2026, 1, 3, tzinfo=UTC)
    loaded = from_json(Whole, to_json(whole))
    assert loaded == whole
    assert loaded.updated == whole.updated
    assert loaded.parts[0].colors[0] is Color.RED
    assert loaded.hook is int


def test_a_member_that_is_not_in_the_document_has_its_default_or_the_given_value() -> None:
    document = to_json(WHOLE, without=["new", "id"])
    assert from_json(Whole, document, id="given").id == "given"
    assert from_json(Whole, document, id="given").new == "default"
    with pytest.raises(ValueError, match=r"it is not a Whole: .*'id'"):
        from_json(Whole, document)


@pytest.mark.parametrize("document", [b"{", b"[]", b'{"id": 1}'])
def test_a_document_that_is_not_of_the_type_is_a_value_error(document: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        from_json(Whole, document)
