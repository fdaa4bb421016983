"""The tasks of a process share the data of botocore and the check of the schemas."""

from __future__ import annotations

import boto3
import botocore.session
import pytest
from aiobotocore.session import AioSession
from jsonschema import Draft202012Validator, SchemaError, validate

from devtools import one_process


def test_all_sessions_share_one_loader() -> None:
    """The fixture ``shared_in_one_process`` has called ``share``."""
    sessions = (boto3.Session()._session, botocore.session.Session(), AioSession())
    first, second, third = (session.get_component("data_loader") for session in sessions)
    assert first is second is third


def test_a_second_call_does_not_wrap_the_loader_again() -> None:
    shared = botocore.session.create_loader
    one_process.share()
    assert botocore.session.create_loader is shared


def test_a_valid_schema_is_checked_once(monkeypatch: pytest.MonkeyPatch) -> None:
    checked = []
    monkeypatch.setattr(one_process, "_check_schema", lambda schema, **_: checked.append(schema))
    schema = {"type": "integer", "title": "only in this test"}
    for value in (1, 2):
        validate(value, schema)
    assert checked == [schema]


def test_an_invalid_schema_is_refused_each_time() -> None:
    for _ in range(2):
        with pytest.raises(SchemaError):
            Draft202012Validator.check_schema({"type": "no type"})


def test_the_task_api_has_only_the_version_that_the_tasks_use(monkeypatch: pytest.MonkeyPatch) -> None:
    from airflow.api_fastapi.execution_api import versions
    from airflow.api_fastapi.execution_api.app import InProcessExecutionAPI
    from airflow.api_fastapi.execution_api.routes import execution_api_router
    from airflow.sdk.api.client import API_VERSION, Client

    monkeypatch.setattr(versions, "bundle", versions.bundle)
    monkeypatch.setattr(execution_api_router, "routes", list(execution_api_router.routes))
    one_process.build_one_version()
    api = InProcessExecutionAPI()
    assert api.app.versions.version_values == (API_VERSION,)
    client = Client(base_url=None, dry_run=True, token="", transport=api.transport)
    client.base_url = "http://in-process.invalid./"
    assert client.get("health").json() == {"status": "healthy"}
