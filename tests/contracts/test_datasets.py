"""The Athena tables have the columns that the jobs write."""

from __future__ import annotations

import re
import time

import jinja2
from botocore.session import Session

from devtools import data_dictionary
from emr_pipeline.settings import Settings
from localaws.testing import LocalAws
from sales_segmentation.datasets import DATASETS, INPUT_COLUMNS
from sales_segmentation.jobs import FOLDER
from sales_segmentation.run import jobs
from segmentation import schemas
from segmentation.data_dictionary import COLUMNS, ROWS

BY_NAME = {dataset.name: dataset for dataset in DATASETS}


def test_the_data_dictionary_is_current() -> None:
    """This includes the names, types and order of the columns of each Athena table."""
    hint = "run `make data-dictionary`"
    assert data_dictionary.DAG_TABLES.read_text("utf-8") == data_dictionary.dag_tables(), hint
    assert data_dictionary.PAGE.read_text("utf-8") == data_dictionary.page(), hint


def test_every_column_is_described_and_no_other() -> None:
    described = {name: list(columns) for name, columns in COLUMNS.items()}
    assert described == {name: schema.names for name, schema in schemas.TABLES.items()}
    assert ROWS.keys() == schemas.TABLES.keys()


def test_athena_shows_the_comments_of_all_columns(local_aws: LocalAws) -> None:
    """``tables.json`` by way of ``create_tables.sql``; botocore's model has the limits of Glue."""
    athena, glue = local_aws.client("athena"), local_aws.client("glue")
    glue.create_database(DatabaseInput={"Name": "dictionary"})
    template = jinja2.Template((FOLDER.parent / "dags/sales_segmentation/sql/create_tables.sql").read_text())
    limits = Session().get_service_model("glue").shape_for("Column").members["Comment"].metadata

    def run(sql: str) -> str:
        query = athena.start_query_execution(
            QueryString=sql,
            QueryExecutionContext={"Database": "dictionary"},
            ResultConfiguration={"OutputLocation": "s3://dictionary/"},
        )["QueryExecutionId"]
        while (execution := athena.get_query_execution(QueryExecutionId=query)["QueryExecution"])["Status"][
            "State"
        ] in ("QUEUED", "RUNNING"):
            time.sleep(0.01)
        assert execution["Status"]["State"] == "SUCCEEDED", execution["Status"]
        rows = athena.get_query_results(QueryExecutionId=query)["ResultSet"]["Rows"]
        return "\n".join(row["Data"][0].get("VarCharValue", "") for row in rows)

    local_aws.client("s3").create_bucket(Bucket="dictionary")
    for dataset in DATASETS:
        run(template.render(params=dataset.params, settings=Settings("dictionary")))
        table = glue.get_table(DatabaseName="dictionary", Name=dataset.name)["Table"]
        columns = table["StorageDescriptor"]["Columns"]
        expected = [COLUMNS[dataset.name][column["Name"]].comment for column in columns]
        assert [column["Comment"] for column in columns] == expected
        assert max(map(len, expected)) <= limits["max"]
        assert table["Parameters"]["comment"] == f"One row is {ROWS[dataset.name]}"
        described = run(f"DESCRIBE `{dataset.name}`")
        assert all(comment in described for comment in expected)
        assert "run date of the DAG run" in described


def test_comments_need_no_escape_in_ddl() -> None:
    """Printable ASCII without the quote and the backslash, which Hive's strings escape."""
    texts = [column["comment"] for dataset in DATASETS for column in dataset.columns]
    texts += [dataset.comment for dataset in DATASETS]
    assert not [text for text in texts if not re.fullmatch(r"[ -&(-\[\]-~]+", text)]


def test_both_sides_name_the_same_job_for_each_dataset() -> None:
    fit = {dataset: job.name for job in jobs({"score_with": None}) for dataset in job.datasets}
    assert fit == schemas.PRODUCERS


def test_a_run_that_scores_writes_only_datasets_of_a_fit() -> None:
    assert {dataset for job in jobs({"score_with": "2026-01-31"}) for dataset in job.datasets} <= set(BY_NAME)


def test_the_input_check_requires_the_columns_that_the_job_reads() -> None:
    assert tuple(name.lower() for name in INPUT_COLUMNS.names) == schemas.RAW_COLUMNS
    optional = {column.name.lower(): column.without for column in INPUT_COLUMNS.columns if column.without}
    assert optional == schemas.OPTIONAL_COLUMNS
