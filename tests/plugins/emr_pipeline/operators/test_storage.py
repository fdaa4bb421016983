"""Code goes up once, bad input costs no cluster, the report lands where it is told."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from airflow.sdk import Asset
from airflow.sdk.exceptions import AirflowFailException
from airflow.sdk.execution_time.context import OutletEventAccessors

from emr_pipeline.operators.athena import AthenaStatementOperator
from emr_pipeline.operators.storage import CheckInputOperator, PublishReportOperator, StageJobsOperator
from tests.plugins.emr_pipeline.operators.conftest import ATHENA

Context = Callable[..., Any]

HEADER = "Order_ID,Region"


def put(aws: Any, key: str, text: str) -> str:
    aws.client("s3").put_object(Bucket="operators", Key=key, Body=text.encode())
    return f"s3://operators/{key}"


def check(uri: str) -> CheckInputOperator:
    return CheckInputOperator(task_id="check_input", uri=uri, columns=["Order_ID", "Region"])


def test_job_code_lands_under_its_version_and_is_not_put_twice(
    aws: Any, run: Context, tmp_path: Path
) -> None:
    (tmp_path / "job.py").write_text("print()\n")
    stage = StageJobsOperator(task_id="stage_jobs", folder=tmp_path, destination="s3://operators/code")
    version = stage.execute(run())
    code = {"Bucket": "operators", "Key": f"code/{version}/job.py"}
    put_at = aws.client("s3").head_object(**code)["LastModified"]
    assert stage.execute(run()) == version
    assert aws.client("s3").head_object(**code)["LastModified"] == put_at


@pytest.mark.parametrize(
    "text",
    [
        f"{HEADER}\n1,Bremen\n",
        f"\ufeff{HEADER}\r\n1,Bremen\r\n",
        "Region,Extra,Order_ID\nBremen,x,1\n",
        '"Order_ID","Region"\n1,Bremen\n',
    ],
    ids=["plain", "bom and crlf", "other order and more", "quoted"],
)
def test_a_file_with_all_columns_passes(aws: Any, run: Context, text: str) -> None:
    uri = put(aws, "raw/good.csv", text)
    assert check(uri).execute(run()) == len(text.encode())


def test_a_missing_column_is_named(aws: Any, run: Context) -> None:
    uri = put(aws, "raw/narrow.csv", "Order_ID,Total\n1,2\n")
    with pytest.raises(
        AirflowFailException, match=r"narrow\.csv has no column Region; its header is Order_ID,Total"
    ):
        check(uri).execute(run())


def test_every_file_of_a_folder_is_checked(aws: Any, run: Context) -> None:
    put(aws, "raw/many/a.csv", f"{HEADER}\n1,Bremen\n")
    put(aws, "raw/many/b.csv", "Order_ID\n1\n")
    for uri in ("s3://operators/raw/many/", "s3://operators/raw/many/*.csv"):
        with pytest.raises(AirflowFailException, match=r"b\.csv has no column Region"):
            check(uri).execute(run())


def test_an_empty_file_is_named(aws: Any, run: Context) -> None:
    uri = put(aws, "raw/empty.csv", "")
    with pytest.raises(AirflowFailException, match=r"s3://operators/raw/empty\.csv is empty"):
        check(uri).execute(run())


def test_missing_input_is_named(aws: Any, run: Context) -> None:
    with pytest.raises(AirflowFailException, match=r"there is no object s3://operators/raw/nothing\.csv"):
        check("s3://operators/raw/nothing.csv").execute(run())


def test_a_bucket_that_does_not_exist_is_named(aws: Any, run: Context) -> None:
    with pytest.raises(AirflowFailException, match="bucket does not exist"):
        check("s3://no-such-bucket/raw/").execute(run())


def test_an_objection_is_the_error_before_anything_is_read(aws: Any, run: Context) -> None:
    operator = CheckInputOperator(
        task_id="check_input",
        uri="s3://no-such-bucket/raw/",
        columns=["Order_ID"],
        objection="5 is more than 4",
    )
    with pytest.raises(AirflowFailException, match="5 is more than 4"):
        operator.execute(run())


def test_the_report_holds_the_answers_by_question(aws: Any, run: Context) -> None:
    query_id = AthenaStatementOperator(task_id="queries", query="SELECT 42 AS answer", **ATHENA).execute(
        run()
    )
    publish = PublishReportOperator(
        task_id="publish_report",
        questions=["everything"],
        query_ids=[query_id],
        facts={"run_date": "2026-01-31"},
        render=lambda answers, facts: f"{facts['run_date']}: {answers}",
        destination="s3://operators/reports/report.md",
        outlets=[report := Asset("report", "s3://operators/reports")],
    )
    events = OutletEventAccessors()
    assert publish.execute({**run(), "outlet_events": events}) == "s3://operators/reports/report.md"
    assert events[report].extra == {"run_date": "2026-01-31", "address": "s3://operators/reports/report.md"}
    body = aws.client("s3").get_object(Bucket="operators", Key="reports/report.md")["Body"].read()
    assert body == b"2026-01-31: {'everything': [{'answer': '42'}]}"
