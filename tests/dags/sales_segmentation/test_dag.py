"""The DAG: its graph, its teardowns, its assets, and the values of its template fields."""

from __future__ import annotations

import copy
import sys
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from airflow import plugins_manager
from airflow.dag_processing.dagbag import DagBag
from airflow.sdk import TriggerRule
from airflow.serialization.decoders import decode_timetable
from airflow.serialization.encoders import encode_timetable
from airflow.timetables.base import TimeRestriction

from devtools.dag_run import task_instance_counts
from emr_pipeline.listener import leaf_tasks
from emr_pipeline.run_lock import RunLock
from sales_segmentation import run
from sales_segmentation.datasets import DATASETS, QUESTIONS
from sales_segmentation.jobs import JOBS

FOLDER = Path(__file__).parents[3] / "dags" / "sales_segmentation"

GRAPH = {
    "stage_jobs": {"estimate_cost"},
    "check_input": {"estimate_cost"},
    "estimate_cost": {"create_database"},
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
    "queries": {"publish_report", "record_cost"},
    "publish_report": set(),
    "terminate_cluster": {"record_cost"},
    "sweep_clusters": {"record_cost"},
    "record_cost": set(),
}


def test_the_graph(dag: Any) -> None:
    assert {task.task_id: task.downstream_task_ids for task in dag.tasks} == GRAPH


def test_the_task_groups_do_not_change_the_task_ids(dag: Any) -> None:
    groups = dag.task_group_dict
    members = {name: set(group.children) for name, group in groups.items()}
    assert members == {
        "prepare": {"stage_jobs", "check_input", "estimate_cost", "create_database", "create_tables"},
        "spark": {"create_cluster", "add_steps", "preprocess", "fit_or_score", "pca", "kmeans", "score"},
        "athena": {"repair_tables", "verify_row_counts", "queries"},
        "clean_up": {"terminate_cluster", "sweep_clusters", "record_cost"},
    }
    assert all(group.tooltip for group in groups.values())
    # Airflow detects a cycle of groups only when the graph is opened.
    dag.task_group.topological_sort()


def test_a_run_has_a_deadline_of_four_hours(dag: Any) -> None:
    (deadline,) = dag.deadline
    assert deadline.interval == timedelta(hours=4)
    assert deadline.callback.path == "emr_pipeline.alerts.LateAlert"


def test_tables_are_assets_of_verify_row_counts_and_the_report_is_an_asset_of_publish_report(
    dag: Any,
) -> None:
    def outlets(task_id: str) -> dict[str, str]:
        return {asset.name: asset.uri for asset in dag.get_task(task_id).outlets}

    assert outlets("verify_row_counts") == {
        f"beverage_analytics.{dataset.name}": f"s3://lake/processed/{dataset.name}" for dataset in DATASETS
    }
    assert outlets("publish_report") == {"sales_segmentation.report": "s3://lake/reports"}
    assert [task.task_id for task in dag.tasks if task.outlets] == ["verify_row_counts", "publish_report"]


def test_the_example_dag_is_scheduled_on_an_asset_of_this_dag(dag: Any, dag_bag: Any) -> None:
    (wanted,) = dag_bag.dags["segments_changed"].timetable.asset_condition.objects
    assert wanted in dag.get_task("verify_row_counts").outlets


def test_terminate_cluster_is_the_teardown_and_its_failure_fails_the_run(dag: Any) -> None:
    create, terminate = dag.get_task("create_cluster"), dag.get_task("terminate_cluster")
    assert create.is_setup
    assert terminate.is_teardown
    assert terminate.on_failure_fail_dagrun


def test_the_cost_is_recorded_after_failures_too_and_does_not_fail_the_run(dag: Any) -> None:
    assert dag.get_task("record_cost").is_teardown
    assert not dag.get_task("record_cost").on_failure_fail_dagrun


def test_the_tasks_that_end_the_cluster_get_a_slot_before_the_queries(dag: Any) -> None:
    def weight(task_id: str) -> int:
        downstream = dag.get_task(task_id).get_flat_relative_ids(upstream=False)
        return sum(dag.get_task(each).priority_weight for each in {task_id, *downstream})

    assert weight("queries") < min(weight("terminate_cluster"), weight("sweep_clusters"))


def test_the_teardowns_are_not_the_only_leaves(dag: Any) -> None:
    """With teardowns as the only leaves, a run with failed steps would end as successful."""
    assert {task.task_id for task in dag.leaves} == {"publish_report", "record_cost"}
    assert leaf_tasks(dag) == {"publish_report"}, "a run that is marked failed would end as successful"


def test_each_job_has_a_task_with_its_name(dag: Any) -> None:
    for job in JOBS:
        assert dag.get_task(job.name).step["name"] == job.name
        assert (FOLDER.parents[1] / "spark" / f"{job.name}.py").is_file()


@pytest.mark.parametrize(("score_with", "branch"), [(None, "pca"), ("2026-01-31", "score")])
def test_the_branch_is_the_second_job_of_the_run(dag: Any, score_with: str | None, branch: str) -> None:
    assert dag.get_task("fit_or_score").python_callable({"score_with": score_with}) == branch


def test_the_tables_wait_for_the_branch_that_runs_and_not_for_the_skipped_one(dag: Any) -> None:
    """With all_success all tasks downstream of the branch would be skipped."""
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


def test_dag_md_is_the_page_in_the_ui(dag: Any) -> None:
    assert dag.doc_md.startswith("# Customer segmentation\n")


def test_each_sql_file_is_used() -> None:
    used = {*QUESTIONS, "create_database", "create_tables", "repair_tables", "verify_row_counts"}
    assert {path.stem for path in (FOLDER / "sql").glob("*.sql")} == used


def test_no_module_is_also_loaded_as_a_plugin(dag_bag: Any) -> None:
    """Without plugins/.airflowignore Airflow would import each file there a second time under its bare name."""
    plugins_manager.ensure_plugins_loaded()
    stems = {path.stem for path in (FOLDER.parents[1] / "plugins/emr_pipeline").rglob("*.py")} - {"__init__"}
    assert not {
        name for name in stems if "emr_pipeline" in str(getattr(sys.modules.get(name), "__file__", ""))
    }


def rendered(dag: Any, task_id: str, version: str = "4fb6325dc060", **params: Any) -> Any:
    """Return a task with its template fields rendered, as in a run with this code version and these params."""
    task = copy.copy(dag.get_task(task_id))
    values = {name: param.value for name, param in dag.params.items()} | {"run_date": "2026-02-28"} | params
    xcoms = {
        "stage_jobs": version,
        "create_cluster": "j-1",
        "check_input": 4_000,
        "estimate_cost": {"summary": "3 nodes"},
    }
    ti = SimpleNamespace(xcom_pull=lambda task_id, key=None: "" if key == "mapping" else xcoms[task_id])
    task.render_template_fields({"dag": dag, "dag_run": None, "params": values, "ti": ti})
    return task


def test_lists_and_numbers_keep_their_type(dag: Any) -> None:
    fitting, scoring = ["preprocess", "pca", "kmeans"], ["preprocess", "score"]
    assert rendered(dag, "add_steps").plan == fitting
    assert rendered(dag, "add_steps", score_with="2026-01-31").plan == scoring
    report = rendered(dag, "publish_report", score_with="2026-01-31")
    assert report.facts["plan"] == scoring
    assert report.facts["estimate"] == "3 nodes"
    estimate = rendered(dag, "estimate_cost", score_with="2026-01-31", budget=2.5, over_budget="ask")
    assert (estimate.steps, estimate.input_bytes) == (scoring, 4_000)
    assert (estimate.budget, estimate.over_budget) == (2.5, "ask")
    assert rendered(dag, "estimate_cost").budget is None
    assert report.metrics == {
        "preprocess": "s3://lake/metrics/run_date=2026-02-28/preprocess.json",
        "score": "s3://lake/metrics/run_date=2026-02-28/score.json",
        "pca": "s3://lake/metrics/run_date=2026-01-31/pca.json",
        "kmeans": "s3://lake/metrics/run_date=2026-01-31/kmeans.json",
    }
    counts = rendered(dag, "verify_row_counts", score_with="2026-01-31", max_scanned_gb=5)
    assert list(counts.metrics) == scoring
    assert counts.max_scanned_gb == 5.0


@pytest.mark.parametrize("text", ["007", "123456789e12", "1_000", "True", "2026-10-10"])
def test_text_that_looks_like_another_type_stays_text(dag: Any, text: str) -> None:
    """With render_template_as_native_obj it would be a number or a boolean, which EMR's API refuses in a step."""
    steps = rendered(dag, "add_steps", version=text, run_date=text).steps
    assert steps[0]["flags"]["code-version"] == text
    assert steps[0]["flags"]["run-date"] == text
    assert all(isinstance(value, str) for step in steps for value in step["flags"].values())


@pytest.mark.parametrize(
    ("params", "error"),
    [
        ({}, ""),
        ({"score_with": "2026-01-31"}, ""),
        (
            {"score_with": "2026-01-30"},
            "there are no models at s3://lake/models/run_date=2026-01-30/; choose",
        ),
        ({"k_min": 5, "k_max": 4}, "Minimum number of segments (k_min) is 5"),
        ({"k_min": 5, "k_max": 4, "score_with": "2026-01-30"}, "there are no models at"),
        ({"kmin": 5, "score_with": "2026-01-30"}, "unknown param kmin"),
    ],
    ids=["fits", "scores", "no models", "empty range", "range not used", "unknown param"],
)
def test_check_input_refuses_wrong_params_and_missing_models(
    dag: Any, params: Mapping[str, Any], error: str
) -> None:
    def list_keys(bucket: str, prefix: str, max_items: int) -> list[str]:
        return [key for key in ["models/run_date=2026-01-31/pca/metadata"] if key.startswith(prefix)]

    values = {name: param.value for name, param in dag.params.items()} | params
    context = {"dag": dag, "dag_run": SimpleNamespace(run_type="manual"), "params": values}
    found = dag.get_task("check_input").precondition(context, SimpleNamespace(list_keys=list_keys))
    assert found.startswith(error)
    assert bool(found) == bool(error)


@pytest.mark.parametrize(
    ("run_type", "run_date", "error"),
    [
        ("backfill", "2026-01-31", "run_date is 2026-01-31 for all runs of this backfill; leave it out"),
        ("backfill", None, ""),
        ("manual", "2026-01-31", ""),
    ],
)
def test_check_input_refuses_one_run_date_for_all_runs_of_a_backfill(
    dag: Any, run_type: str, run_date: str | None, error: str
) -> None:
    params = {name: param.value for name, param in dag.params.items()} | {"run_date": run_date}
    context = {"dag": dag, "dag_run": SimpleNamespace(run_type=run_type), "params": params}
    found = dag.get_task("check_input").precondition(context, None)
    assert found.startswith(error)
    assert bool(found) == bool(error)


def test_a_cluster_is_created_only_by_the_run_that_has_the_lock_of_its_run_date(dag: Any) -> None:
    lock = dag.get_task("create_cluster")._pre_execute_hook
    assert isinstance(lock, RunLock)
    assert (lock.settings.bucket, lock.key) == ("lake", run.lock_key)


@pytest.mark.parametrize("cron", ["", "0 2 * * *"])
def test_the_schedule_is_a_setting(monkeypatch: pytest.MonkeyPatch, cron: str) -> None:
    monkeypatch.setenv("EMR_PIPELINE_BUCKET", "lake")
    monkeypatch.setenv("EMR_PIPELINE_SCHEDULE", cron)
    (parsed,) = DagBag(FOLDER / "dag.py").dags.values()
    timetable = decode_timetable(encode_timetable(parsed.timetable))
    assert timetable.periodic == bool(cron)  # only then can it be backfilled
    assert not parsed.catchup
    if cron:
        run_info = timetable.next_dagrun_info(
            last_automated_data_interval=None,
            restriction=TimeRestriction(datetime(2026, 1, 1, 3, tzinfo=UTC), None, catchup=True),
        )
        assert run_info.logical_date == datetime(2026, 1, 2, 2, tzinfo=UTC)


@pytest.mark.parametrize("value", [3.0, 3])
def test_an_integer_that_is_given_as_a_float_is_written_without_a_point(dag: Any, value: float) -> None:
    """JSON schema accepts 3.0 as an integer; neither a job nor EMR does."""
    assert rendered(dag, "create_cluster", core_nodes=value).cluster["core_nodes"] == "3"
    kmeans = next(step for step in rendered(dag, "add_steps", k=value).steps if step["name"] == "kmeans")
    assert kmeans["flags"]["k"] == "3"
