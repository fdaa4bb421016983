"""Random requests generated from the service models: no request is answered with status 500."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Iterator
from typing import Any
from urllib.error import HTTPError
from urllib.parse import quote, urlencode
from urllib.request import Request, urlopen

import botocore.session
import pytest
from botocore import xform_name
from botocore.model import OperationModel, ServiceModel, Shape

from localaws.athena.api.operations import AthenaApi
from localaws.emr.api import EmrApi
from localaws.emr_serverless.api import EmrServerlessApi
from localaws.testing import LocalAws

# Values for members: most have the right type, some have another type or are at the limits of the range.
TEXTS = [
    "",
    "\n",
    " ",
    "a",
    "x" * 300,
    "é",
    "\ud800",
    "\0",
    "2024-01-01",
    "-1",
    "'",
    "%s",
    "../..",
    "s3://b/",
    "?",
]
NUMBERS = [0, -1, 1, 2**31 - 1, 2**31, 2**63, 2**64, -(2**63) - 1, 10**400]
TIMES = [0, -1, 1.5e9, 1e18, 1e300, -1e300, "2024-01-01T00:00:00Z", "Infinity", "nan", ""]
ODD = [None, True, 1.5, "text", 7, [], {}, [{}], {"a": None}, [[[]]], float("inf"), float("nan")]
QUERIES = [
    "SELECT 1",
    "SELECT ?",
    "",
    "\n",
    "SELECT",
    "SHOW TABLES",
    "(" * 2000,
    "DROP TABLE x",
    "SELECT '\ud800'",
]
REQUESTS = 6  # per operation


@pytest.fixture(scope="module")
def fuzzed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalAws]:
    with LocalAws("--cluster-seconds", "0.1", state=tmp_path_factory.mktemp("fuzzed")) as aws:
        aws.client("s3").create_bucket(Bucket="results")
        yield aws


@pytest.fixture(scope="module")
def cluster(fuzzed: LocalAws) -> str:
    instances = {"KeepJobFlowAliveWhenNoSteps": True, "InstanceCount": 1, "MasterInstanceType": "m5.xlarge"}
    answer = fuzzed.client("emr").run_job_flow(
        Name="fuzzed", ReleaseLabel="emr-7.10.0", JobFlowRole="r", ServiceRole="s", Instances=instances
    )
    return str(answer["JobFlowId"])


def post(aws: LocalAws, target: str, body: bytes) -> int:
    headers = {"X-Amz-Target": target, "Content-Type": "application/x-amz-json-1.1"}
    return status_of(Request(f"{aws.endpoint_url}/", body, headers))


def status_of(request: Request) -> int:
    try:
        with urlopen(request, timeout=30) as answer:
            return int(answer.status)
    except HTTPError as error:
        return error.code


def rest_request(aws: LocalAws, operation: OperationModel, members: Any) -> Request:
    """Return the request with the members in the path, the query and the body."""
    given = members if isinstance(members, dict) else {}
    path, query, body = operation.http["requestUri"], {}, {}
    for name, value in given.items():
        shape = operation.input_shape.members.get(name)
        match shape and shape.serialization.get("location"):
            case "uri":
                path = path.replace(f"{{{name}}}", quote(as_text(value), safe="") or "-")
            case "querystring":
                query[name] = value
            case _:
                body[name] = value
    texts = {name: list(map(as_text, v)) if isinstance(v, list) else as_text(v) for name, v in query.items()}
    url = f"{aws.endpoint_url}{re.sub('[{][a-zA-Z]+[}]', '-', path)}?{urlencode(texts, doseq=True)}"
    credential = f"Credential=local/20260101/us-east-1/{operation.service_model.signing_name}/aws4_request"
    data = json.dumps(body if isinstance(members, dict) else members).encode()
    headers = {"Authorization": f"AWS4-HMAC-SHA256 {credential}", "Content-Type": "application/json"}
    return Request(url, data, headers, method=operation.http["method"])


def as_text(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value)
    return text.encode(errors="replace").decode()


class RequestGenerator:
    """Generates requests. ``known`` maps member names to existing names and ids."""

    def __init__(self, model: ServiceModel, known: dict[str, Any], seed: str) -> None:
        self._model, self._known, self._random = model, known, random.Random(seed)

    def request(self, operation: str) -> bytes:
        shape = self._model.operation_model(operation).input_shape
        return json.dumps(self._value(shape, "") if shape else {}).encode()

    def _value(self, shape: Shape, name: str, depth: int = 0) -> Any:
        if self._random.random() < 0.03:
            return self._random.choice(ODD)
        if name in self._known and self._random.random() < 0.8:
            return self._known[name]
        return self._typed(shape, depth)

    def _typed(self, shape: Shape, depth: int) -> Any:
        kind, chance = shape.type_name, 0.5 / (1 + depth / 2)
        if kind == "structure":
            return {
                name: self._value(member, name, depth + 1)
                for name, member in shape.members.items()
                if name in shape.required_members or self._random.random() < chance
            }
        if kind == "list":
            return [
                self._value(shape.member, "", depth + 1) for _ in range(self._random.choice([0, 1, 1, 3]))
            ]
        if kind == "map":
            keys = self._random.sample(TEXTS, self._random.choice([0, 1, 2]))
            return {key: self._value(shape.value, "", depth + 1) for key in keys}
        if kind == "boolean":
            return self._random.random() < 0.5
        choices = {"timestamp": TIMES, "string": getattr(shape, "enum", None) or TEXTS}.get(kind, NUMBERS)
        return self._random.choice(choices)


def operations(service: str, api: type) -> list[str]:
    model = botocore.session.get_session().get_service_model(service)
    return [name for name in model.operation_names if hasattr(api, xform_name(name))]


@pytest.mark.parametrize(("service", "api"), [("emr", EmrApi), ("athena", AthenaApi)])
def test_no_random_request_is_answered_with_500(
    fuzzed: LocalAws, cluster: str, service: str, api: type
) -> None:
    known: dict[str, Any] = {
        "WorkGroup": "primary", "CatalogName": "AwsDataCatalog", "DatabaseName": "default",
        "ResultConfiguration": {"OutputLocation": "s3://results/"},
    }  # fmt: skip
    if service == "athena":
        known["QueryExecutionId"] = fuzzed.client("athena").start_query_execution(
            QueryString="SELECT 1", ResultConfiguration=known["ResultConfiguration"]
        )["QueryExecutionId"]
    else:
        known.update(ClusterId=cluster, JobFlowId=cluster, ResourceId=cluster, JobFlowIds=[cluster])
    model = botocore.session.get_session().get_service_model(service)
    prefix, failures = model.metadata["targetPrefix"], []
    for operation in operations(service, api):
        for number in range(REQUESTS):
            chosen = dict(known)
            if operation == "StartQueryExecution":
                chosen["QueryString"] = QUERIES[number % len(QUERIES)]
            body = RequestGenerator(model, chosen, f"{operation} {number}").request(operation)
            if post(fuzzed, f"{prefix}.{operation}", body) == 500:
                failures.append((operation, body[:500]))
    assert failures == []
    assert "Traceback" not in fuzzed.log.read_text()


def test_no_random_request_of_the_rest_protocol_is_answered_with_500(fuzzed: LocalAws) -> None:
    role = "arn:aws:iam::123456789012:role/r"
    created = fuzzed.client("emr-serverless").create_application(releaseLabel="emr-7.13.0", type="SPARK")
    known: dict[str, Any] = {
        "applicationId": created["applicationId"], "executionRoleArn": role, "resourceArn": created["arn"],
        "releaseLabel": "emr-7.13.0", "type": "SPARK", "mode": "BATCH",
        "jobDriver": {"sparkSubmit": {"entryPoint": "s3://b/x.py"}},
    }  # fmt: skip
    model = botocore.session.get_session().get_service_model("emr-serverless")
    statuses, failures = set(), []
    for name in operations("emr-serverless", EmrServerlessApi):
        for number in range(REQUESTS):
            chosen = dict(known)
            if name not in {"CreateApplication", "StartJobRun"}:
                chosen["clientToken"] = f"{name}-{number}"
            members = json.loads(RequestGenerator(model, chosen, f"{name} {number}").request(name))
            request = rest_request(fuzzed, model.operation_model(name), members)
            statuses.add(status_of(request))
            if 500 in statuses:
                failures.append((name, request.full_url, request.data))
                statuses.remove(500)
    assert failures == []
    assert statuses >= {200, 400, 404}
    assert "Traceback" not in fuzzed.log.read_text()


@pytest.mark.parametrize(
    ("target", "body"),
    [
        ("ElasticMapReduce.ListClusters", '{"CreatedBefore": Infinity}'),
        ("ElasticMapReduce.ListClusters", '{"CreatedBefore": 1e300}'),
        ("ElasticMapReduce.ListClusters", '{"CreatedAfter": "2024-01-01"}'),
        ("ElasticMapReduce.ListClusters", '{"CreatedAfter": true}'),
        ("ElasticMapReduce.ListClusters", "[" * 100_000),
        ("ElasticMapReduce.ListClusters", '{"Marker": "\\ud800"}'),
        ("ElasticMapReduce.AddJobFlowSteps", '{"JobFlowId": "CLUSTER", "Steps": [{"Name": "a", "HadoopJarStep": '
         '{"Jar": "command-runner.jar", "Properties": [{}]}}]}'),
        ("AmazonAthena.ListWorkGroups", '{"MaxResults": 18446744073709551616}'),
        ("AmazonAthena.ListWorkGroups", '{"MaxResults": true}'),
        ("AmazonAthena.ListWorkGroups", '{"MaxResults": -1}'),
        ("AmazonAthena.ListWorkGroups", '{"NextToken": "²"}'),
        ("AmazonAthena.ListWorkGroups", '{"NextToken": "99999999999999999999999"}'),
        ("AmazonAthena.StartQueryExecution", '{"QueryString": "SELECT ?", "ExecutionParameters": ["\\n"], '
         '"ResultConfiguration": {"OutputLocation": "s3://results/"}}'),
    ],
)  # fmt: skip
def test_a_value_out_of_range_is_answered_with_400(
    fuzzed: LocalAws, cluster: str, target: str, body: str
) -> None:
    assert post(fuzzed, target, body.replace("CLUSTER", cluster).encode()) == 400
