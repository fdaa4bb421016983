"""PyAthena, with its cursors and with SQLAlchemy."""

from __future__ import annotations

from typing import Any

import pyathena
import pytest

pytestmark = pytest.mark.peers


@pytest.fixture(scope="module")
def connection(lake: Any) -> Any:
    return pyathena.connect(s3_staging_dir=lake.output, schema_name=lake.database, poll_interval=0.05)


def test_a_cursor_returns_python_values(connection: Any) -> None:
    cursor = connection.cursor().execute("SELECT 1, 'a', DATE '2024-01-31', CAST(NULL AS double)")
    [(number, text, day, null)] = cursor.fetchall()
    assert (number, text, day.isoformat(), null) == (1, "a", "2024-01-31", None)
