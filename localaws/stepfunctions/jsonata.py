"""JSONata and texts for moto's interpreter, which calls a Java library that it does not contain."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from jsonata import Jsonata
from moto.stepfunctions.parser.asl.eval import states, variable_store
from moto.stepfunctions.parser.asl.jsonata import jsonata as moto
from moto.stepfunctions.parser.asl.parse.preprocessor import Preprocessor
from moto.stepfunctions.parser.asl.utils.encoding import to_json_str


def install() -> None:
    """Let moto evaluate JSONata with the Python package ``jsonata-python``."""
    moto._eval_jsonata = _evaluate
    # moto does not escape quotes in a text.
    for module in (states, variable_store):
        vars(module)["encode_jsonata_variable_declarations"] = _declarations
    # It does not unescape a text that is no expression.
    unescaped = _unescaped(Preprocessor._inner_string_of)
    type.__setattr__(Preprocessor, "_inner_string_of", staticmethod(unescaped))


def _unescaped(inner_string_of: Callable[..., str | None]) -> Callable[..., str | None]:
    def text(parser_rule_context: Any) -> str | None:
        inner = inner_string_of(parser_rule_context)
        return None if inner is None else str(json.loads(f'"{inner}"'))

    return text


def _evaluate(expression: str) -> Any:
    try:
        return json.loads(to_json_str(Jsonata(expression).evaluate(None)))
    except Exception as error:
        raise moto.JSONataException("UNKNOWN", str(error)) from error


def _declarations(bindings: dict[str, Any]) -> str:
    return "".join(f"{name}:={to_json_str(value)};" for name, value in bindings.items())
