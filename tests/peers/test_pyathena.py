"""PyAthena, with its cursors and with SQLAlchemy."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pyathena
import pytest
import sqlalchemy
from pyathena.cursor import Cursor
from pyathena.pandas.cursor import PandasCursor

pytestmark = pytest.mark.peers


@pytest.fixture(scope="module")
def connection(lake: Any) -> Any:
    return pyathena.connect(s3_staging_dir=lake.output, schema_name=lake.database, poll_interval=0.05)


def test_a_cursor_returns_python_values(connection: Any) -> None:
    cursor = connection.cursor().execute("SELECT 1, 'a', DATE '2024-01-31', CAST(NULL AS double)")
    [(number, text, day, null)] = cursor.fetchall()
    assert (number, text, day.isoformat(), null) == (1, "a", "2024-01-31", None)


def test_dml_and_unload_have_their_counts_and_rows(connection: Any, lake: Any) -> None:
    cursor = connection.cursor()
    cursor.execute("CREATE TABLE numbers AS SELECT 1 AS x")
    cursor.execute("INSERT INTO numbers VALUES (2), (3)")
    assert cursor.rowcount == 2
    cursor.execute("SELECT x FROM numbers WHERE x > ? ORDER BY x", ["1"], paramstyle="qmark")
    assert cursor.fetchall() == [(2,), (3,)]
    pandas = connection.cursor(PandasCursor, unload=True).execute("SELECT x FROM numbers ORDER BY x")
    assert pandas.as_pandas()["x"].tolist() == [1, 2, 3]


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
