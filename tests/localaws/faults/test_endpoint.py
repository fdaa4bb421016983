"""The endpoint and its client, against a running server."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest

from localaws.faults import Fault, FaultRejected, Faults, Planned, StepFails, Throttle
from localaws.testing import LocalAws


@pytest.fixture
def faults(local_aws: LocalAws) -> Iterator[Faults]:
    faults = Faults(local_aws.endpoint_url)
    yield faults
    faults.clear()


def send(aws: LocalAws, method: str, body: bytes | None = None, path: str = "") -> tuple[int, Any]:
    request = Request(f"{aws.endpoint_url}/_localaws/faults{path}", data=body, method=method)
    try:
        with urlopen(request) as response:
            return response.status, json.load(response)
    except HTTPError as error:
        return error.code, json.load(error)


def test_what_is_planned_is_listed_with_its_strikes(faults: Faults, local_aws: LocalAws) -> None:
    throttle, fails = Throttle("ListClusters", times=2), StepFails("pca", tags={"run_id": "r"})
    first, second = faults.plan(throttle, fails)
    with pytest.raises(Exception, match="Rate exceeded"):
        local_aws.client("emr").list_clusters()
    assert faults.planned() == [Planned(first, throttle, 1), Planned(second, fails, 0)]
    assert (faults.triggered(first), faults.triggered(second)) == (1, 0)


def test_one_fault_or_all_can_be_forgotten(faults: Faults) -> None:
    first, second, third = faults.plan(StepFails("a"), StepFails("b"), StepFails("c"))
    faults.clear(second)
    assert [planned.id for planned in faults.planned()] == [first, third]
    with pytest.raises(FaultRejected, match=f"{second} is not planned"):
        faults.clear(second)
    faults.clear()
    assert faults.planned() == []


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        (Throttle("DescribStep"), "'DescribStep' is no operation of elasticmapreduce, athena, glue or s3"),
        (Throttle("emr:DescribeStep"), "'emr:DescribeStep' is no operation"),
        (Throttle("GetDatabase"), "may be athena:GetDatabase or glue:GetDatabase"),
        (Throttle("ListClusters", cluster="c"), "elasticmapreduce:ListClusters names no cluster"),
        (
            Throttle("StartQueryExecution", tags={"run_id": "r"}),
            "athena:StartQueryExecution names no cluster",
        ),
    ],
)
def test_a_fault_that_could_never_strike_is_refused_with_all_beside_it(
    faults: Faults, fault: Fault, words: str
) -> None:
    with pytest.raises(FaultRejected, match=words):
        faults.plan(StepFails("pca"), fault)
    assert faults.planned() == []


def test_a_request_that_is_not_understood_is_refused(local_aws: LocalAws) -> None:
    assert send(local_aws, "POST", b"strike!")[0] == 400
    assert send(local_aws, "POST", b'{"kind": "Explode"}')[0] == 400
    assert send(local_aws, "POST", b"\xff")[0] == 400
    assert send(local_aws, "PUT", b"{}")[0] == 405
    assert send(local_aws, "DELETE", path="/fault-0") == (404, {"error": "fault-0 is not planned"})


def test_without_the_client_one_object_is_enough(faults: Faults, local_aws: LocalAws) -> None:
    status, answer = send(local_aws, "POST", b'{"kind": "Throttle", "operation": "ListClusters"}')
    assert (status, len(answer["ids"])) == (200, 1)
    assert [planned.fault for planned in faults.planned()] == [Throttle("ListClusters")]
