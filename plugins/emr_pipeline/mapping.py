"""The mapping of a run: a YAML that says how its CSV files differ from the columns and the format of a pipeline.

docs/your-own-file.md describes the keys. The Spark job checks the mapping again by the same rules;
tests/contracts/test_mapping.py tests both sides with the same mappings.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any, NoReturn
from urllib.parse import quote

import yaml

SEPARATORS = {",": ",", ";": ";", "|": "|", "tab": "\t"}
"""The character between two fields, by its name in a mapping."""

ENCODINGS = ("utf-8", "iso-8859-1", "windows-1252")

CHOICES = {
    "separator": tuple(SEPARATORS),
    "encoding": ENCODINGS,
    "decimal": (".", ","),
    "thousands": (".", ",", "'", "space"),
}
"""The keys with a fixed list of values that every pipeline has."""

MAX_BYTES = 64 * 1024
"""Maximum size of a mapping."""

_DATE_TOKEN = re.compile("yyyy|MM?|dd?|HH?|mm|ss|[-./,: T]")
_VARIABLE = ("M", "d", "H")
"""Parts of a date format with one or two digits."""


class MappingError(Exception):
    """A mapping is wrong. The message says in one sentence on which line, why and what to do."""


@dataclass(frozen=True)
class InputColumn:
    """A column that a pipeline reads.

    ``kind`` is text, number or date. ``without`` says what is left out if the files do not have the column; it is empty
    for a column that they must have. ``aliases`` are usual other names, in lower case. ``percent`` and ``negative`` are
    keys of a mapping with values that files with such numbers probably need.
    """

    name: str
    kind: str = "text"
    without: str = ""
    aliases: Sequence[str] = ()
    percent: Mapping[str, str] = field(default_factory=dict)
    negative: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class InputColumns:
    """The columns of a pipeline's input, and the keys with their values that only its mappings have.

    A value can be a list of texts, or a regular expression.
    """

    columns: Sequence[InputColumn]
    options: Mapping[str, Sequence[str] | str] = field(default_factory=dict)

    @classmethod
    def read(cls, path: Path) -> InputColumns:
        """Return the content of a JSON file with ``columns`` and ``options``."""
        content = json.loads(path.read_text("utf-8"))
        return cls([InputColumn(**each) for each in content["columns"]], content["options"])

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(column.name for column in self.columns)

    def header(self, mapping: Mapping[str, Any]) -> tuple[str, ...]:
        """Return the names that the header of a file must contain."""
        renamed, without = mapping.get("columns", {}), mapping.get("without", ())
        return tuple(renamed.get(name, name) for name in self.names if name not in without)

    def parse(self, text: str, source: str) -> dict[str, Any]:
        """Return the mapping that a YAML describes; raises MappingError, which names the ``source`` and the line."""
        return _Parser(self, source).parse(text)


def flag(mapping: Mapping[str, Any]) -> str:
    """Return the mapping as the flag of a Spark job: JSON with percent-encoding, because YARN replaces braces."""
    return quote(json.dumps(mapping, ensure_ascii=False, separators=(",", ":")), safe="") if mapping else ""


class _Parser:
    """Reads one YAML. Every scalar is text: a column may be called No."""

    def __init__(self, known: InputColumns, source: str) -> None:
        self.known = known
        self.source = source
        self.canonical = {column.name.lower(): column for column in known.columns}
        self.choices: dict[str, Sequence[str] | str] = {**CHOICES, **known.options}

    def parse(self, text: str) -> dict[str, Any]:
        try:
            root = yaml.compose(text, Loader=yaml.BaseLoader)
        except yaml.MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            line = f", line {mark.line + 1}" if mark else ""
            raise MappingError(
                f"{self.source}{line}: this is not YAML, {error.problem}; write signs such as , in quotes"
            ) from None
        except yaml.YAMLError as error:
            raise MappingError(f"{self.source}: this is not YAML, {error}") from None
        except RecursionError:
            raise MappingError(
                f"{self.source}: this is not a mapping, its brackets are nested too deeply"
            ) from None
        if root is None:
            raise MappingError(f"{self.source} is empty: leave the param empty for files without a mapping")
        mapping: dict[str, Any] = {}
        lines: dict[str, yaml.Node] = {}
        for key, node in self._pairs(root, "the mapping"):
            lines[key] = node
            mapping[key] = self._value(key, node)
        columns = mapping.get("columns", {})
        for name in mapping.get("without", ()):
            if name in columns:
                self._fail(
                    lines["without"], f"{name} is in columns and in without: remove it from one of them"
                )
        if mapping.get("thousands") == mapping.get("decimal", "."):
            self._fail(
                lines["thousands"], "thousands is the same sign as decimal: write both keys as in the files"
            )
        names = Counter(name.lower() for name in self.known.header(mapping))
        if twice := [name for name in self.known.header(mapping) if names[name.lower()] > 1]:
            self._fail(lines["columns"], f"two columns have the name {twice[0]!r}: give each another name")
        return mapping

    def _value(self, key: str, node: yaml.Node) -> Any:
        if key == "columns":
            return self._columns(node)
        if key == "without":
            return self._without(node)
        value = self._text(node, key)
        if key == "date_format":
            self._check_date_format(value, node)
        elif key not in self.choices:
            keys = ("columns", "without", "date_format", *self.choices)
            self._fail(node, f"there is no key {key}; the keys are {', '.join(sorted(keys))}")
        else:
            allowed = self.choices[key]
            if isinstance(allowed, str):
                if not re.fullmatch(allowed, value):
                    self._fail(node, f"{key} is {value!r}; it must match {allowed}")
            elif value not in allowed:
                self._fail(node, f"{key} is {value!r}; it must be one of {' '.join(allowed)}")
        return value

    def _columns(self, node: yaml.Node) -> dict[str, str]:
        columns: dict[str, str] = {}
        for name, child in self._pairs(node, "columns"):
            column = self._column(name, child)
            value = self._text(child, f"the name of {column.name}").strip()
            if not value or re.search(r"[\x00-\x1f]", value):
                self._fail(
                    child, f"the name of {column.name} must be text in one line: write its name in the files"
                )
            if column.name in columns:
                self._fail(child, f"{column.name} is there twice: remove one of them")
            columns[column.name] = value
        return columns

    def _without(self, node: yaml.Node) -> list[str]:
        if not isinstance(node, yaml.SequenceNode):
            self._fail(node, "without must be a list, such as [Region]")
        found: list[str] = []
        for child in node.value:
            column = self._column(self._text(child, "without"), child)
            if not column.without:
                optional = ", ".join(each.name for each in self.known.columns if each.without)
                self._fail(child, f"the files must have the column {column.name}; they may lack {optional}")
            if column.name in found:
                self._fail(child, f"{column.name} is there twice: remove one of them")
            found.append(column.name)
        return found

    def _column(self, name: str, node: yaml.Node) -> InputColumn:
        column = self.canonical.get(name.lower())
        if column is None:
            self._fail(node, f"there is no column {name}; the columns are {', '.join(self.known.names)}")
        return column

    def _check_date_format(self, value: str, node: yaml.Node) -> None:
        """Require a day, a month and a year once each. Between parts of variable length there must be a sign."""
        tokens = _DATE_TOKEN.findall(value)
        letters = Counter(token[0] for token in tokens if token.isalpha() and token != "T")
        ambiguous = any(
            one[0] in letters and other[0] in letters and (one in _VARIABLE or other in _VARIABLE)
            for one, other in pairwise(tokens)
        )
        if (
            "".join(tokens) != value
            or not {"d", "M", "y"} <= letters.keys()
            or max(letters.values()) > 1
            or ambiguous
        ):
            self._fail(
                node,
                f"date_format is {value!r}; it must have a day (d or dd), a month (M or MM) and a year (yyyy), such as "
                "dd.MM.yyyy; HH:mm:ss may follow",
            )

    def _pairs(self, node: yaml.Node, what: str) -> list[tuple[str, yaml.Node]]:
        if not isinstance(node, yaml.MappingNode):
            self._fail(node, f"{what} must be lines of the form key: value")
        pairs: dict[str, yaml.Node] = {}
        for key, value in node.value:
            name = self._text(key, "a key")
            if name in pairs:
                self._fail(key, f"{name} is there twice: remove one of them")
            pairs[name] = value
        return list(pairs.items())

    def _text(self, node: yaml.Node, what: str) -> str:
        if not isinstance(node, yaml.ScalarNode):
            self._fail(node, f"{what} must be text")
        return str(node.value)

    def _fail(self, node: yaml.Node, problem: str) -> NoReturn:
        raise MappingError(f"{self.source}, line {node.start_mark.line + 1}: {problem}")
