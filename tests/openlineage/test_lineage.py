"""With Airflow's OpenLineage provider and its file transport, a run reports its datasets and is the parent of Spark.

Run by ``make test-openlineage``, which has the provider on the path.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from emr_pipeline.mapping import InputColumns
from emr_pipeline.operators.check_input import CheckInputOperator
from emr_pipeline.operators.step import AwaitStepOperator
from emr_pipeline.specs import StepSpec
from tests.conftest import ROOT
from tests.e2e.conftest import environment

pytestmark = pytest.mark.openlineage


@pytest.fixture(scope="module")
def state(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a run of the word count, with the events in ``events.jsonl``."""
    folder = tmp_path_factory.mktemp("openlineage")
    transport = {"type": "file", "log_file_path": str(folder / "events.jsonl"), "append": True}
    variables = {
        "AIRFLOW__OPENLINEAGE__TRANSPORT": json.dumps(transport),
        "AIRFLOW__OPENLINEAGE__SPARK_INJECT_PARENT_JOB_INFO": "True",
        "AIRFLOW__OPENLINEAGE__NAMESPACE": "tests",
    }
    command = [sys.executable, "-m", "devtools.run", "DAG=word_count", "ROWS=1000"]
    ended = subprocess.run(
        command, cwd=ROOT, env=environment(folder) | variables, capture_output=True, text=True, check=False
    )
    assert ended.returncode == 0, ended.stdout
    return folder


@pytest.fixture(scope="module")
def completed(state: Path) -> dict[str, Any]:
    """The COMPLETE event of each task."""
    events = [json.loads(line) for line in (state / "events.jsonl").read_text().splitlines()]
    return {event["job"]["name"]: event for event in events if event["eventType"] == "COMPLETE"}


def reported(operator: Any) -> tuple[list[tuple[str, str]], list[tuple[str, str]]]:
    """Return the inputs and outputs that the provider reads from an operator."""
    from airflow.providers.openlineage.extractors.base import DefaultExtractor

    found = DefaultExtractor(operator).extract_on_complete(None)
    assert found
    inputs, outputs = (
        [(each.namespace, each.name) for each in datasets] for datasets in (found.inputs, found.outputs)
    )
    return inputs, outputs


def test_a_step_reports_the_datasets_of_its_specification() -> None:
    step = StepSpec(
        "count", "s3://lake/count.py", inputs=["s3://lake/raw/*.csv"], outputs=["s3://lake/processed/counts/"]
    )
    operator = AwaitStepOperator(task_id="count", cluster_id="j-1", step=step)
    assert reported(operator) == ([("s3://lake", "raw/*.csv")], [("s3://lake", "processed/counts")])


def test_the_input_check_reports_the_input() -> None:
    operator = CheckInputOperator(task_id="check_input", uri="s3://lake/raw/a.csv", columns=InputColumns([]))
    assert reported(operator) == ([("s3://lake", "raw/a.csv")], [])


def test_a_query_reports_its_tables_with_their_columns(completed: dict[str, Any]) -> None:
    event = completed["word_count.top_words"]
    [table] = event["inputs"]
    assert table["name"].startswith("AwsDataCatalog.")
    assert table["name"].endswith(".word_count.word_counts")
    assert [field["name"] for field in table["facets"]["schema"]["fields"]] == ["word", "occurrences"]


def test_the_task_is_the_parent_of_the_spark_application(state: Path, completed: dict[str, Any]) -> None:
    [file] = (state / "logs").glob("*.calls.jsonl")
    calls = [json.loads(line) for line in file.read_text().splitlines()]
    [request] = [call["request"] for call in calls if call["operation"] == "AddJobFlowSteps"]
    arguments = request["Steps"][0]["HadoopJarStep"]["Args"]
    properties = dict(part.split("=", 1) for part in arguments if part.startswith("spark.openlineage."))
    parent = completed["word_count.add_steps"]
    assert properties["spark.openlineage.parentJobNamespace"] == "tests"
    assert properties["spark.openlineage.parentJobName"] == "word_count.add_steps"
    assert properties["spark.openlineage.parentRunId"] == parent["run"]["runId"]
