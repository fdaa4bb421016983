"""The fault endpoint and its client against a running server."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest

from localaws.faults import Fault, FaultRejected, Faults, Planned, QuotaExceeded, StepFails, Throttle
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


def test_planned_faults_are_listed_with_their_trigger_counts(faults: Faults, local_aws: LocalAws) -> None:
    throttle, fails = Throttle("ListClusters", times=2), StepFails("pca", tags={"run_id": "r"})
    first, second = faults.plan(throttle, fails)
    with pytest.raises(Exception, match="Rate exceeded"):
        local_aws.client("emr").list_clusters()
    assert faults.planned() == [Planned(first, throttle, 1), Planned(second, fails, 0)]
    assert (faults.triggered(first), faults.triggered(second)) == (1, 0)


def test_one_fault_or_all_can_be_removed(faults: Faults) -> None:
    first, second, third = faults.plan(StepFails("a"), StepFails("b"), StepFails("c"))
    faults.clear(second)
    assert [planned.id for planned in faults.planned()] == [first, third]
    with pytest.raises(FaultRejected, match=f"{second} is not planned"):
        faults.clear(second)
    faults.clear()
    assert faults.planned() == []


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        (
            Throttle("DescribStep"),
            "'DescribStep' is not an operation of elasticmapreduce, emr-serverless, athena, glue, logs, s3",
        ),
        (Throttle("emr:DescribeStep"), "'emr:DescribeStep' is not an operation"),
        (Throttle("GetDatabase"), "is ambiguous: use athena:GetDatabase or glue:GetDatabase"),
        (QuotaExceeded("DescribeStep"), "elasticmapreduce:DescribeStep has no ServiceQuotaExceededException"),
        (Throttle("ListClusters", cluster="c"), "elasticmapreduce:ListClusters does not name a cluster"),
        (
            Throttle("StartQueryExecution", tags={"run_id": "r"}),
            "athena:StartQueryExecution does not name a cluster",
        ),
    ],
)
def test_a_fault_that_cannot_trigger_is_rejected_with_all_others_of_the_request(
    faults: Faults, fault: Fault, message: str
) -> None:
    with pytest.raises(FaultRejected, match=message):
        faults.plan(StepFails("pca"), fault)
    assert faults.planned() == []


def test_an_invalid_request_is_rejected(local_aws: LocalAws) -> None:
    assert send(local_aws, "POST", b"not json")[0] == 400
    assert send(local_aws, "POST", b'{"kind": "Explode"}')[0] == 400
    assert send(local_aws, "POST", b"\xff")[0] == 400
    assert send(local_aws, "PUT", b"{}")[0] == 405
    assert send(local_aws, "DELETE", path="/fault-0") == (404, {"error": "fault-0 is not planned"})


def test_a_single_object_can_be_posted(faults: Faults, local_aws: LocalAws) -> None:
    status, response = send(local_aws, "POST", b'{"kind": "Throttle", "operation": "ListClusters"}')
    assert (status, len(response["ids"])) == (200, 1)
    assert [planned.fault for planned in faults.planned()] == [Throttle("ListClusters")]
