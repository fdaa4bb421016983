"""PyAthena, with its cursors and with SQLAlchemy."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pandas
import pyathena
import pytest
import sqlalchemy
from pyathena.async_cursor import AsyncCursor
from pyathena.cursor import Cursor, DictCursor
from pyathena.pandas.cursor import PandasCursor
from pyathena.pandas.util import to_sql

pytestmark = pytest.mark.peers


@pytest.fixture(scope="module")
def connection(lake: Any) -> Any:
    return pyathena.connect(s3_staging_dir=lake.output, schema_name=lake.database, poll_interval=0.05)


def test_a_cursor_returns_python_values(connection: Any) -> None:
    cursor = connection.cursor().execute("SELECT 1, 'a', DATE '2024-01-31', CAST(NULL AS double)")
    assert cursor.query_queue_time_in_millis > 0
    [(number, text, day, null)] = cursor.fetchall()
    assert (number, text, day.isoformat(), null) == (1, "a", "2024-01-31", None)


def test_dml_and_unload_have_their_counts_and_rows(connection: Any, lake: Any) -> None:
    cursor = connection.cursor()
    cursor.execute("CREATE TABLE numbers AS SELECT 1 AS x")
    cursor.execute("INSERT INTO numbers VALUES (2), (3)")
    assert cursor.rowcount == 2
    cursor.execute("SELECT x FROM numbers WHERE x > ? ORDER BY x", ["1"], paramstyle="qmark")
    assert cursor.fetchall() == [(2,), (3,)]
    unloaded = connection.cursor(PandasCursor, unload=True).execute("SELECT x FROM numbers ORDER BY x")
    assert unloaded.as_pandas()["x"].tolist() == [1, 2, 3]


def test_a_data_frame_is_written_and_read(connection: Any, lake: Any) -> None:
    frame = pandas.DataFrame({"x": [1, 2, 3], "s": ["a", None, "c"], "part": [1, 1, 2]})
    place = (f"s3://{lake.bucket}/frame/", lake.database)
    for if_exists in ("fail", "replace", "append"):
        to_sql(frame, "frame", connection, *place, index=False, if_exists=if_exists, partitions=["part"])
    cursor = connection.cursor().execute("SELECT count(*), count(s), min(x) FROM frame WHERE part = 1")
    assert cursor.fetchall() == [(4, 2, 1)]


@pytest.mark.parametrize(
    ("cursor_class", "options"),
    [(DictCursor, {}), (PandasCursor, {}), (PandasCursor, {"unload": True}), (AsyncCursor, {})],
)
def test_each_cursor_returns_the_rows(connection: Any, cursor_class: Any, options: dict[str, bool]) -> None:
    sql = "SELECT * FROM (VALUES (1, 'it''s', true), (2, NULL, false)) t(i, s, b) ORDER BY i"
    executed = connection.cursor(cursor_class, **options).execute(sql)
    result = executed[1].result() if isinstance(executed, tuple) else executed
    found = [tuple(row.values()) if isinstance(row, dict) else tuple(row) for row in result.fetchall()]
    assert [(i, s if isinstance(s, str) else None, b) for i, s, b in found] == [
        (1, "it's", True),
        (2, None, False),
    ]


def test_sqlalchemy_reflects_tables_and_views(connection: Any, lake: Any) -> None:
    connection.cursor().execute("CREATE TABLE reflected AS SELECT 1 AS x, 'a' AS s")
    connection.cursor().execute("CREATE VIEW reflected_view AS SELECT x FROM reflected")
    url = f"awsathena+rest://@athena.us-east-1.amazonaws.com:443/{lake.database}?s3_staging_dir={lake.output}"
    engine = sqlalchemy.create_engine(url)
    inspector = sqlalchemy.inspect(engine)
    assert [column["name"] for column in inspector.get_columns("reflected")] == ["x", "s"]
    assert "reflected_view" in inspector.get_view_names()
    assert not inspector.has_table("missing")
    table = sqlalchemy.Table("reflected", sqlalchemy.MetaData(), autoload_with=engine)
    with engine.connect() as session:
        assert session.execute(sqlalchemy.select(table.c.s)).all() == [("a",)]


def test_sqlalchemy_creates_a_table_and_reads_its_types(connection: Any, lake: Any) -> None:
    location = f"s3://{lake.bucket}/typed/"
    url = f"awsathena+rest://@athena.us-east-1.amazonaws.com:443/{lake.database}?s3_staging_dir={lake.output}"
    engine = sqlalchemy.create_engine(url)
    values = {
        **{"i": 1, "s": "it's", "d": date(2024, 1, 31), "m": datetime(2024, 1, 31, 10, 11, 12)},
        **{"n": Decimal("1.25"), "f": 1.5, "b": True, "p": "x"},
    }
    types: list[Any] = [
        *(sqlalchemy.Integer(), sqlalchemy.String(), sqlalchemy.Date(), sqlalchemy.DateTime()),
        *(sqlalchemy.Numeric(10, 2), sqlalchemy.Float(), sqlalchemy.Boolean(), sqlalchemy.String()),
    ]
    columns = [
        sqlalchemy.Column(name, type_, awsathena_partition=name == "p")
        for name, type_ in zip(values, types, strict=True)
    ]
    options = {"awsathena_location": location, "awsathena_file_format": "PARQUET"}
    table = sqlalchemy.Table("typed", sqlalchemy.MetaData(), *columns, comment="each type", **options)
    with engine.connect() as session:
        table.create(session)
        session.execute(table.insert().values(**values))
        assert session.execute(sqlalchemy.select(table)).all() == [tuple(values.values())]
    again = sqlalchemy.Table("typed", sqlalchemy.MetaData(), autoload_with=engine)
    assert (again.comment, again.dialect_options["awsathena"]["location"]) == (
        "each type",
        location.rstrip("/"),
    )
    assert again.dialect_options["awsathena"]["serdeproperties"] == {"serialization.format": "1"}
    assert again.c.p.dialect_options["awsathena"]["partition"]
    assert [type(column.type).__name__ for column in again.c] == [
        *("INTEGER", "String", "DATE", "TIMESTAMP", "DECIMAL", "FLOAT", "BOOLEAN", "String"),
    ]


_TYPES = (
    "SELECT TIMESTAMP '2024-01-31 10:00:00 +01:00' AS z, TIME '01:02:03' AS t, INTERVAL '1' day AS i, "
    "CAST('ab' AS char(3)) AS c, X'01ff' AS b, DECIMAL '1.50' AS d, REAL '1.5' AS r, TIMESTAMP '2024-01-31 10:00' AS m"
)


@pytest.mark.parametrize("cursor_class", [Cursor, PandasCursor])
def test_each_cursor_reads_each_type(connection: Any, cursor_class: Any) -> None:
    cursor = connection.cursor(cursor_class).execute(_TYPES)
    assert [column[1] for column in cursor.description] == [
        *("timestamp with time zone", "time", "interval day to second", "char"),
        *("varbinary", "decimal", "float", "timestamp"),
    ]
    [row] = cursor.fetchall()
    zoned, _, interval, char, octets, number, real, moment = row
    assert zoned == datetime(2024, 1, 31, 9, tzinfo=UTC)  # pandas converts it to UTC
    assert (interval, char, octets) == ("1 00:00:00.000", "ab ", b"\x01\xff")
    assert (float(number), real, str(moment)) == (1.5, 1.5, "2024-01-31 10:00:00")


def test_times_have_the_precision_of_milliseconds(connection: Any) -> None:
    cursor = connection.cursor().execute(
        "SELECT m, CAST(m AS time), CAST(m AS timestamp with time zone) "
        "FROM (SELECT TIMESTAMP '2024-01-31 10:00:00.000' AS m)"
    )
    assert [column[4] for column in cursor.description] == [3, 3, 3]
