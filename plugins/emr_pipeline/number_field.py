"""A number in the trigger form, as a text field.

Airflow's field for numbers silently changes the value: it replaces a number out of bounds by the bound, ``2,5`` by 2,
and a word by an empty field. Therefore the form passes a number as text, and the API as text or as a number. Templates
and operators accept both.
"""

from __future__ import annotations

from typing import Any


def number_field(
    rule: str, pattern: str, *, kind: str = "number", optional: bool = False, **bounds: float
) -> dict[str, Any]:
    """Return the JSON schema of a text that matches ``pattern``, or of a number within ``bounds``.

    ``rule`` describes both in the error message. ``kind`` is ``number`` or ``integer``.
    """
    # $ also matches before a line break at the end.
    return {
        # The form shows a text field if the first type that is not null is a string and the param has examples.
        "type": [*(["null"] if optional else []), "string", kind],
        "allOf": [{"pattern": rf"^({pattern})$(?!\n)", **bounds, "description": rule}],
    }
