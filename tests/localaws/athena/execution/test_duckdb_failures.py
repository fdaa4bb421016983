"""An error of DuckDB becomes an error of Athena, or a refusal of the query."""

from __future__ import annotations

import duckdb
import pytest

from localaws.athena.errors import QueryFailed
from localaws.athena.execution.duckdb_failures import duckdb_failures


def test_an_unexpected_error_of_a_python_function_is_a_refusal() -> None:
    def divided(x: int) -> int:
        return 1 // x

    with duckdb.connect() as connection:
        connection.create_function("divided", divided)
        with (
            pytest.raises(
                QueryFailed, match=r"not supported by the local Athena: .* because of ZeroDivisionError"
            ),
            duckdb_failures(),
        ):
            connection.execute("SELECT divided(0)").fetchall()
