"""PREPARE, EXECUTE, DEALLOCATE PREPARE, and EXPLAIN."""

from __future__ import annotations

import json

import pytest
from botocore.exceptions import ClientError

from tests.localaws.athena.conftest import Warehouse


def test_a_prepared_statement_is_executed_with_parameters(warehouse: Warehouse) -> None:
    prepared = warehouse.run("PREPARE adding FROM SELECT ? + ? AS total, ? AS label")
    assert prepared.state == "SUCCEEDED", prepared.reason
    ended = warehouse.run("EXECUTE adding USING 1, (2 + 3), 'a, b'")
    assert ended.state == "SUCCEEDED", ended.reason
    assert ended.rows[1:] == [("6", "a, b")]
    assert ended.execution["ResultConfiguration"]["OutputLocation"].endswith(".csv")
    assert warehouse.run("EXECUTE ADDING", ExecutionParameters=["1", "1", "'x'"]).rows[1:] == [("2", "x")]
    with pytest.raises(ClientError, match="Incorrect number of parameters: expected 3 but found 1"):
        warehouse.run("EXECUTE adding USING 1")
    warehouse.rows("DEALLOCATE PREPARE adding")
    assert warehouse.failure("EXECUTE adding USING 1, 2, 'a'") == (
        "PreparedStatement adding was not found in workGroup primary"
    )


def test_a_prepared_statement_can_write(warehouse: Warehouse) -> None:
    warehouse.run("CREATE TABLE filled AS SELECT 1 AS x")
    warehouse.run("PREPARE filling FROM INSERT INTO filled SELECT ?")
    assert warehouse.run("EXECUTE filling USING 2").state == "SUCCEEDED"
    assert warehouse.rows("SELECT x FROM filled ORDER BY x") == [("1",), ("2",)]


def test_the_syntax_of_a_prepared_statement_is_checked(warehouse: Warehouse) -> None:
    with pytest.raises(ClientError, match="mismatched input"):
        warehouse.run("PREPARE wrong FROM SELECT FROM x")


def test_explain(warehouse: Warehouse) -> None:
    warehouse.run("CREATE TABLE explained AS SELECT 1 AS x")
    ended = warehouse.run("EXPLAIN SELECT sum(x) FROM explained")
    assert ended.state == "SUCCEEDED", ended.reason
    assert ended.execution["SubstatementType"] == "EXPLAIN"
    assert ended.rows[0] == ("Query Plan",)
    assert any("AGGREGATE" in str(line) for (line,) in ended.rows)
    _, *lines = warehouse.rows("EXPLAIN (FORMAT JSON) SELECT sum(x) FROM explained")
    plan = "\n".join(str(line) for (line,) in lines)
    assert json.loads(plan)
    assert "AGGREGATE" in plan
    assert warehouse.rows("EXPLAIN (TYPE VALIDATE) SELECT x FROM explained") == [("true",)]
    assert any(
        "Total Time" in str(line) for (line,) in warehouse.rows("EXPLAIN ANALYZE SELECT 1 FROM explained")
    )
    assert "COLUMN_NOT_FOUND: line 1:16" in warehouse.failure("EXPLAIN SELECT y FROM explained")
    assert "EXPLAIN (TYPE IO)" in warehouse.failure("EXPLAIN (TYPE IO) SELECT 1")
