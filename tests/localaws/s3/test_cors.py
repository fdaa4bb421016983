"""CORS rules of a bucket. Source: Amazon S3 User Guide, "Using cross-origin resource sharing"."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from http.client import HTTPMessage

import pytest
from werkzeug.test import EnvironBuilder
from werkzeug.wrappers import Request

from localaws.s3.cors import cors_headers, preflight_response
from localaws.testing import LocalAws
from tests.conftest import send

APP = "https://app.example"


@dataclass(frozen=True)
class Rule:
    allowed_methods: tuple[str, ...] = ("GET",)
    allowed_origins: tuple[str, ...] = (APP,)
    allowed_headers: tuple[str, ...] | None = None
    exposed_headers: tuple[str, ...] | None = None
    max_age_seconds: str | None = None


def request(
    method: str = "GET", origin: str | None = APP, requested_method: str = "", names: str = ""
) -> Request:
    headers = {
        "Origin": origin or "",
        "Access-Control-Request-Method": requested_method,
        "Access-Control-Request-Headers": names,
    }
    given = {name: value for name, value in headers.items() if value}
    return Request(EnvironBuilder(method=method, path="/bucket/key", headers=given).get_environ())


@pytest.mark.parametrize(
    ("pattern", "origin", "matches"),
    [
        ("https://app.example", "https://app.example", True),
        ("https://app.example", "http://app.example", False),
        ("https://app.example", "https://appzexample", False),
        ("https://app.example", "https://app.example.org", False),
        ("https://app.example", "https://APP.example", False),
        ("https://*.example", "https://a.b.example", True),
        ("https://*.example", "https://.example.org", False),
        ("*", "https://anything", True),
    ],
)
def test_a_pattern_must_match_the_whole_origin(pattern: str, origin: str, matches: bool) -> None:
    assert bool(cors_headers(request(origin=origin), [Rule(allowed_origins=(pattern,))])) is matches


@pytest.mark.parametrize(
    ("allowed", "names", "matches"),
    [
        (None, "", True),
        (None, "content-type", False),
        (("Content-Type",), "content-type", True),
        (("x-amz-*",), "x-amz-date, X-AMZ-Security-Token", True),
        (("x-amz-*",), "x-amz-date,content-type", False),
        (("*",), "anything", True),
    ],
)
def test_each_requested_header_must_be_allowed(
    allowed: tuple[str, ...] | None, names: str, matches: bool
) -> None:
    request_ = request("OPTIONS", requested_method="GET", names=names)
    assert bool(cors_headers(request_, [Rule(allowed_headers=allowed)])) is matches


def test_the_first_matching_rule_determines_the_headers() -> None:
    rules = [
        Rule(allowed_methods=("PUT",)),
        Rule(allowed_methods=("GET", "HEAD"), allowed_headers=("*",), exposed_headers=("ETag", "x-amz-id"),
             max_age_seconds="60"),
        Rule(allowed_origins=("*",)),
    ]  # fmt: skip
    assert cors_headers(request("OPTIONS", requested_method="GET", names="X-Amz-Date, range"), rules) == {
        "Access-Control-Allow-Origin": APP,
        "Access-Control-Allow-Credentials": "true",
        "Access-Control-Allow-Methods": "GET, HEAD",
        "Access-Control-Allow-Headers": "x-amz-date, range",
        "Access-Control-Expose-Headers": "ETag, x-amz-id",
        "Access-Control-Max-Age": "60",
        "Vary": "Origin, Access-Control-Request-Headers, Access-Control-Request-Method",
    }
    assert cors_headers(request(origin="https://other.example"), rules) == {
        "Access-Control-Allow-Origin": "*",
        "Access-Control-Allow-Methods": "GET",
        "Vary": "Origin, Access-Control-Request-Headers, Access-Control-Request-Method",
    }


def test_without_origin_or_matching_rule_there_are_no_headers() -> None:
    assert cors_headers(request(origin=None), [Rule(allowed_origins=("*",))]) == {}
    assert cors_headers(request("DELETE"), [Rule()]) == {}
    assert cors_headers(request(), []) == {}


@pytest.mark.parametrize(
    ("request_", "rules", "status", "message"),
    [
        (request("OPTIONS", requested_method="GET"), [Rule()], 200, ""),
        (request("OPTIONS", requested_method="PUT"), [Rule()], 403, "This CORS request is not allowed"),
        (request("OPTIONS", requested_method="GET"), [], 403, "CORS is not enabled for this bucket"),
        (request("OPTIONS", requested_method="GET"), None, 403, "Bucket not found"),
        (request("OPTIONS", origin=None), [Rule()], 400, "Origin request header needed"),
        (request("OPTIONS"), [Rule()], 400, "Invalid Access-Control-Request-Method: null"),
    ],
)
def test_preflight_responses_are_those_of_s3(
    request_: Request, rules: list[Rule] | None, status: int, message: str
) -> None:
    response = preflight_response(request_, rules)
    assert response.status_code == status
    assert message in response.get_data(as_text=True)
    assert ("Access-Control-Allow-Origin" in response.headers) is (status == 200)


@pytest.fixture(scope="module")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalAws]:
    options = ("--allow-origin", APP, "--allow-origin", "https://other.example")
    with LocalAws(*options, state=tmp_path_factory.mktemp("cors")) as aws:
        yield aws


@pytest.fixture
def bucket(aws: LocalAws) -> str:
    """A bucket with an object ``a`` and a CORS rule for APP."""
    s3 = aws.client("s3")
    name = f"cors-{uuid.uuid4().hex[:12]}"
    s3.create_bucket(Bucket=name)
    s3.put_object(Bucket=name, Key="a", Body=b"content")
    rule = {"AllowedOrigins": [APP], "AllowedMethods": ["GET", "PUT"], "AllowedHeaders": ["*"]}
    s3.put_bucket_cors(Bucket=name, CORSConfiguration={"CORSRules": [rule]})
    return name


def call(aws: LocalAws, method: str, path: str, origin: str, **headers: str) -> tuple[int, HTTPMessage]:
    """Return the status and the headers of the response."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    signature = {"Authorization": "AWS4-HMAC-SHA256 Credential=a/20260101/us-east-1/s3/aws4_request, x"}
    return send(aws, method, path, {"Origin": origin, **signature, **named})[:2]


@pytest.mark.parametrize(
    ("method", "key", "status"), [("GET", "a", 200), ("GET", "none", 404), ("PUT", "b", 200)]
)
def test_responses_and_errors_have_the_headers_of_the_rule(
    aws: LocalAws, bucket: str, method: str, key: str, status: int
) -> None:
    response_status, headers = call(aws, method, f"/{bucket}/{key}", APP)
    assert response_status == status
    assert headers.get_all("Access-Control-Allow-Origin") == [APP]
    assert headers.get_all("Access-Control-Allow-Methods") == ["GET, PUT"]


def test_other_origins_methods_and_buckets_get_no_headers(aws: LocalAws, bucket: str) -> None:
    aws.client("s3").create_bucket(Bucket=f"{bucket}-2")
    for method, path, origin in (
        ("GET", f"/{bucket}/a", "https://other.example"),
        ("DELETE", f"/{bucket}/none", APP),
        ("GET", f"/{bucket}-2", APP),
        ("GET", "/", APP),
    ):
        status, headers = call(aws, method, path, origin)
        assert status in {200, 204}
        assert not [name for name in headers if name.lower().startswith("access-control-")]


def test_a_preflight_follows_the_rules_of_the_bucket(aws: LocalAws, bucket: str) -> None:
    wants = {"Access_Control_Request_Method": "PUT", "Access_Control_Request_Headers": "x-amz-date"}
    status, headers = call(aws, "OPTIONS", f"/{bucket}/a", APP, **wants)
    assert (status, headers["Access-Control-Allow-Headers"]) == (200, "x-amz-date")
    assert call(aws, "OPTIONS", f"/{bucket}/a", "https://other.example", **wants)[0] == 403
    aws.client("s3").delete_bucket_cors(Bucket=bucket)
    assert call(aws, "OPTIONS", f"/{bucket}/a", APP, **wants)[0] == 403
    assert call(aws, "OPTIONS", "/", APP, Access_Control_Request_Headers="x-amz-target")[0] == 403


def test_cors_rules_do_not_allow_origins_that_the_server_rejects(aws: LocalAws, bucket: str) -> None:
    rule = {"AllowedOrigins": ["*"], "AllowedMethods": ["GET"]}
    aws.client("s3").put_bucket_cors(Bucket=bucket, CORSConfiguration={"CORSRules": [rule]})
    status, headers = call(aws, "GET", f"/{bucket}/a", "https://attacker.example")
    assert status == 403
    assert "Access-Control-Allow-Origin" not in headers
