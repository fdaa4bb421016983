"""An Airflow database for the tests, with DAGs, and with runs whose tasks can be set to a state."""

from __future__ import annotations

import secrets
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from airflow import plugins_manager
from airflow import settings as airflow_settings
from airflow.api_fastapi.app import purge_cached_app
from airflow.models import import_all_models
from airflow.models.base import Base
from airflow.models.dagbundle import DagBundleModel
from airflow.models.serialized_dag import SerializedDagModel
from airflow.models.taskinstance import TaskInstance
from airflow.models.xcom import XComModel
from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.sdk import DAG, BaseOperator, Param, chain
from airflow.serialization.definitions.dag import SerializedDAG
from airflow.serialization.serialized_objects import DagSerialization, LazyDeserializedDAG
from airflow.utils.db import synchronize_log_template
from airflow.utils.session import create_session
from airflow.utils.state import DagRunState
from airflow.utils.types import DagRunTriggeredByType, DagRunType
from sqlalchemy import update

from emr_pipeline.alerts import late_after
from emr_pipeline.operators.cluster import TerminateClusterOperator
from emr_pipeline.operators.publish_report import PublishReportOperator
from emr_pipeline.operators.step import AwaitStepOperator
from emr_pipeline.settings import Settings
from emr_pipeline.specs import StepSpec

BUCKET = "operators"
ROOT = Path(__file__).parents[3]
SECRET = "secret"
"""A DAG that only the user ``admin`` may read."""

TORN_DOWN = "torn_down"
FOREIGN = "foreign"
"""A DAG with a teardown that uses nothing of this package."""

PARAMS = "with_params"
"""A DAG with params of several types."""

FOLDER = "reports/run_date=2026-01-31"
LATE_AFTER = timedelta(hours=4)


def dag(dag_id: str) -> DAG:
    """Return a DAG with a deadline, a task that waits for a step, and a task that publishes a report."""
    deadline = late_after(LATE_AFTER, Settings(bucket=BUCKET))
    with DAG(dag_id, schedule=None, start_date=datetime(2024, 1, 1, tzinfo=UTC), deadline=deadline) as made:
        AwaitStepOperator(task_id="pca", cluster_id="", step=StepSpec("pca", "s3://operators/jobs/pca.py"))
        PublishReportOperator(
            task_id="publish",
            questions=[],
            query_ids=[],
            metrics={},
            facts={},
            cluster_id="",
            render=lambda _: {},
            key_figures=lambda _: "",
            destination="",
        )
    return made


def dag_with_teardown(dag_id: str, teardown: BaseOperator) -> DAG:
    """Return a DAG with a branch, then a report and a teardown in parallel."""
    with DAG(dag_id, schedule=None, start_date=datetime(2024, 1, 1, tzinfo=UTC)) as made:
        fit, score, report = (EmptyOperator(task_id=name) for name in ("fit", "score", "report"))
        chain([fit, score], [report, teardown.as_teardown(on_failure_fail_dagrun=True)])
    return made


def dag_with_params() -> DAG:
    params = {
        "k": Param(3, type="integer", maximum=9),
        "name": Param("", type="string"),
        "share": Param(0, type="number"),
        "optional": Param(None, type=["null", "string"]),
    }
    start = datetime(2024, 1, 1, tzinfo=UTC)
    with DAG(PARAMS, schedule=None, start_date=start, params=params, is_paused_upon_creation=False) as made:
        chain(EmptyOperator(task_id="pca"), EmptyOperator(task_id="publish"))
    return made


@dataclass(frozen=True)
class Run:
    """A run in Airflow's database, whose tasks can be set to a state and get XComs."""

    dag_id: str
    run_id: str

    def task(self, task_id: str, state: str = "success", **xcoms: Any) -> None:
        with create_session() as session:
            one = {"dag_id": self.dag_id, "run_id": self.run_id, "task_id": task_id}
            session.execute(
                update(TaskInstance).filter_by(**one).values(state=state, end_date=datetime.now(UTC))
            )
            for key, value in xcoms.items():
                XComModel.set(key, value, **one, session=session)

    def publish(self, address: str = f"s3://{BUCKET}/{FOLDER}/index.html", **xcoms: Any) -> None:
        self.task("publish", return_value=address, **xcoms)

    @property
    def path(self) -> str:
        return f"/emr-pipeline/dags/{self.dag_id}/runs/{quote(self.run_id)}"


@pytest.fixture(scope="package")
def database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    """An Airflow database for the tests with some DAGs; returns these DAGs as the scheduler loads them."""
    folder = tmp_path_factory.mktemp("airflow")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AIRFLOW__DATABASE__SQL_ALCHEMY_CONN", f"sqlite:///{folder}/airflow.db")
        patch.setenv("AIRFLOW__CORE__PLUGINS_FOLDER", str(ROOT / "plugins"))
        patch.setenv("AIRFLOW__API_AUTH__JWT_SECRET", secrets.token_urlsafe(64))
        patch.setenv("AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE", f"{folder}/passwords.json")
        airflow_settings.dispose_orm()
        airflow_settings.configure_vars()
        airflow_settings.configure_orm()
        for remembered in (plugins_manager._get_plugins, plugins_manager.get_deadline_references_plugins):
            remembered.cache_clear()
        try:
            yield _dags(folder)
        finally:
            purge_cached_app()
            airflow_settings.dispose_orm()
            patch.undo()
            airflow_settings.configure_vars()
            airflow_settings.configure_orm()


def _dags(folder: Path) -> dict[str, Any]:
    import_all_models()
    Base.metadata.create_all(airflow_settings.engine)
    synchronize_log_template()
    dags = {name: dag(name) for name in ("pipeline", SECRET)}
    dags[TORN_DOWN] = dag_with_teardown(TORN_DOWN, TerminateClusterOperator(task_id="end", cluster_id=""))
    dags[FOREIGN] = dag_with_teardown(FOREIGN, EmptyOperator(task_id="end"))
    dags[PARAMS] = dag_with_params()
    with create_session() as session:
        session.add(DagBundleModel(name="tests"))
        session.flush()
        lazy = [LazyDeserializedDAG.from_dag(made) for made in dags.values()]
        SerializedDAG.bulk_write_to_db("tests", None, lazy, session=session)
        for one in lazy:
            SerializedDagModel.write_dag(one, bundle_name="tests", session=session)
    return {
        name: DagSerialization.deserialize_dag(DagSerialization.serialize_dag(made))
        for name, made in dags.items()
    }


@pytest.fixture(scope="package")
def make_run(database: dict[str, Any]) -> Callable[..., Run]:
    """A function that creates a run: ``make_run(dag_id="pipeline", state="success")``."""

    def make(dag_id: str = "pipeline", state: str = "success") -> Run:
        run_id = f"manual__{uuid.uuid4()}+00:00"
        database[dag_id].create_dagrun(
            run_id=run_id,
            run_after=datetime.now(UTC),
            run_type=DagRunType.MANUAL,
            triggered_by=DagRunTriggeredByType.TEST,
            state=DagRunState(state),
        )
        return Run(dag_id, run_id)

    return make
