"""The integrity of the example DAG: its graph, its templates, and a cluster that is always terminated."""

from __future__ import annotations

import copy
import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from emr_pipeline.specs import StepSpec
from emr_pipeline.targets.emr_ec2.step import spark_step

FILE = Path(__file__).parents[3] / "dags" / "word_count" / "dag.py"


@pytest.fixture
def word_count(dag_bag: Any) -> Any:
    return dag_bag.dags["word_count"]


def rendered(dag: Any, task_id: str) -> Any:
    """Return a task with its template fields rendered, as in a run with the defaults of the form."""
    task = copy.copy(dag.get_task(task_id))
    params = {name: param.value for name, param in dag.params.items()}
    ti = SimpleNamespace(xcom_pull=lambda *_, **__: "v1")
    task.render_template_fields({"dag": dag, "params": params, "ti": ti})
    return task


def test_the_graph(word_count: Any) -> None:
    assert {task.task_id: task.downstream_task_ids for task in word_count.tasks} == {
        "stage_jobs": {"create_database"},
        "create_database": {"create_table"},
        "create_table": {"create_cluster"},
        "create_cluster": {"add_steps", "count_words", "terminate_cluster"},
        "add_steps": {"count_words"},
        "count_words": {"top_words", "terminate_cluster", "sweep_clusters"},
        "top_words": set(),
        "terminate_cluster": set(),
        "sweep_clusters": set(),
    }


def test_the_cluster_is_terminated_and_a_failed_teardown_fails_the_run(word_count: Any) -> None:
    assert word_count.get_task("create_cluster").is_setup
    for task_id in ("terminate_cluster", "sweep_clusters"):
        assert word_count.get_task(task_id).is_teardown
        assert word_count.get_task(task_id).on_failure_fail_dagrun


def test_the_step_runs_the_script_that_is_staged(word_count: Any) -> None:
    request = spark_step(StepSpec(**rendered(word_count, "count_words").step))
    assert " ".join(request["HadoopJarStep"]["Args"]) == (
        "spark-submit --deploy-mode client s3://lake/jobs/v1/word_count.py --input s3://lake/raw/*.txt "
        "--output s3://lake/processed/word_counts --top 1000"
    )
    assert (word_count.get_task("stage_jobs").folder / "word_count.py").is_file()


def test_the_statements_name_the_database_and_the_folder_of_the_job(word_count: Any) -> None:
    assert rendered(word_count, "create_database").query.strip() == "CREATE DATABASE IF NOT EXISTS word_count"
    create_table = rendered(word_count, "create_table").query
    assert "word_count.word_counts (" in create_table
    assert "LOCATION 's3://lake/processed/word_counts/'" in create_table
    assert "FROM word_count.word_counts" in rendered(word_count, "top_words").query


def test_the_dag_is_short_enough_to_be_a_template() -> None:
    assert len(FILE.read_text().splitlines()) <= 60


def test_the_page_on_pipelines_quotes_the_dag() -> None:
    page = (FILE.parents[2] / "docs" / "your-own-pipeline.md").read_text()
    (quoted,) = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    lines = {line.strip() for line in FILE.read_text().splitlines()}
    assert set(quoted.splitlines()) - {""} <= lines
