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
