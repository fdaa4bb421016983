"""The pages as Airflow serves them: its own login, its own database with real runs, and S3 that really answers."""

from __future__ import annotations

import secrets
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from airflow import settings as airflow_settings
from airflow.api_fastapi.app import init_auth_manager, purge_cached_app
from airflow.api_fastapi.auth.managers.simple.simple_auth_manager import SimpleAuthManager
from airflow.api_fastapi.auth.managers.simple.user import SimpleAuthManagerUser
from airflow.api_fastapi.core_api.app import init_middlewares
from airflow.models import import_all_models
from airflow.models.base import Base
from airflow.models.dagbundle import DagBundleModel
from airflow.models.serialized_dag import SerializedDagModel
from airflow.models.taskinstance import TaskInstance
from airflow.models.xcom import XComModel
from airflow.sdk import DAG
from airflow.serialization.definitions.dag import SerializedDAG
from airflow.serialization.serialized_objects import DagSerialization, LazyDeserializedDAG
from airflow.utils.db import synchronize_log_template
from airflow.utils.session import create_session
from airflow.utils.state import DagRunState
from airflow.utils.types import DagRunTriggeredByType, DagRunType
from fastapi import FastAPI
from fastapi.testclient import TestClient
from sqlalchemy import update

from emr_pipeline.operators.step import AwaitStepOperator
from emr_pipeline.operators.storage import PublishReportOperator
from emr_pipeline.view.app import create_app

BUCKET = "operators"
SECRET = "secret"
"""A DAG that exists but that nobody but the admin may read."""

BROWSER = {"Accept": "text/html,application/xhtml+xml"}
FOLDER = "reports/run_date=2026-01-31"
PAGE = "<h1>Segments</h1><img src='segments.png'><script>alert(1)</script>"
PNG = b"\x89PNG..."


def dag(dag_id: str) -> DAG:
    """Return a DAG with a task that waits for a step and one that publishes a report."""
    with DAG(dag_id, schedule=None, start_date=datetime(2024, 1, 1, tzinfo=UTC)) as made:
        AwaitStepOperator(task_id="pca", cluster_id="", step={"Name": "pca"})
        PublishReportOperator(
            task_id="publish",
            questions=[],
            query_ids=[],
            metrics=[],
            facts={},
            cluster_id="",
            render=lambda _: {},
            key_figures=lambda _: "",
            destination="",
        )
    return made


@dataclass(frozen=True)
class Run:
    """A run in Airflow's database, whose tasks can be given a state and XComs."""

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
    """An Airflow database of our own with two DAGs, which are returned as the scheduler knows them."""
    folder = tmp_path_factory.mktemp("airflow")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AIRFLOW__DATABASE__SQL_ALCHEMY_CONN", f"sqlite:///{folder}/airflow.db")
        patch.setenv("AIRFLOW__API_AUTH__JWT_SECRET", secrets.token_urlsafe(64))
        patch.setenv("AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE", f"{folder}/passwords.json")
        airflow_settings.dispose_orm()
        airflow_settings.configure_vars()
        airflow_settings.configure_orm()
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
    """A function that makes a run: ``make_run(dag_id="pipeline", state="success")``."""

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


@pytest.fixture(scope="package")
def served(database: Any, aws: Any) -> Iterator[FastAPI]:
    """The pages below Airflow's own login; ``reader`` may read every DAG but the secret one."""
    ours = SimpleAuthManager.is_authorized_dag

    def is_authorized_dag(self: Any, *, user: Any, details: Any = None, **kwargs: Any) -> bool:
        kept_back = details is not None and details.id == SECRET and user.username == "reader"
        return not kept_back and ours(self, user=user, details=details, **kwargs)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(SimpleAuthManager, "is_authorized_dag", is_authorized_dag)
        patch.setenv("EMR_PIPELINE_BUCKET", BUCKET)
        app = FastAPI()
        manager = init_auth_manager(app)
        app.mount("/emr-pipeline", create_app())
        init_middlewares(app)
        app.state.tokens = {
            name: manager.generate_jwt(SimpleAuthManagerUser(username=name, role=role))
            for name, role in (("admin", "admin"), ("reader", "viewer"), ("nobody", None))
        }
        yield app


@pytest.fixture
def browser(served: FastAPI) -> Callable[..., TestClient]:
    """A function that returns a browser in which a user is logged in: ``browser("reader")``, or nobody."""

    def open_browser(user: str = "") -> TestClient:
        cookies = {"_token": served.state.tokens[user]} if user else {}
        return TestClient(served, cookies=cookies, headers=BROWSER, follow_redirects=False)

    return open_browser


@pytest.fixture
def on_s3(aws: Any) -> Callable[[], None]:
    """A function that puts a report on S3, with a picture and more than a report should have."""

    def put() -> None:
        for name, content in {"index.html": PAGE.encode(), "segments.png": PNG, "notes.csv": b"a"}.items():
            aws.client("s3").put_object(Bucket=BUCKET, Key=f"{FOLDER}/{name}", Body=content)

    return put
