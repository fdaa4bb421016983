"""Overloads that exist in Trino but are not supported here, of the functions in ``supported`` and ``rules``.

A call that fits neither those nor these overloads also fails in Athena, so it fails with Athena's message. A call that
fits one of these is rejected as not supported. ``any`` can accept more than Trino: in doubt a call is rejected.
Overloads for types that no expression here can have (char, json, time, intervals, timestamps with time zone) are
omitted.
Source: https://trino.io/docs/401/functions.html
"""

from __future__ import annotations

from localaws.athena.sql.functions.overloads import Overload, overload

_ROWS = (
    ("truncate", "double"),
    ("truncate round", "double, bigint"),
    ("concat", "varchar, varchar..."),
    ("concat", "array(T), any..."),
    ("concat", "any, array(T), any..."),
    ("concat", "any, array(T)"),
    ("date_trunc", "varchar, timestamp"),
    ("date_add", "varchar, bigint, timestamp"),
    ("date_diff", "varchar, timestamp, timestamp"),
    ("date_format", "timestamp, varchar"),
    ("date_parse", "varchar, varchar"),
    ("cardinality", "any"),
    ("element_at", "any, any"),
    ("array_join", "array(T), varchar"),
    ("array_join", "array(T), varchar, varchar"),
    ("sum avg", "double"),
    ("approx_percentile", "double, double, double, double"),
    ("approx_percentile", "double, double, array(double)"),
)


def _table() -> dict[str, list[Overload]]:
    found: dict[str, list[Overload]] = {}
    for names, parameters in _ROWS:
        for name in names.split():
            found.setdefault(name, []).append(overload(f"{parameters} -> boolean", ""))
    return found


UNSUPPORTED = _table()
