"""The text of doubles and reals as Java's Double.toString and Float.toString write it."""

from __future__ import annotations

import math
from decimal import Decimal

import numpy as np

_SCIENTIFIC_FROM, _PLAIN_FROM = 1e7, 1e-3


def double_text(value: float) -> str:
    """Return the shortest text that identifies the number, as in Java: ``1.0``, ``1.23456789E7``, ``1.0E-4``."""
    return _java_text(value, repr(float(value)))


def real_text(value: float) -> str:
    return _java_text(value, np.format_float_positional(np.float32(value), trim="0"))


def _java_text(value: float, shortest: str) -> str:
    """``shortest`` is Python's text. Java's is the same for zero and from 0.001 to ten million."""
    if _PLAIN_FROM <= abs(value) < _SCIENTIFIC_FROM or value == 0:
        return shortest
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "Infinity" if value > 0 else "-Infinity"
    sign, digits, exponent = Decimal(shortest).as_tuple()
    written = "".join(map(str, digits)).rstrip("0")
    return f"{'-' if sign else ''}{written[0]}.{written[1:] or '0'}E{len(digits) + int(exponent) - 1}"
