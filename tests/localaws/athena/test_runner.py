"""Queries that fail or dawdle on demand, and stopping one at any moment."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator

import pytest

from localaws.faults import Faults, QueryDelayed, QueryFails
from tests.conftest import LocalAws
from tests.localaws.athena.conftest import Lake


@pytest.fixture
def faults(local_aws: LocalAws) -> Iterator[Faults]:
    faults = Faults(local_aws.endpoint)
    yield faults
    faults.clear()


def start(lake: Lake, sql: str) -> str:
    execution_id: str = lake.athena.start_query_execution(
        QueryString=sql, ResultConfiguration={"OutputLocation": lake.output}
    )["QueryExecutionId"]
    return execution_id


@pytest.mark.parametrize(("retryable", "category"), [(True, 1), (False, 2)])
def test_a_query_fails_for_the_planned_reason_once(
    lake: Lake, faults: Faults, retryable: bool, category: int
) -> None:
    reason = "Query exhausted resources at this scale factor"
    faults.plan(QueryFails("'mine'", reason, retryable))
    assert lake.rows("SELECT 'yours'") == [("yours",)]
    outcome = lake.ask("SELECT 'mine'")
    assert (outcome.state, outcome.reason) == ("FAILED", reason)
    error = outcome.execution["Status"]["AthenaError"]
    assert (error["Retryable"], error["ErrorCategory"], error["ErrorMessage"]) == (
        retryable,
        category,
        reason,
    )
    assert lake.rows("SELECT 'mine'") == [("mine",)]


def test_a_statement_of_any_sort_can_fail(lake: Lake, faults: Faults) -> None:
    faults.plan(QueryFails("DATABASES", "GENERIC_INTERNAL_ERROR: out of luck"))
    assert lake.failure("SHOW DATABASES") == "GENERIC_INTERNAL_ERROR: out of luck"


def test_a_delayed_query_is_running_and_then_answers(lake: Lake, faults: Faults) -> None:
    [fault_id] = faults.plan(QueryDelayed("'late'", 0.5))
    execution_id = start(lake, "SELECT 'late'")
    while faults.struck(fault_id) == 0:
        time.sleep(0.01)
    status = lake.athena.get_query_execution(QueryExecutionId=execution_id)["QueryExecution"]["Status"]
    assert status["State"] == "RUNNING"
    assert lake.wait(execution_id).rows == [("late",)]


def test_a_delayed_query_can_be_stopped(lake: Lake, faults: Faults) -> None:
    [fault_id] = faults.plan(QueryDelayed("'never'", 600))
    execution_id = start(lake, "SELECT 'never'")
    while faults.struck(fault_id) == 0:
        time.sleep(0.01)
    lake.athena.stop_query_execution(QueryExecutionId=execution_id)
    outcome = lake.wait(execution_id)
    assert (outcome.state, outcome.reason) == ("CANCELLED", "Query cancelled by user")


@pytest.mark.parametrize(
    ("sql", "state"),
    [("SELECT 1", "SUCCEEDED"), ("SELECT * FROM nowhere", "FAILED"), ("SHOW TABLES", "SUCCEEDED")],
)
def test_stopping_a_query_that_has_ended_changes_nothing(lake: Lake, sql: str, state: str) -> None:
    execution_id = start(lake, sql)
    before = lake.wait(execution_id)
    for _ in range(2):
        lake.athena.stop_query_execution(QueryExecutionId=execution_id)
    after = lake.wait(execution_id)
    assert before.state == state
    assert after.execution == before.execution


def test_stopping_a_query_at_the_moment_it_ends_is_safe(lake: Lake) -> None:
    """Whoever wins, the answer of StopQueryExecution is no error and the query ends once."""
    delay = random.Random(0)
    for _ in range(40):
        execution_id = start(lake, "SELECT 1")
        time.sleep(delay.uniform(0, 0.02))
        lake.athena.stop_query_execution(QueryExecutionId=execution_id)
        outcome = lake.wait(execution_id)
        assert outcome.state in ("SUCCEEDED", "CANCELLED"), outcome.reason


def test_the_database_default_is_there_from_the_first_use_of_athena(lake: Lake) -> None:
    assert lake.ask("SELECT 1", QueryExecutionContext={}).rows == [("1",)]
    assert lake.glue.get_database(Name="default")["Database"]["Description"] == "Default Hive database"
    outcome = lake.ask("SELECT * FROM nowhere", QueryExecutionContext={})
    assert outcome.state == "FAILED"
    assert (
        outcome.reason == "TABLE_NOT_FOUND: line 1:15: Table 'awsdatacatalog.default.nowhere' does not exist"
    )
    assert ("default",) in lake.rows("SHOW DATABASES")
