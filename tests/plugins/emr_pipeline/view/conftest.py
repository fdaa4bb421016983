"""The pages with Airflow's login and a database with runs, and with the S3 of the local AWS."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from airflow.api_fastapi.app import init_auth_manager
from airflow.api_fastapi.auth.managers.simple.simple_auth_manager import SimpleAuthManager
from airflow.api_fastapi.auth.managers.simple.user import SimpleAuthManagerUser
from airflow.api_fastapi.core_api.app import init_middlewares
from fastapi import FastAPI
from fastapi.testclient import TestClient

from emr_pipeline.view.app import create_app
from tests.plugins.emr_pipeline.conftest import BUCKET, FOLDER, SECRET

BROWSER = {"Accept": "text/html,application/xhtml+xml"}
PAGE = "<h1>Segments</h1><img src='segments.png'><script>alert(1)</script>"
PNG = b"\x89PNG..."


@pytest.fixture(scope="package")
def served(database: Any, aws: Any) -> Iterator[FastAPI]:
    """The pages with Airflow's login; the user ``reader`` may read all DAGs except ``SECRET``."""
    original = SimpleAuthManager.is_authorized_dag

    def is_authorized_dag(self: Any, *, user: Any, details: Any = None, **kwargs: Any) -> bool:
        denied = details is not None and details.id == SECRET and user.username == "reader"
        return not denied and original(self, user=user, details=details, **kwargs)

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
    """A function that returns a client with a logged-in user, ``browser("reader")``, or without, ``browser()``."""

    def open_browser(user: str = "") -> TestClient:
        cookies = {"_token": served.state.tokens[user]} if user else {}
        return TestClient(served, cookies=cookies, headers=BROWSER, follow_redirects=False)

    return open_browser


@pytest.fixture
def on_s3(aws: Any) -> Callable[[], None]:
    """A function that puts a report on S3: a page, a chart, and a file of a type that is not served."""

    def put() -> None:
        for name, content in {"index.html": PAGE.encode(), "segments.png": PNG, "notes.csv": b"a"}.items():
            aws.client("s3").put_object(Bucket=BUCKET, Key=f"{FOLDER}/{name}", Body=content)

    return put
