"""Every kind of fault can be converted to and from JSON, and invalid faults are rejected."""

from __future__ import annotations

import json
from typing import Any

import pytest

from localaws import faults
from localaws.faults import Delay, QueryFails, StepKilled, Throttle
from localaws.faults.kinds import KINDS, Fault, all_from_json, from_json, to_json

REQUIRED = {"operation": "DescribeStep", "seconds": 1.5, "step": "pca", "containing": "select", "reason": "r"}


def sample(kind: type[Fault]) -> Fault:
    names = [name for name in REQUIRED if name in kind.__dataclass_fields__]
    return kind(times=2, **{name: REQUIRED[name] for name in names})


@pytest.mark.parametrize("kind", KINDS.values())
def test_json_round_trip(kind: type[Fault]) -> None:
    fault = sample(kind)
    assert from_json(json.loads(json.dumps(to_json(fault)))) == fault


def test_every_kind_is_exported() -> None:
    assert set(KINDS) <= set(faults.__all__)


def test_one_object_or_a_list_is_accepted() -> None:
    one = {"kind": "StepKilled", "step": "pca"}
    assert all_from_json(one) == all_from_json([one]) == [StepKilled("pca")]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"kind": "Explode"}, "its kind must be one of Throttle, "),
        ("Throttle", "'Throttle' is not a fault"),
        ({"kind": "Delay", "operation": "ListClusters"}, "Delay: missing 1 required .*'seconds'"),
        ({"kind": "Throttle", "operation": "ListClusters", "time": 2}, "Throttle: .* 'time'"),
        ({"kind": "Throttle", "operation": "ListClusters", "times": 0}, "times is 0, it must be 1 or more"),
        ({"kind": "Throttle", "operation": "ListClusters", "times": True}, "times is True, it must be int"),
        ({"kind": "Throttle", "operation": None}, "operation is None, it must be str"),
        ({"kind": "StepKilled", "step": "pca", "tags": {"run_id": 1}}, "its values must be strings"),
        ({"kind": "ServerError", "operation": "ListClusters", "status": 418}, "must be 500 or 503"),
        ({"kind": "ClusterFailsToStart", "code": "BAD_LUCK"}, "it must be one of INTERNAL_ERROR, "),
    ],
)
def test_an_invalid_fault_has_a_clear_message(given: Any, message: str) -> None:
    with pytest.raises((ValueError, TypeError), match=message):
        from_json(given)


@pytest.mark.parametrize("seconds", [-1.0, float("inf"), float("nan")])
def test_seconds_must_be_finite_and_not_negative(seconds: float) -> None:
    with pytest.raises(ValueError, match="seconds"):
        Delay("ListClusters", seconds)


def test_a_cluster_is_matched_by_name_and_some_tags() -> None:
    tags = {"run_id": "r1", "project": "p"}
    assert Throttle("ListSteps").matches_cluster("any", {})
    assert Throttle("ListSteps", cluster="c", tags={"run_id": "r1"}).matches_cluster("c", tags)
    assert not Throttle("ListSteps", cluster="c").matches_cluster("cc", tags)
    assert not Throttle("ListSteps", tags={"run_id": "r2"}).matches_cluster("c", tags)
    assert not Throttle("ListSteps", tags={"dag_id": "d"}).matches_cluster("c", tags)


def test_a_query_failure_is_not_retryable_by_default() -> None:
    assert not QueryFails("select", "reason").retryable
