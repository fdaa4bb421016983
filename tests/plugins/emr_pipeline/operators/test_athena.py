"""A statement runs once for each task, and a failure has a reason; row counts are compared with those of the jobs."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from airflow.exceptions import AirflowException
from airflow.providers.amazon.aws.hooks.athena import AthenaHook
from airflow.sdk import Asset
from airflow.sdk.exceptions import AirflowFailException
from airflow.sdk.execution_time.context import OutletEventAccessors

from emr_pipeline.operators.athena import AthenaStatementOperator, VerifyRowCountsOperator, read_answer
from emr_pipeline.triggers.athena import QueryTrigger
from tests.plugins.emr_pipeline.operators.conftest import ATHENA, executions

Context = Callable[..., Any]


def statement(query: str, **kwargs: Any) -> AthenaStatementOperator:
    return AthenaStatementOperator(task_id="task", query=query, **{**ATHENA, **kwargs})


def test_the_result_is_read_by_column(aws: Any, run: Context, capfd: pytest.CaptureFixture[str]) -> None:
    operator = statement("SELECT 1 AS one, cast(NULL AS integer) AS nothing")
    query_id = operator.execute(run())
    assert read_answer(operator.hook, query_id) == [{"one": "1", "nothing": ""}]
    line = rf"Query {query_id} SUCCEEDED: 0 bytes scanned in \d+\.\d s; result: {ATHENA['output_location']}{query_id}"
    assert re.search(line, capfd.readouterr().out)


def test_a_retry_after_a_crash_of_the_worker_finds_its_query(aws: Any, run: Context) -> None:
    first = statement("SELECT 1").execute(run())
    before = executions(aws)
    assert statement("SELECT 1").execute(run(try_number=2)) == first
    assert executions(aws) == before


def test_a_cleared_task_starts_a_new_query(aws: Any, run: Context) -> None:
    first = statement("SELECT 1").execute(run())
    assert statement("SELECT 1").execute(run(try_number=2, tries_before_clear=1)) != first


def test_another_statement_starts_another_query(aws: Any, run: Context) -> None:
    assert statement("SELECT 1").execute(run()) != statement("SELECT 2").execute(run())


def test_a_failed_query_is_not_retried_and_has_athenas_reason(aws: Any, run: Context) -> None:
    with pytest.raises(AirflowFailException, match=r"FAILED: .*nowhere.* does not exist"):
        statement("SELECT * FROM nowhere.table_of_nothing").execute(run())


def test_a_retry_does_not_return_the_failed_query(aws: Any, run: Context) -> None:
    with pytest.raises(AirflowFailException):
        statement("SELECT * FROM later.ready").execute(run())
    statement("CREATE DATABASE later").execute(run())
    before = executions(aws)
    with pytest.raises(AirflowFailException):
        statement("SELECT * FROM later.ready").execute(run(try_number=2))
    assert executions(aws) == before + 1


def test_a_query_is_stopped_after_its_timeout(aws: Any, run: Context) -> None:
    operator = statement("SELECT 1", timeout=timedelta(minutes=1))
    query_id = operator.execute(run())
    with pytest.raises(AirflowException, match=f"{query_id} has not ended within 0:01:00"):
        operator.finish(run(), {"query_id": query_id, "timed_out": True})


def test_a_query_that_scans_too_much_fails_and_says_what_to_do(aws: Any, run: Context) -> None:
    sales = pa.table({"quantity": list(range(1000))})
    with pa.BufferOutputStream() as parquet:
        pq.write_table(sales, parquet)
        aws.client("s3").put_object(
            Bucket="operators", Key="scanned/a.parquet", Body=parquet.getvalue().to_pybytes()
        )
    statement(
        "CREATE EXTERNAL TABLE scanned (quantity bigint) STORED AS PARQUET LOCATION 's3://operators/scanned/'"
    ).execute(run())
    with pytest.raises(AirflowFailException, match=r"more than max_scanned_gb, 1e-06; scan less"):
        statement("SELECT sum(quantity) FROM scanned", max_scanned_gb=0.000001).execute(run())


class Athena:
    """An Athena client whose query runs until it is stopped."""

    def __init__(self, scanned: int) -> None:
        self.scanned = scanned
        self.state = "RUNNING"

    async def get_query_execution(self, **_: str) -> dict[str, Any]:
        return {
            "QueryExecution": {
                "Status": {"State": self.state},
                "Statistics": {"DataScannedInBytes": self.scanned},
            }
        }

    async def stop_query_execution(self, **_: str) -> None:
        self.state = "CANCELLED"


@pytest.mark.parametrize(("scanned", "state"), [(10, "RUNNING"), (11, "CANCELLED")])
def test_a_running_query_is_stopped_when_it_has_scanned_too_much(scanned: int, state: str) -> None:
    """With a fake client, because the local Athena returns the scanned bytes only at the end."""
    client = Athena(scanned)
    trigger = QueryTrigger(
        resource={"query_id": "q", "max_bytes": 10}, deadline=0.0, aws_conn_id=None, region_name=None
    )
    assert asyncio.run(trigger.poll(client)) is None
    assert client.state == state


def test_a_retry_starts_one_query_even_if_that_fails_at_once(
    aws: Any, run: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    statement("SELECT 1").execute(run())
    before = executions(aws)
    monkeypatch.setattr(AthenaHook, "check_query_status", lambda *_: "FAILED")
    statement("SELECT 1").execute(run(try_number=2))
    assert executions(aws) == before + 1
    statement("SELECT 1").execute(run(try_number=3, tries_before_clear=2))
    assert executions(aws) == before + 2


def verify(
    aws: Any, answer: str, *written: dict[str, int], outlets: Sequence[Asset] = ()
) -> VerifyRowCountsOperator:
    jobs = [f"job{number}" for number in range(len(written))]
    for job, rows in zip(jobs, written, strict=True):
        body = json.dumps({"rows": rows}).encode()
        aws.client("s3").put_object(Bucket="operators", Key=f"metrics/{job}.json", Body=body)
    return VerifyRowCountsOperator(
        task_id="verify_row_counts",
        query=answer,
        metrics={job: f"s3://operators/metrics/{job}.json" for job in jobs},
        run_date="2026-01-31",
        outlets=outlets,
        database="default",
        **ATHENA,
    )


TWO_TABLES = "SELECT 'sales' AS dataset, 3 AS row_count UNION ALL SELECT 'segments', 2"


def test_equal_counts_are_returned(aws: Any, run: Context) -> None:
    assert verify(aws, TWO_TABLES, {"sales": 3}, {"segments": 2}).execute(run()) == {
        "sales": 3,
        "segments": 2,
    }


@pytest.mark.parametrize(
    ("written", "message"),
    [
        ({"sales": 4, "segments": 2}, "sales: Athena counts 3, the job wrote 4"),
        ({"sales": 3}, "segments: Athena counts 2, the job wrote 0"),
        ({"sales": 3, "segments": 2, "profiles": 1}, "profiles: Athena counts 0, the job wrote 1"),
    ],
)
def test_differences_are_named(aws: Any, run: Context, written: dict[str, int], message: str) -> None:
    with pytest.raises(AirflowException, match=message):
        verify(aws, TWO_TABLES, written).execute(run())


def test_only_a_table_that_the_run_has_written_gets_an_event(aws: Any, run: Context) -> None:
    outlets = [Asset(f"default.{name}", f"s3://operators/{name}") for name in ("segments", "profiles")]
    operator = verify(aws, TWO_TABLES, {"sales": 3, "segments": 2}, outlets=outlets)
    events = OutletEventAccessors()
    operator.execute({**run(), "outlet_events": events})
    assert operator.outlets == outlets[:1]
    assert events[outlets[0]].extra == {"run_date": "2026-01-31", "rows": 2}
