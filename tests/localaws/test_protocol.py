"""The JSON protocol: requests and responses are validated against the service model."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from typing import Any

import botocore.session
import pytest

from localaws.protocol import AwsError, JsonService


class Api:
    """A few EMR operations that return, or raise, the given response."""

    def __init__(self, response: Any = None) -> None:
        self.response, self.requests = response, []  # type: ignore[var-annotated]

    def list_clusters(self, request: dict[str, Any]) -> Any:
        self.requests.append(request)
        if isinstance(self.response, Exception):
            raise self.response
        return self.response

    cancel_steps = add_tags = list_clusters


def call(api: Api, operation: str, request: Any) -> tuple[int, dict[str, Any]]:
    body = request if isinstance(request, bytes) else json.dumps(request).encode()
    return JsonService("emr", api).handle(f"ElasticMapReduce.{operation}", body)


def test_epoch_seconds_in_json_are_datetimes_in_the_service() -> None:
    moment = datetime(2025, 1, 2, 3, 4, 5, tzinfo=UTC)
    status = {"Timeline": {"CreationDateTime": moment, "EndDateTime": None}}
    api = Api({"Clusters": [{"Id": "j-1", "Status": status}]})
    code, response = call(api, "ListClusters", {"CreatedAfter": moment.timestamp(), "Marker": None})
    assert api.requests == [{"CreatedAfter": moment}]
    timeline = {"CreationDateTime": moment.timestamp()}
    assert (code, response) == (200, {"Clusters": [{"Id": "j-1", "Status": {"Timeline": timeline}}]})


@pytest.mark.parametrize(
    ("operation", "request_", "message"),
    [
        ("CancelSteps", {"StepIds": ["s-1"]}, "ClusterId"),
        ("ListClusters", {"ClusterStates": "RUNNING"}, "ClusterStates"),
        ("ListClusters", {"ClusterStates": ["SLEEPING"]}, "'SLEEPING', must be one of STARTING"),
        ("ListClusters", {"Colour": "red"}, 'Unknown parameter in input: "Colour"'),
        ("CancelSteps", {"ClusterId": "j" * 257, "StepIds": []}, "longer than 256"),
        ("ListClusters", [], "Invalid type"),
    ],
)
def test_an_invalid_request_does_not_reach_the_service(operation: str, request_: Any, message: str) -> None:
    api = Api()
    status, error = call(api, operation, request_)
    assert (status, error["__type"], api.requests) == (400, "ValidationException", [])
    assert message in error["Message"]


def test_a_null_is_a_missing_member_at_any_depth() -> None:
    api = Api()
    JsonService("emr", api).handle(
        "ElasticMapReduce.AddTags", b'{"ResourceId": "j", "Tags": [{"Value": null}]}'
    )
    assert api.requests == [{"ResourceId": "j", "Tags": [{}]}]


def test_a_body_that_is_not_json_is_a_serialization_error() -> None:
    assert call(Api(), "ListClusters", b"{")[1]["__type"] == "SerializationException"


@pytest.mark.parametrize(("operation", "status"), [("MakeCoffee", 400), ("ListStudios", 501)])
def test_an_unknown_operation_is_named_in_the_error(operation: str, status: int) -> None:
    code, error = call(Api(), operation, {})
    assert (code, error["__type"]) == (status, "UnknownOperationException")
    assert operation in error["Message"]


def test_an_error_has_its_members_except_empty_ones() -> None:
    error = AwsError("InvalidRequestException", "no", 400, ErrorCode="NoSuchCluster", Other=None)
    assert call(Api(error), "ListClusters", {}) == (
        400,
        {"__type": "InvalidRequestException", "message": "no", "Message": "no", "ErrorCode": "NoSuchCluster"},
    )


@pytest.mark.parametrize("response", [{"Clusters": [{"Colour": "red"}]}, KeyError("oops")])
def test_an_unexpected_exception_is_an_internal_error(response: Any) -> None:
    status, error = call(Api(response), "ListClusters", {})
    assert (status, error["__type"]) == (500, "InternalServerException")


@pytest.mark.parametrize("service", ["emr", "athena"])
def test_every_checked_pattern_is_valid_in_python(service: str) -> None:
    model = botocore.session.get_session().get_service_model(service)
    patterns = [model.shape_for(name).metadata.get("pattern") for name in model.shape_names]
    for pattern in filter(None, patterns):
        if "\\p{" not in pattern and "\\u" not in pattern:
            re.compile(pattern)
