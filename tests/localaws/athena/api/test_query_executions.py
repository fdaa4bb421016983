"""The registry of query executions."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from localaws.athena.api import query_executions
from localaws.athena.api.query_executions import QueryExecutions


def execution(name: str, is_final: bool = True) -> Any:
    return SimpleNamespace(id=name, is_final=is_final)


def test_the_oldest_finished_query_is_forgotten_with_its_token(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(query_executions, "MAX_FINISHED", 2)
    executions = QueryExecutions()
    executions.add(execution("running", is_final=False), "token 1", {})
    executions.add(execution("oldest"), "token 2", {})
    executions.add(execution("newest"), None, {})
    assert [*executions.by_id()] == ["running", "newest"]
    assert executions.find("token 1", {}) == "running"
    assert executions.find("token 2", {}) is None
