"""Rules for all DAGs of the folder."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from airflow.serialization.serialized_objects import DagSerialization
from airflow.utils.file import list_py_file_paths

from emr_pipeline.alerts import FailureAlert
from emr_pipeline.operators.cluster import CreateClusterOperator
from emr_pipeline.tags import deployment_tags
from tests.dags.conftest import DAGS

DAG_IDS = sorted(path.parent.name for path in DAGS.glob("*/dag.py"))
"""The id of a DAG is the name of its folder."""


def test_each_folder_is_parsed_without_errors_and_has_a_dag_of_its_name(dag_bag: Any) -> None:
    assert dag_bag.import_errors == {}
    assert sorted(dag_bag.dags) == DAG_IDS


def test_airflow_parses_dag_py_and_no_other_module(tmp_path: Path) -> None:
    assert set(list_py_file_paths(DAGS, safe_mode=False)) == {str(path) for path in DAGS.glob("*/dag.py")}
    shutil.copy(DAGS / ".airflowignore", tmp_path)
    (tmp_path / "pipeline" / "package").mkdir(parents=True)
    for name in ("dag.py", "new_module.py", "package/__init__.py", "package/module.py"):
        (tmp_path / "pipeline" / name).touch()
    assert list_py_file_paths(tmp_path, safe_mode=False) == [str(tmp_path / "pipeline" / "dag.py")]


@pytest.mark.parametrize("dag_id", DAG_IDS)
def test_a_dag_and_its_tasks_have_documentation_and_an_owner(dag_bag: Any, dag_id: str) -> None:
    dag = dag_bag.dags[dag_id]
    assert dag.doc_md
    assert dag.description
    assert dag.tags
    assert dag.dag_display_name != dag_id
    for task in dag.tasks:
        assert task.doc_md, task.task_id
        assert task.owner == "data-engineering", task.task_id


@pytest.mark.parametrize("dag_id", DAG_IDS)
def test_each_task_is_retried(dag_bag: Any, dag_id: str) -> None:
    """All tasks are idempotent, and Airflow itself may lose one."""
    assert all(task.retries >= 1 for task in dag_bag.dags[dag_id].tasks)


@pytest.mark.parametrize("dag_id", DAG_IDS)
def test_a_failed_run_causes_an_alert(dag_bag: Any, dag_id: str) -> None:
    """The callback of the DAG is called once for a run, also if a teardown failed."""
    assert isinstance(dag_bag.dags[dag_id].on_failure_callback, FailureAlert)


@pytest.mark.parametrize("dag_id", DAG_IDS)
def test_a_dag_is_serialized_to_the_same_text_at_each_parse(dag_bag: Any, dag_id: str) -> None:
    """Airflow creates a new version of a DAG if the text differs, for example by a memory address."""
    assert " at 0x" not in json.dumps(DagSerialization.to_dict(dag_bag.dags[dag_id]))


def test_the_reaper_covers_every_dag_that_creates_clusters(dag_bag: Any) -> None:
    covered = dag_bag.dags["emr_reaper"].get_task("reap_clusters").tags
    tasks = [task for dag in dag_bag.dags.values() for task in dag.tasks]
    creators = [task for task in tasks if isinstance(task, CreateClusterOperator)]
    assert creators
    assert [task.dag_id for task in creators if deployment_tags(task.settings) not in covered] == []
