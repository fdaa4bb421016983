"""``format``, ``format_datetime`` and ``parse_datetime`` follow Java's Formatter and Joda-Time.

One row: expression, text.
"""

from __future__ import annotations

import pytest

from localaws.athena.errors import QueryFailed
from localaws.athena.execution.engine import Engine

_MOMENT = "timestamp '2001-08-22 13:04:05.321'"
_ZONED = "timestamp '2001-08-22 03:04:05.321 Asia/Tokyo'"

FORMAT_ANSWERS = [
    # ---- format
    ("format('%s|%5s|%-5s|%.2s|%S', 'abc', 'd', 'e', 'fgh', 'i')", "abc|    d|e    |fg|I"),
    (
        "format('%d|%5d|%05d|%,d|%+d|%(d|%x|%o', 1, 2, 3, 1234567, 5, -6, 255, 8)",
        "1|    2|00003|1,234,567|+5|(6)|ff|10",
    ),
    (
        "format('%.3f|%10.2f|%,.1f|%.2e|%g', 3.14159, 2.5, 12345.678, 12345.678, 0.0001)",
        "3.142|      2.50|12,345.7|1.23e+04|0.000100000",
    ),
    ("format('%.0f %.1f', 0.5, 0.25)", "1 0.3"),
    ("format('%s %s %s %s', 1e10, REAL '1.5', DECIMAL '1.50', true)", "1.0E10 1.5 1.50 true"),
    ("format('%2$s %1$s %<s %s', 'a', 'b')", "b a a a"),
    ("format('%s %b %d%%%n', NULL, NULL, CAST(NULL AS bigint))", "null false null%\n"),
    ("format('%1$tA, %1$tB %1$te, %1$tY', date '2006-07-04')", "Tuesday, July 4, 2006"),
    (f"format('%1$tF %1$tT.%1$tL %1$tr', {_MOMENT})", "2001-08-22 13:04:05.321 01:04:05 PM"),
    ("format('%s', timestamp '2020-05-10 12:34:00')", "2020-05-10T12:34"),
    ("format('%s', timestamp '2020-05-10 12:34:56.11')", "2020-05-10T12:34:56.110"),
    (
        "format('%s', timestamp '2020-05-10 12:34:56.1111 Asia/Tokyo')",
        "2020-05-10T12:34:56.111100+09:00[Asia/Tokyo]",
    ),
    ("format('%s', timestamp '2020-05-10 12:34:56.55555555555')", "2020-05-10T12:34:56.555555556"),
    ("format(CAST(NULL AS varchar), 1)", None),
    # ---- format_datetime
    (f"format_datetime({_MOMENT}, 'yyyy-MM-dd HH:mm:ss.SSS')", "2001-08-22 13:04:05.321"),
    (
        f"format_datetime({_MOMENT}, 'EEEE EEE MMMM MMM M d D w x e yy G')",
        "Wednesday Wed August Aug 8 22 234 34 2001 3 01 AD",
    ),
    (f"format_datetime({_MOMENT}, 'h K k H a S ''o''''clock''')", "1 1 13 13 PM 3 o'clock"),
    (f"format_datetime({_ZONED}, 'HH:mm Z ZZ ZZZ')", "03:04 +0900 +09:00 Asia/Tokyo"),
    ("format_datetime(timestamp '2001-08-22 03:04:05.9996', 'ss.SSS')", "06.000"),
    ("format_datetime(date '2001-08-22', 'yyyyMMdd')", "20010822"),
    # ---- parse_datetime
    ("parse_datetime('1960/01/22 03:04', 'yyyy/MM/dd HH:mm')", "1960-01-22 03:04:00.000 UTC"),
    ("parse_datetime('22 jan 1960 3 PM +05:30', 'd MMM yyyy h a Z')", "1960-01-22 15:00:00.000 +05:30"),
    ("parse_datetime('1960/01/22 Asia/Oral', 'yyyy/MM/dd ZZZ')", "1960-01-22 00:00:00.000 Asia/Oral"),
    ("parse_datetime('20200229123', 'yyyyMMddSSS')", "2020-02-29 00:00:00.123 UTC"),
    ("parse_datetime('2020-W01-5', 'xxxx-''W''ww-e')", "2020-01-03 00:00:00.000 UTC"),
    ("parse_datetime('2020 366', 'yyyy D')", "2020-12-31 00:00:00.000 UTC"),
    ("parse_datetime('02-29', 'MM-dd')", "2000-02-29 00:00:00.000 UTC"),
    ("parse_datetime('7', 'H')", "1970-01-01 07:00:00.000 UTC"),
    ("TRY(parse_datetime('x', 'yyyy'))", None),
]


@pytest.mark.parametrize(("expression", "text"), FORMAT_ANSWERS)
def test_a_format_has_javas_result(engine: Engine, expression: str, text: str | None) -> None:
    assert list(engine.run(engine.prepare(f"SELECT {expression}"), "default").rows) == [(text,)]


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        ("format('%d', 1e0)", "INVALID_FUNCTION_ARGUMENT: Invalid format string: %d .d != java.lang.Double"),
        ("format('%s %s', 1)", "Format specifier '%s'"),
        ("format('100%', 1)", "INVALID_FUNCTION_ARGUMENT"),
        ("TRY(format('%h', 'x'))", "not supported by the local Athena: format with %h"),
        (f"format_datetime({_MOMENT}, 'Z')", "does not contain TZ information"),
        (f"format_datetime({_MOMENT}, 'b')", "Illegal pattern component: b"),
        (
            f"TRY(format_datetime({_ZONED}, 'z'))",
            "not supported by the local Athena: the name of a time zone",
        ),
        (
            "parse_datetime('2020-13-01', 'yyyy-MM-dd')",
            "Value 13 for monthOfYear must be in the range .1,12.",
        ),
        ("parse_datetime('2021-02-29', 'yyyy-MM-dd')", "Value 29 for dayOfMonth must be in the range .1,28."),
        ("parse_datetime('2020-01', 'yyyy-MM-dd')", 'Invalid format: "2020-01" is malformed'),
        ("TRY(parse_datetime('Monday 2020-01-01', 'EEEE yyyy-MM-dd'))", "not supported by the local Athena"),
    ],
)
def test_an_invalid_format_fails(engine: Engine, expression: str, message: str) -> None:
    with pytest.raises(QueryFailed, match=message):
        list(engine.run(engine.prepare(f"SELECT {expression}"), "default").rows)
