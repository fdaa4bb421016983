"""Planned faults of queries, stopping queries, and the memory and files of the server."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from localaws.faults import Faults, QueryDelayed, QueryFails
from localaws.testing import LocalAws
from tests.localaws.athena.conftest import Warehouse


@pytest.fixture
def faults(local_aws: LocalAws) -> Iterator[Faults]:
    faults = Faults(local_aws.endpoint_url)
    yield faults
    faults.clear()


def start(warehouse: Warehouse, sql: str) -> str:
    execution_id: str = warehouse.athena.start_query_execution(
        QueryString=sql, ResultConfiguration={"OutputLocation": warehouse.output}
    )["QueryExecutionId"]
    return execution_id


def state(warehouse: Warehouse, execution_id: str) -> str:
    execution = warehouse.athena.get_query_execution(QueryExecutionId=execution_id)["QueryExecution"]
    return str(execution["Status"]["State"])


@pytest.mark.parametrize(("retryable", "category"), [(True, 1), (False, 2)])
def test_a_query_fails_once_with_the_planned_reason(
    warehouse: Warehouse, faults: Faults, retryable: bool, category: int
) -> None:
    reason = "Query exhausted resources at this scale factor"
    faults.plan(QueryFails("'mine'", reason, retryable))
    assert warehouse.rows("SELECT 'yours'") == [("yours",)]
    outcome = warehouse.run("SELECT 'mine'")
    assert (outcome.state, outcome.reason) == ("FAILED", reason)
    error = outcome.execution["Status"]["AthenaError"]
    assert (error["Retryable"], error["ErrorCategory"], error["ErrorMessage"]) == (
        retryable,
        category,
        reason,
    )
    assert warehouse.rows("SELECT 'mine'") == [("mine",)]


def test_a_planned_failure_applies_to_any_statement(warehouse: Warehouse, faults: Faults) -> None:
    faults.plan(QueryFails("DATABASES", "GENERIC_INTERNAL_ERROR: planned"))
    assert warehouse.failure("SHOW DATABASES") == "GENERIC_INTERNAL_ERROR: planned"


def test_a_delayed_query_is_running_and_then_succeeds(warehouse: Warehouse, faults: Faults) -> None:
    [fault_id] = faults.plan(QueryDelayed("'late'", 1))
    execution_id = start(warehouse, "SELECT 'late'")
    while faults.triggered(fault_id) == 0:
        time.sleep(0.01)
    status = warehouse.athena.get_query_execution(QueryExecutionId=execution_id)["QueryExecution"]["Status"]
    assert status["State"] == "RUNNING"
    assert warehouse.wait(execution_id).rows == [("late",)]


def test_the_state_of_a_short_query_is_final_at_the_first_look(warehouse: Warehouse, faults: Faults) -> None:
    faults.plan(QueryDelayed("'short'", 0.1))
    assert state(warehouse, start(warehouse, "SELECT 'short'")) == "SUCCEEDED"


def test_a_delayed_query_can_be_stopped(warehouse: Warehouse, faults: Faults) -> None:
    [fault_id] = faults.plan(QueryDelayed("'never'", 600))
    execution_id = start(warehouse, "SELECT 'never'")
    while faults.triggered(fault_id) == 0:
        time.sleep(0.01)
    warehouse.athena.stop_query_execution(QueryExecutionId=execution_id)
    outcome = warehouse.wait(execution_id)
    assert (outcome.state, outcome.reason) == ("CANCELLED", "Query cancelled by user")


@pytest.mark.parametrize(
    ("sql", "state"),
    [("SELECT 1", "SUCCEEDED"), ("SELECT * FROM nowhere", "FAILED"), ("SHOW TABLES", "SUCCEEDED")],
)
def test_stopping_a_query_in_a_final_state_changes_nothing(
    warehouse: Warehouse, sql: str, state: str
) -> None:
    execution_id = start(warehouse, sql)
    before = warehouse.wait(execution_id)
    for _ in range(2):
        warehouse.athena.stop_query_execution(QueryExecutionId=execution_id)
    after = warehouse.wait(execution_id)
    assert before.state == state
    assert after.execution == before.execution


def test_a_query_can_be_stopped_at_the_moment_it_ends(warehouse: Warehouse) -> None:
    """StopQueryExecution never fails, and the query gets exactly one final state."""
    delay = random.Random(0)
    for _ in range(40):
        execution_id = start(warehouse, "SELECT 1")
        time.sleep(delay.uniform(0, 0.02))
        warehouse.athena.stop_query_execution(QueryExecutionId=execution_id)
        outcome = warehouse.wait(execution_id)
        assert outcome.state in ("SUCCEEDED", "CANCELLED"), outcome.reason


# The queries are stopped in different phases: while they count, while they sort, while rows are formatted.
PAIRS = "UNNEST(sequence(1, 10000)) a(x) CROSS JOIN UNNEST(sequence(1, 10000)) b(y)"


@pytest.mark.parametrize(
    "sql",
    [
        f"SELECT count(*) FROM {PAIRS} WHERE sin(x) * cos(y) > 2",
        f"SELECT x, y FROM {PAIRS} ORDER BY x * y",
        f"SELECT CAST(x AS double) / 3, CAST(x AS decimal(10, 2)), ARRAY[y] FROM {PAIRS}",
    ],
)
def test_a_stopped_query_ends_within_a_second_and_writes_no_result(warehouse: Warehouse, sql: str) -> None:
    execution_id = start(warehouse, sql)
    time.sleep(1)
    stopped = time.monotonic()
    warehouse.athena.stop_query_execution(QueryExecutionId=execution_id)
    outcome = warehouse.wait(execution_id)
    assert (outcome.state, outcome.reason) == ("CANCELLED", "Query cancelled by user")
    assert time.monotonic() - stopped < 1
    assert (
        warehouse.s3.list_objects_v2(Bucket=warehouse.bucket, Prefix=f"athena-results/{execution_id}")[
            "KeyCount"
        ]
        == 0
    )


def test_a_large_result_needs_little_memory(tmp_path: Path) -> None:
    """As Python objects, the million rows would need about 300 MB."""
    with LocalAws("--query-memory", "100MB", state=tmp_path) as aws:
        warehouse = Warehouse(aws, "bounded", "default")
        warehouse.s3.create_bucket(Bucket=warehouse.bucket)
        assert warehouse.rows("SELECT 'ready'") == [("ready",)]
        process = psutil.Process(aws.process.pid)
        before = peak = process.memory_info().rss
        execution_id = start(
            warehouse, "SELECT x, 'row ' || CAST(y AS varchar) FROM UNNEST(sequence(1, 1000)) a(x) "
            "CROSS JOIN UNNEST(sequence(1, 1000)) b(y)"
        )  # fmt: skip
        while state(warehouse, execution_id) in ("QUEUED", "RUNNING"):
            peak = max(peak, process.memory_info().rss)
        assert state(warehouse, execution_id) == "SUCCEEDED"
        statistics = warehouse.athena.get_query_runtime_statistics(QueryExecutionId=execution_id)
        assert statistics["QueryRuntimeStatistics"]["Rows"]["OutputRows"] == 1_000_000
        assert peak - before < 120e6


def test_the_spill_folder_is_removed_when_the_server_stops(tmp_path: Path) -> None:
    left = tmp_path / "athena" / "duckdb_temp_storage_DEFAULT-0.tmp"
    left.parent.mkdir()
    left.touch()  # left behind by a server that was killed
    with LocalAws("--query-memory", "40MB", state=tmp_path) as aws:
        assert not left.exists()
        warehouse = Warehouse(aws, "bounded", "default")
        warehouse.s3.create_bucket(Bucket=warehouse.bucket)
        start(
            warehouse, "SELECT 'a text of some length ' || CAST(x AS varchar) FROM UNNEST(sequence(1, 10000)) a(x) "
            "CROSS JOIN UNNEST(sequence(1, 10000)) b(y) ORDER BY 1"
        )  # fmt: skip
        end = time.monotonic() + 30
        while not list(left.parent.glob("*")):
            assert time.monotonic() < end, "nothing was spilled"
            time.sleep(0.01)
        aws.process.terminate()
        aws.process.wait(10)
    assert not left.parent.exists()


def test_the_database_default_exists_after_the_first_use_of_athena(warehouse: Warehouse) -> None:
    assert warehouse.run("SELECT 1", QueryExecutionContext={}).rows == [("1",)]
    assert warehouse.glue.get_database(Name="default")["Database"]["Description"] == "Default Hive database"
    outcome = warehouse.run("SELECT * FROM nowhere", QueryExecutionContext={})
    assert outcome.state == "FAILED"
    assert (
        outcome.reason == "TABLE_NOT_FOUND: line 1:15: Table 'awsdatacatalog.default.nowhere' does not exist"
    )
    assert ("default",) in warehouse.rows("SHOW DATABASES")
