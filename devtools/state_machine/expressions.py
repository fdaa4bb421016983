"""JSONata expressions from the Jinja templates of the DAG.

A template is rendered by Jinja. Values that are known only in the execution are ``Expression`` objects: each is written
between two marks, and the rendered text is then split at the marks and joined with JSONata's ``&``.
https://docs.aws.amazon.com/step-functions/latest/dg/transforming-data.html
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from jinja2 import Environment, StrictUndefined, nodes
from jinja2.visitor import NodeTransformer

_START, _END = "\x02", "\x03"
_MARKED = re.compile(f"{_START}([^{_END}]*){_END}")


@dataclass(frozen=True)
class Expression:
    """A JSONata expression whose value is known only in the execution."""

    text: str

    def __str__(self) -> str:
        return f"{_START}{self.text}{_END}"


@dataclass(frozen=True)
class Fields:
    """An object of the execution; ``params.k`` in a template is the expression ``$params.k``."""

    name: str

    def __getattr__(self, field: str) -> Expression:
        if field.startswith("_"):
            raise AttributeError(field)
        return Expression(f"{self.name}.{field}")


class _OrAsCall(NodeTransformer):
    """Replaces ``a or b`` by ``either(a, b)``, because Python evaluates the truth of ``a`` too early."""

    def visit_Or(self, node: nodes.Or) -> nodes.Call:  # noqa: N802 - the name that Jinja calls
        self.generic_visit(node)
        either = nodes.Name("either", "load", lineno=node.lineno)
        return nodes.Call(either, [node.left, node.right], [], None, None, lineno=node.lineno)


def either(left: Any, right: Any) -> Any:
    """Return ``left or right``, as an expression if ``left`` is one."""
    if not isinstance(left, Expression):
        return left or right
    return Expression(f"({left.text} ? {left.text} : {_jsonata(right)})")


def _jsonata(value: Any) -> str:
    return value.text if isinstance(value, Expression) else json.dumps(value, ensure_ascii=False)


class Templates:
    """Renders the templates of the DAG with the names in ``values``."""

    def __init__(self, values: Mapping[str, Any]) -> None:
        self._environment = Environment(undefined=StrictUndefined)
        self._environment.globals |= {"either": either, **values}

    def render(self, value: Any, **values: Any) -> Any:
        """Return ``value``, with all templates in it replaced by text or by ``{% JSONata %}``."""
        match value:
            case str():
                text = self._rendered(value, values)
                return jsonata(_joined(text)) if _MARKED.search(text) else text
            case Mapping():
                return {key: self.render(child, **values) for key, child in value.items()}
            case list() | tuple():
                return [self.render(child, **values) for child in value]
            case _:
                return value

    def text(self, template: str, **values: Any) -> str:
        """Return a JSONata expression for the text of a template."""
        return f"({_joined(self._rendered(template, values))})"

    def _rendered(self, template: str, values: Mapping[str, Any]) -> str:
        tree = _OrAsCall().visit(self._environment.parse(template))
        return self._environment.from_string(tree).render(values)


def _joined(text: str) -> str:
    """Return a text with marks as a JSONata expression for a text."""
    parts = _MARKED.split(text)  # text, expression, text, ..., expression, text
    operands = [part if number % 2 else _jsonata(part) for number, part in enumerate(parts) if part]
    return " & ".join(operands) if len(operands) > 1 else f"$string({operands[0]})"


def jsonata(text: str) -> str:
    """Return the value of a field that Step Functions evaluates as JSONata."""
    return "{% " + text + " %}"


def source(value: Any) -> str:
    """Return a JSON value whose texts may be ``{% JSONata %}`` as one JSONata expression."""
    match value:
        case str() if value.startswith("{% "):
            return value.removeprefix("{% ").removesuffix(" %}")
        case Mapping():
            return "{" + ", ".join(f"{_jsonata(key)}: {source(child)}" for key, child in value.items()) + "}"
        case list() | tuple():
            return "[" + ", ".join(source(child) for child in value) + "]"
        case _:
            return _jsonata(value)
