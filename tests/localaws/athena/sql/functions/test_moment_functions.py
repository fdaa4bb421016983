"""Dates, times, timestamps and intervals have Trino's results. One row: expression, type, text.

The texts are those of Athena's results: a timestamp has at least its milliseconds.
"""

from __future__ import annotations

import pytest

from localaws.athena.errors import QueryFailed
from localaws.athena.execution.engine import Engine

_ZONED, _TIME, _ZONED_TIME = "timestamp with time zone", "time", "time with time zone"
_DAYS, _MONTHS = "interval day to second", "interval year to month"

# Three equal instants in different zones, and one before and one after them.
_INSTANTS = """FROM (VALUES
    timestamp '2024-01-31 10:00:00.1234567 Asia/Tokyo', timestamp '2024-01-31 02:00:00.1234567 +01:00',
    timestamp '2024-01-31 01:00:00.1234567 UTC', timestamp '2024-01-31 10:00:00.1234566 Asia/Tokyo',
    timestamp '2024-01-31 02:00:00.1234568 +01:00') t(z)"""

MOMENT_ANSWERS = [
    # ---- more than six digits of a second
    ("timestamp '2024-01-31 01:02:03.123456789'", "timestamp", "2024-01-31 01:02:03.123456789"),
    ("timestamp '1969-12-31 23:59:59.9999999 Asia/Tokyo'", _ZONED, "1969-12-31 23:59:59.9999999 Asia/Tokyo"),
    ("time '23:59:59.123456789012'", _TIME, "23:59:59.123456789012"),
    ("time '01:02:03.1234567-03:30'", _ZONED_TIME, "01:02:03.1234567-03:30"),
    (
        "CAST(timestamp '2024-12-31 23:59:59.9999999' AS timestamp(6))",
        "timestamp",
        "2025-01-01 00:00:00.000000",
    ),
    (
        "CAST(timestamp '2024-12-31 23:59:59.12345675' AS timestamp(7))",
        "timestamp",
        "2024-12-31 23:59:59.1234568",
    ),
    ("CAST('2024-12-31 23:59:59.99999999' AS timestamp(7))", "timestamp", "2025-01-01 00:00:00.0000000"),
    ("CAST('23:59:59.99999999' AS time(7))", _TIME, "00:00:00.0000000"),
    ("CAST(timestamp '2024-01-31 01:02:03.1234567' AS date)", "date", "2024-01-31"),
    (
        # As in Trino 401, the offset is that at 03:23:45 UTC, before the clocks change.
        "CAST(timestamp '2020-03-08 03:23:45.123 America/Los_Angeles' AS time(3) with time zone)",
        "time with time zone",
        "03:23:45.123-08:00",
    ),
    (
        "CAST(timestamp '2024-01-31 01:02:03.1234567 +05:30' AS time(7) with time zone)",
        _ZONED_TIME,
        "01:02:03.1234567+05:30",
    ),
    ("TRY_CAST('2024-01-32' AS timestamp(9))", "timestamp", None),
    (
        "timestamp '2024-01-31 01:02:03.1234567' + INTERVAL '1' day",
        "timestamp",
        "2024-02-01 01:02:03.1234567",
    ),
    (
        "date_add('month', 1, timestamp '2024-01-31 01:02:03.1234567')",
        "timestamp",
        "2024-02-29 01:02:03.1234567",
    ),
    (
        "date_trunc('day', timestamp '2024-01-31 01:02:03.1234567')",
        "timestamp",
        "2024-01-31 00:00:00.0000000",
    ),
    ("minute(timestamp '2024-01-31 01:02:03.1234567')", "bigint", "2"),
    (
        "timestamp '2024-01-31 01:02:03.1234567 UTC' AT TIME ZONE 'Asia/Tokyo'",
        _ZONED,
        "2024-01-31 10:02:03.1234567 Asia/Tokyo",
    ),
    ("to_iso8601(timestamp '2024-01-31 01:02:03.1234567 UTC')", "varchar", "2024-01-31T01:02:03.1234567Z"),
    ("from_unixtime_nanos(-1)", _ZONED, "1969-12-31 23:59:59.999999999 UTC"),
    ("CAST(timestamp '2024-01-31 01:02:03.1234567' AS json)", "json", '"2024-01-31 01:02:03.1234567"'),
    (f"array_agg(date_diff('second', now(), now()) ORDER BY z) {_INSTANTS}", "array", "[0, 0, 0, 0, 0]"),
    (f"min(z) {_INSTANTS}", _ZONED, "2024-01-31 10:00:00.1234566 Asia/Tokyo"),
    (f"max_by(z, z) {_INSTANTS}", _ZONED, "2024-01-31 02:00:00.1234568 +01:00"),
    (f"count_if(z = timestamp '2024-01-31 01:00:00.1234567 UTC') {_INSTANTS}", "bigint", "3"),
    (f"count_if(z IN (timestamp '2024-01-31 01:00:00.1234567 UTC')) {_INSTANTS}", "bigint", "3"),
    # ---- the order of instants in different zones
    (
        "array_agg(z ORDER BY z) FROM (VALUES timestamp '2024-01-31 10:00 UTC', timestamp '2024-01-31 10:00 +05:30', "
        "timestamp '2024-01-31 10:00 America/New_York') t(z)",
        "array",
        "[2024-01-31 10:00:00.000 +05:30, 2024-01-31 10:00:00.000 UTC, 2024-01-31 10:00:00.000 America/New_York]",
    ),
    (
        "max_by(n, z) FROM (VALUES (1, timestamp '2024-01-31 10:00 UTC'), (2, timestamp '2024-01-31 10:00 +05:30'), "
        "(3, timestamp '2024-01-31 10:00 America/New_York')) t(n, z)",
        "integer",
        "3",
    ),
    # ---- literals
    ("timestamp '2024-01-31 00:00:00 UTC'", _ZONED, "2024-01-31 00:00:00.000 UTC"),
    ("timestamp '2024-01-31 01:02:03.4567 +05:30'", _ZONED, "2024-01-31 01:02:03.4567 +05:30"),
    ("timestamp '2024-01-31 Europe/Berlin'", _ZONED, "2024-01-31 00:00:00.000 Europe/Berlin"),
    ("timestamp '2024-01-31 01:02:03.123456'", "timestamp", "2024-01-31 01:02:03.123456"),
    ("timestamp '-0044-03-15 12:00'", "timestamp", "-0044-03-15 12:00:00.000"),
    ("time '01:02:03'", _TIME, "01:02:03"),
    ("time '23:59:59.999999'", _TIME, "23:59:59.999999"),
    ("time '01:02 -03:30'", _ZONED_TIME, "01:02:00.000-03:30"),
    ("INTERVAL '3' day", _DAYS, "3 00:00:00.000"),
    ("INTERVAL '-1.5' second", _DAYS, "-0 00:00:01.500"),
    ("INTERVAL -'12 10:45:32.123' DAY TO SECOND", _DAYS, "-12 10:45:32.123"),
    ("INTERVAL '26' hour", _DAYS, "1 02:00:00.000"),
    ("INTERVAL '1-14' YEAR TO MONTH", _MONTHS, "2-2"),
    # ---- casts
    (
        "CAST('2024-01-31 10:00 Europe/Berlin' AS timestamp with time zone)",
        _ZONED,
        "2024-01-31 10:00:00.000 Europe/Berlin",
    ),
    (
        "CAST('2024-01-31 10:00:00.0006' AS timestamp(3) with time zone)",
        _ZONED,
        "2024-01-31 10:00:00.001 UTC",
    ),
    ("TRY_CAST('2024-01-31 10:00 nowhere' AS timestamp with time zone)", _ZONED, None),
    ("CAST(timestamp '2024-01-31 23:00 America/New_York' AS date)", "date", "2024-01-31"),
    (
        "CAST(timestamp '2024-07-31 23:00 America/New_York' AS timestamp)",
        "timestamp",
        "2024-07-31 23:00:00.000",
    ),
    ("CAST(timestamp '2024-01-31 23:59:59.9999' AS time)", _TIME, "00:00:00.000"),
    ("CAST(timestamp '2024-01-31 01:02:03.45678' AS timestamp(2))", "timestamp", "2024-01-31 01:02:03.460"),
    ("CAST(timestamp '1969-12-31 23:59:59.9995' AS timestamp)", "timestamp", "1970-01-01 00:00:00.000"),
    ("CAST(date '2024-01-31' AS timestamp with time zone)", _ZONED, "2024-01-31 00:00:00.000 UTC"),
    ("CAST(timestamp '2024-01-31 01:02:03.5 +01:00' AS varchar)", "varchar", "2024-01-31 01:02:03.5 +01:00"),
    ("CAST(timestamp '2024-01-31 01:02:03' AS varchar)", "varchar", "2024-01-31 01:02:03"),
    ("CAST(time '01:02:03.50' AS varchar)", "varchar", "01:02:03.50"),
    ("CAST('1:2:3.45' AS time)", _TIME, "01:02:03.450"),
    ("CAST('01:02+01:00' AS time with time zone)", _ZONED_TIME, "01:02:00.000+01:00"),
    ("TRY_CAST('24:00' AS time)", _TIME, None),
    ("CAST(time '01:02:03 +01:00' AS time(0))", _TIME, "01:02:03"),
    ("CAST(INTERVAL '90' minute AS varchar)", "varchar", "0 01:30:00.000"),
    # ---- comparison by the instant
    ("timestamp '2024-01-31 10:00 Europe/Berlin' = timestamp '2024-01-31 09:00 UTC'", "boolean", "true"),
    ("timestamp '2024-01-31 10:00 UTC' > timestamp '2024-01-31 10:00'", "boolean", "false"),
    ("time '10:00 +01:00' = time '09:00 +00:00'", "boolean", "true"),
    ("INTERVAL '24' hour = INTERVAL '1' day", "boolean", "true"),
    (
        "count(*), count(DISTINCT x) FROM (VALUES timestamp '2024-01-31 10:00 +01:00', "
        "timestamp '2024-01-31 09:00 UTC') t(x) GROUP BY x",
        ["bigint", "bigint"],
        ["2", "1"],
    ),
    (
        "x FROM (VALUES timestamp '2024-01-31 10:00 +01:00', timestamp '2024-01-31 09:30 UTC') t(x) "
        "ORDER BY x DESC LIMIT 1",
        _ZONED,
        "2024-01-31 09:30:00.000 UTC",
    ),
    (
        "ARRAY[date '2024-01-31', timestamp '2024-01-31 01:00 +01:00']",
        "array",
        "[2024-01-31 00:00:00.000 UTC, 2024-01-31 01:00:00.000 +01:00]",
    ),
    # ---- daylight saving: a skipped hour moves forward, of a repeated hour the first is meant
    (
        "timestamp '2024-03-10 02:30 America/New_York' AT TIME ZONE 'UTC'",
        _ZONED,
        "2024-03-10 07:30:00.000 UTC",
    ),
    (
        "timestamp '2024-11-03 01:30 America/New_York' AT TIME ZONE 'UTC'",
        _ZONED,
        "2024-11-03 05:30:00.000 UTC",
    ),
    (
        "date_add('day', 1, timestamp '2024-03-09 12:00 America/New_York')",
        _ZONED,
        "2024-03-10 12:00:00.000 America/New_York",
    ),
    (
        "date_add('hour', 24, timestamp '2024-03-09 12:00 America/New_York')",
        _ZONED,
        "2024-03-10 13:00:00.000 America/New_York",
    ),
    (
        "date_diff('day', timestamp '2024-03-09 12:00 America/New_York', timestamp '2024-03-10 16:00 UTC')",
        "bigint",
        "1",
    ),
    (
        "date_diff('hour', timestamp '2024-03-09 12:00 America/New_York', timestamp '2024-03-10 16:00 UTC')",
        "bigint",
        "23",
    ),
    # ---- zones
    (
        "timestamp '2024-01-31 10:00' AT TIME ZONE 'Asia/Kathmandu'",
        _ZONED,
        "2024-01-31 15:45:00.000 Asia/Kathmandu",
    ),
    (
        "timestamp '2024-01-31 10:00 UTC' AT TIME ZONE INTERVAL '-2' hour",
        _ZONED,
        "2024-01-31 08:00:00.000 -02:00",
    ),
    (
        "at_timezone(timestamp '2024-01-31 10:00 UTC', z) FROM (VALUES 'America/New_York') t(z)",
        _ZONED,
        "2024-01-31 05:00:00.000 America/New_York",
    ),
    (
        "with_timezone(timestamp '2024-01-31 10:00', 'Europe/Berlin')",
        _ZONED,
        "2024-01-31 10:00:00.000 Europe/Berlin",
    ),
    ("time '10:00 +01:00' AT TIME ZONE '+03:00'", _ZONED_TIME, "12:00:00.000+03:00"),
    ("timezone_hour(timestamp '2024-01-31 10:00 -03:30')", "bigint", "-3"),
    ("timezone_minute(timestamp '2024-01-31 10:00 -03:30')", "bigint", "-30"),
    ("extract(timezone_hour FROM time '10:00 +02:00')", "bigint", "2"),
    # ---- parts
    ("hour(timestamp '2024-07-31 23:05:06 America/New_York')", "bigint", "23"),
    ("day(timestamp '2024-07-31 23:05:06 America/New_York')", "bigint", "31"),
    ("millisecond(time '01:02:03.456')", "bigint", "456"),
    ("second(INTERVAL '-61' second)", "bigint", "-1"),
    ("hour(INTERVAL '26' hour)", "bigint", "2"),
    ("month(INTERVAL '2-3' YEAR TO MONTH)", "bigint", "3"),
    ("last_day_of_month(timestamp '2024-02-01 10:00 UTC')", "date", "2024-02-29"),
    # ---- arithmetic
    ("date '2024-01-31' + INTERVAL '1' month", "date", "2024-02-29"),
    ("INTERVAL '2' day + date '2024-01-31'", "date", "2024-02-02"),
    ("date '2024-03-01' - date '2024-02-01'", _DAYS, "29 00:00:00.000"),
    ("timestamp '2024-01-31 10:00:00.5' - timestamp '2024-02-01 10:00'", _DAYS, "-0 23:59:59.500"),
    ("timestamp '2024-01-31 10:00 +01:00' - timestamp '2024-01-31 09:30 UTC'", _DAYS, "-0 00:30:00.000"),
    ("timestamp '2024-01-31 10:00' - INTERVAL '1' hour", "timestamp", "2024-01-31 09:00:00.000"),
    (
        "timestamp '2024-01-31 10:00 Europe/Berlin' + INTERVAL '5' month",
        _ZONED,
        "2024-06-30 10:00:00.000 Europe/Berlin",
    ),
    ("time '23:00' + INTERVAL '2' hour", _TIME, "01:00:00.000"),
    ("time '01:00 +01:00' - INTERVAL '2' hour", _ZONED_TIME, "23:00:00.000+01:00"),
    ("INTERVAL '1' day - INTERVAL '1' hour", _DAYS, "0 23:00:00.000"),
    ("INTERVAL '1' day * 1.5", _DAYS, "1 12:00:00.000"),
    ("3 * INTERVAL '5' month", _MONTHS, "1-3"),
    ("INTERVAL '1' day / 4", _DAYS, "0 06:00:00.000"),
    ("-INTERVAL '1' month", _MONTHS, "-0-1"),
    (
        "sum(x) FROM (VALUES 1) t(x) WHERE date '2024-01-31' < date '2024-01-31' + x * INTERVAL '1' day",
        "bigint",
        "1",
    ),
    # ---- functions
    (
        "date_trunc('day', timestamp '2024-07-31 23:05:06 America/New_York')",
        _ZONED,
        "2024-07-31 00:00:00.000 America/New_York",
    ),
    (
        "date_trunc('hour', timestamp '2024-11-03 06:30 UTC' AT TIME ZONE 'America/New_York')",
        _ZONED,
        "2024-11-03 01:00:00.000 America/New_York",
    ),
    ("date_trunc('minute', time '01:02:03')", _TIME, "01:02:00"),
    ("date_add('minute', 90, time '23:00')", _TIME, "00:30:00"),
    ("date_add('millisecond', 600, timestamp '2024-01-31 10:00:00')", "timestamp", "2024-01-31 10:00:01.000"),
    ("date_diff('minute', time '01:00', time '00:30:01')", "bigint", "-29"),
    ("from_unixtime(1700000000)", _ZONED, "2023-11-14 22:13:20.000 UTC"),
    ("from_unixtime(-0.0005)", _ZONED, "1970-01-01 00:00:00.000 UTC"),
    ("from_unixtime(1700000000.5, 'Asia/Kathmandu')", _ZONED, "2023-11-15 03:58:20.500 Asia/Kathmandu"),
    ("from_unixtime(0, -5, -30)", _ZONED, "1969-12-31 18:30:00.000 -05:30"),
    ("to_unixtime(timestamp '2023-11-14 22:13:20.5 +01:00')", "double", "1.6999964005E9"),
    ("to_iso8601(timestamp '2024-01-31 10:00:00.5 +01:00')", "varchar", "2024-01-31T10:00:00.5+01:00"),
    ("to_iso8601(timestamp '2024-01-31 10:00 UTC')", "varchar", "2024-01-31T10:00:00Z"),
    ("to_iso8601(date '2024-01-31')", "varchar", "2024-01-31"),
    ("from_iso8601_timestamp('2024-01-31T10:00:00Z')", _ZONED, "2024-01-31 10:00:00.000 UTC"),
    ("from_iso8601_timestamp('2024-01-31T10:00:00.1239+05:30')", _ZONED, "2024-01-31 10:00:00.123 +05:30"),
    ("from_iso8601_timestamp('2024-W05')", _ZONED, "2024-01-29 00:00:00.000 UTC"),
    ("from_iso8601_timestamp(CAST(NULL AS varchar))", _ZONED, None),
    ("TRY(from_iso8601_timestamp('2024-02-30'))", _ZONED, None),
    ("from_iso8601_date('2024-060')", "date", "2024-02-29"),
    ("CAST('ab' AS char(4)) LIKE 'ab__'", "boolean", "true"),
    ("date_format(timestamp '2024-01-31 10:00:00.5555', '%f')", "varchar", "556000"),
    ("human_readable_seconds(96)", "varchar", "1 minute, 36 seconds"),
    ("human_readable_seconds(56363463)", "varchar", "93 weeks, 1 day, 8 hours, 31 minutes, 3 seconds"),
    ("human_readable_seconds(0.2)", "varchar", "0 seconds"),
    (
        "date_format(timestamp '2024-07-31 23:05:06 America/New_York', '%Y-%m-%d %H')",
        "varchar",
        "2024-07-31 23",
    ),
    ("current_timezone()", "varchar", "UTC"),
    ("date(timestamp '2024-07-31 23:05:06 America/New_York')", "date", "2024-07-31"),
]


@pytest.mark.parametrize(("expression", "types", "texts"), MOMENT_ANSWERS)
def test_moment(
    engine: Engine, expression: str, types: str | list[str], texts: str | list[str] | None
) -> None:
    result = engine.run(engine.prepare(f"SELECT {expression}"), "default")
    expected = (types, texts) if isinstance(types, list) else ([types], [texts])
    assert ([column.type for column in result.columns], list(next(iter(result.rows)))) == expected


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        ("date '2024-01-31' + INTERVAL '1' hour", "Cannot add hour, minutes or seconds to a date"),
        ("timestamp '2024-01-31 10:00' AT TIME ZONE 'nowhere'", "'nowhere' is not a valid time zone"),
        (
            "at_timezone(timestamp '2024-01-31 10:00', z) FROM (VALUES 'x') t(z)",
            "'x' is not a valid time zone",
        ),
        (
            "timestamp '2024-02-30 00:00'",
            "INVALID_LITERAL: .*'2024-02-30 00:00' is not a valid TIMESTAMP literal",
        ),
        ("INTERVAL '1-2' day", "INVALID_LITERAL: .*'1-2' is not a valid interval literal"),
        ("CAST('25:00' AS time)", "INVALID_CAST_ARGUMENT: Value cannot be cast to time: 25:00"),
        ("CAST('x' AS timestamp with time zone)", "Value cannot be cast to timestamp with time zone: x"),
        ("time '10:00' + INTERVAL '1' month", "TYPE_MISMATCH"),
        ("date_trunc('month', time '10:00')", "'month' is not a valid TIME field"),
        ("CAST(date '2024-01-31' AS time)", "TYPE_MISMATCH: .*Cannot cast date to time"),
        ("1 AT TIME ZONE 'UTC'", "TYPE_MISMATCH"),
        ("from_iso8601_timestamp('2024-13-01')", 'INVALID_FUNCTION_ARGUMENT: Invalid format: "2024-13-01"'),
        (f"count(*) {_INSTANTS} GROUP BY z", "GROUP BY or DISTINCT of timestamp.7. with time zone"),
        ("strpos(CAST('a' AS char(3)), 'a')", "not supported by the local Athena: strpos.char.3., varchar. "),
    ],
)
def test_invalid_moments_fail_with_trinos_message(engine: Engine, expression: str, message: str) -> None:
    with pytest.raises(QueryFailed, match=message):
        list(engine.run(engine.prepare(f"SELECT {expression}"), "default").rows)


def test_now_is_fixed_within_a_query(engine: Engine) -> None:
    sql = (
        "SELECT count(DISTINCT now()), max(now()) = current_timestamp, max(current_time) IS NOT NULL, "
        "max(localtime) = CAST(max(localtimestamp) AS time), current_timestamp(0) <= now()"
        "FROM (VALUES 1, 2) t(x)"
    )
    assert list(engine.run(engine.prepare(sql), "default").rows) == [("1", "true", "true", "true", "true")]
