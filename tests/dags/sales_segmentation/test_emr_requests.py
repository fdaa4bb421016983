"""The requests that the DAG sends to EMR with the defaults of its form; ``emr_requests.json`` holds them in full."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from emr_pipeline.specs import ClusterSpec, StepSpec
from emr_pipeline.tags import run_tags
from emr_pipeline.targets.emr_ec2.cluster import run_job_flow_request
from emr_pipeline.targets.emr_ec2.step import spark_step

EXPECTED = json.loads(Path(__file__).with_name("emr_requests.json").read_text())


@pytest.fixture
def rendered(dag: Any) -> Any:
    """A function that returns a template field of a task as Airflow renders it in a run."""
    params = {name: param.value for name, param in dag.params.items()}
    context = {
        "params": params | {"run_date": "2026-01-31", "score_with": "2025-12-31"},
        "dag_run": None,
        "ti": SimpleNamespace(xcom_pull=lambda task_id, key=None: "" if key else "v1"),
    }

    def render(task_id: str, field: str) -> Any:
        task = dag.get_task(task_id)
        return task.render_template(getattr(task, field), context, dag.get_template_env())

    return render


def test_the_cluster_request(dag: Any, rendered: Any) -> None:
    settings = dag.get_task("create_cluster").settings
    cluster = ClusterSpec(**rendered("create_cluster", "cluster"))
    tags = run_tags(dag.dag_id, "manual__1", settings)
    assert run_job_flow_request("name", cluster, settings, tags) == EXPECTED["cluster"]


def test_the_steps(rendered: Any) -> None:
    steps = [spark_step(StepSpec(**step)) for step in rendered("add_steps", "steps")]
    assert steps == EXPECTED["steps"]
    assert [spark_step(StepSpec(**rendered(step["Name"], "step"))) for step in steps] == steps
