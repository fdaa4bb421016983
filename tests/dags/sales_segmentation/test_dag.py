"""The integrity of the DAG: it parses, its graph is the documented one, and its cluster cannot outlive it."""

from __future__ import annotations

import ast
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from airflow import plugins_manager
from airflow.sdk import TriggerRule

from devtools.dag_run import task_instance_counts
from emr_pipeline.listener import leaf_tasks
from sales_segmentation.datasets import DATASETS, QUESTIONS
from sales_segmentation.jobs import JOBS
from sales_segmentation.run import MACROS

FOLDER = Path(__file__).parents[3] / "dags" / "sales_segmentation"

GRAPH = {
    "stage_jobs": {"create_database"},
    "check_input": {"create_database"},
    "create_database": {"create_tables"},
    "create_tables": {"create_cluster"},
    "create_cluster": {"add_steps", "terminate_cluster"},
    "add_steps": {"preprocess"},
    "preprocess": {"fit_or_score"},
    "fit_or_score": {"pca", "score"},
    "pca": {"kmeans"},
    "kmeans": {"repair_tables"},
    "score": {"repair_tables"},
    "repair_tables": {"verify_row_counts"},
    "verify_row_counts": {"queries", "terminate_cluster", "sweep_clusters"},
    "queries": {"publish_report"},
    "publish_report": set(),
    "terminate_cluster": set(),
    "sweep_clusters": set(),
}


def test_the_graph_is_the_documented_one(dag: Any) -> None:
    assert {task.task_id: task.downstream_task_ids for task in dag.tasks} == GRAPH


def test_the_groups_hold_the_graph_and_leave_the_ids_alone(dag: Any) -> None:
    groups = dag.task_group_dict
    held = {name: set(group.children) for name, group in groups.items()}
    assert held == {
        "prepare": {"stage_jobs", "check_input", "create_database", "create_tables"},
        "spark": {"create_cluster", "add_steps", "preprocess", "fit_or_score", "pca", "kmeans", "score"},
        "athena": {"repair_tables", "verify_row_counts", "queries"},
        "clean_up": {"terminate_cluster", "sweep_clusters"},
    }
    assert all(group.tooltip for group in groups.values())
    # Airflow refuses a circle of groups only when somebody opens the graph.
    dag.task_group.topological_sort()


def test_a_run_has_four_hours(dag: Any) -> None:
    (deadline,) = dag.deadline
    assert deadline.interval == timedelta(hours=4)
    assert deadline.callback.path == "emr_pipeline.alerts.LateAlert"


def test_every_table_is_an_asset_of_the_task_that_proves_it_and_the_report_one_of_its_publisher(
    dag: Any,
) -> None:
    def outlets(task_id: str) -> dict[str, str]:
        return {asset.name: asset.uri for asset in dag.get_task(task_id).outlets}

    assert outlets("verify_row_counts") == {
        f"beverage_analytics.{dataset.name}": f"s3://lake/processed/{dataset.name}" for dataset in DATASETS
    }
    assert outlets("publish_report") == {"sales_segmentation.report": "s3://lake/reports"}
    assert [task.task_id for task in dag.tasks if task.outlets] == ["verify_row_counts", "publish_report"]


def test_the_example_waits_for_a_table_that_is_published(dag: Any, dag_bag: Any) -> None:
    (wanted,) = dag_bag.dags["segments_changed"].timetable.asset_condition.objects
    assert wanted in dag.get_task("verify_row_counts").outlets


def test_terminating_the_cluster_is_its_teardown_and_its_failure_fails_the_run(dag: Any) -> None:
    create, terminate = dag.get_task("create_cluster"), dag.get_task("terminate_cluster")
    assert create.is_setup
    assert terminate.is_teardown
    assert terminate.on_failure_fail_dagrun


def test_the_teardown_is_not_the_only_leaf(dag: Any) -> None:
    """With the teardown alone a run whose steps failed would end green."""
    assert {task.task_id for task in dag.leaves} == {"publish_report", "terminate_cluster", "sweep_clusters"}
    assert leaf_tasks(dag) == {"publish_report"}, "a run that is marked failed would end green"


def test_each_job_is_a_task_of_the_same_name(dag: Any) -> None:
    for job in JOBS:
        assert dag.get_task(job.name).step["Name"] == job.name
        assert (FOLDER.parents[1] / "spark" / f"{job.name}.py").is_file()


@pytest.mark.parametrize(("plan", "way"), [("preprocess pca kmeans", "pca"), ("preprocess score", "score")])
def test_the_branch_goes_on_with_the_second_job_of_the_plan(dag: Any, plan: str, way: str) -> None:
    assert dag.get_task("fit_or_score").python_callable(plan) == way


def test_the_tables_wait_for_the_way_that_was_taken_and_not_for_the_other(dag: Any) -> None:
    """all_success would skip everything behind the branch."""
    assert dag.get_task("repair_tables").trigger_rule == TriggerRule.NONE_FAILED_MIN_ONE_SUCCESS


def test_every_wait_has_a_timeout(dag: Any) -> None:
    waits = [
        task for task in dag.tasks if task.task_type in {"AwaitStepOperator", "TerminateClusterOperator"}
    ]
    assert len(waits) == 6
    assert all(task.timeout.total_seconds() > 0 for task in waits)


def test_mapped_tasks_cover_every_dataset_and_question(dag: Any) -> None:
    counts = task_instance_counts(dag)
    assert {task_id: number for task_id, number in counts.items() if number > 1} == {
        "create_tables": len(DATASETS),
        "repair_tables": len(DATASETS),
        "queries": len(QUESTIONS),
    }


def test_the_docstring_is_the_page_in_the_ui(dag: Any) -> None:
    assert dag.doc_md == ast.get_docstring(ast.parse((FOLDER / "dag.py").read_text()), clean=False)


def test_each_statement_has_its_own_file_and_each_file_is_used() -> None:
    used = {*QUESTIONS, "create_database", "create_tables", "repair_tables", "verify_row_counts"}
    assert {path.stem for path in (FOLDER / "sql").glob("*.sql")} == used


def test_no_module_was_also_run_as_a_plugin(dag_bag: Any) -> None:
    """Without plugins/.airflowignore Airflow runs each file there a second time under its bare stem."""
    plugins_manager.ensure_plugins_loaded()
    stems = {path.stem for path in (FOLDER.parents[1] / "plugins/emr_pipeline").rglob("*.py")} - {"__init__"}
    assert not {
        name for name in stems if "emr_pipeline" in str(getattr(sys.modules.get(name), "__file__", ""))
    }


@pytest.mark.parametrize(
    ("score_with", "models"), [(None, ""), ("2026-01-31", "s3://lake/models/run_date=2026-01-31/")]
)
def test_only_a_run_that_scores_needs_models(dag: Any, score_with: str | None, models: str) -> None:
    check_input = dag.get_task("check_input")
    context = {"params": {"score_with": score_with, "run_date": "2026-02-28"}, "dag_run": None, **MACROS}
    assert check_input.render_template(check_input.models, context) == models


@pytest.mark.parametrize(("value", "written"), [(3.0, "3"), (1e3, "1000"), (3, "3")])
def test_a_whole_number_reaches_every_task_without_a_point(dag: Any, value: float, written: str) -> None:
    """JSON schema takes 3.0 for an integer, and no job or cluster does."""
    create_cluster, add_steps = dag.get_task("create_cluster"), dag.get_task("add_steps")
    context = {"params": {"core_nodes": value, "k": value}}
    assert create_cluster.render_template(create_cluster.cluster["core_nodes"], context) == written
    flags = next(step for step in add_steps.steps if step["Name"] == "kmeans")["HadoopJarStep"]["Args"]
    assert add_steps.render_template(flags[flags.index("--k") + 1], context) == written
