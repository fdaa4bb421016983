"""The CORS rules of a bucket. What S3 answers is in its user guide, "Using cross-origin resource sharing"."""

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


def request(method: str = "GET", origin: str | None = APP, wants: str = "", names: str = "") -> Request:
    headers = {
        "Origin": origin or "",
        "Access-Control-Request-Method": wants,
        "Access-Control-Request-Headers": names,
    }
    given = {name: value for name, value in headers.items() if value}
    return Request(EnvironBuilder(method=method, path="/bucket/key", headers=given).get_environ())


@pytest.mark.parametrize(
    ("pattern", "origin", "fits"),
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
def test_an_origin_fits_as_a_whole(pattern: str, origin: str, fits: bool) -> None:
    assert bool(cors_headers(request(origin=origin), [Rule(allowed_origins=(pattern,))])) is fits


@pytest.mark.parametrize(
    ("allowed", "names", "fits"),
    [
        (None, "", True),
        (None, "content-type", False),
        (("Content-Type",), "content-type", True),
        (("x-amz-*",), "x-amz-date, X-AMZ-Security-Token", True),
        (("x-amz-*",), "x-amz-date,content-type", False),
        (("*",), "anything", True),
    ],
)
def test_each_header_that_is_asked_for_must_be_allowed(
    allowed: tuple[str, ...] | None, names: str, fits: bool
) -> None:
    asked = request("OPTIONS", wants="GET", names=names)
    assert bool(cors_headers(asked, [Rule(allowed_headers=allowed)])) is fits


def test_the_first_rule_that_fits_gives_the_headers() -> None:
    rules = [
        Rule(allowed_methods=("PUT",)),
        Rule(allowed_methods=("GET", "HEAD"), allowed_headers=("*",), exposed_headers=("ETag", "x-amz-id"),
             max_age_seconds="60"),
        Rule(allowed_origins=("*",)),
    ]  # fmt: skip
    assert cors_headers(request("OPTIONS", wants="GET", names="X-Amz-Date, range"), rules) == {
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


def test_no_origin_or_no_rule_adds_nothing() -> None:
    assert cors_headers(request(origin=None), [Rule(allowed_origins=("*",))]) == {}
    assert cors_headers(request("DELETE"), [Rule()]) == {}
    assert cors_headers(request(), []) == {}


@pytest.mark.parametrize(
    ("asked", "rules", "status", "words"),
    [
        (request("OPTIONS", wants="GET"), [Rule()], 200, ""),
        (request("OPTIONS", wants="PUT"), [Rule()], 403, "This CORS request is not allowed"),
        (request("OPTIONS", wants="GET"), [], 403, "CORS is not enabled for this bucket"),
        (request("OPTIONS", wants="GET"), None, 403, "Bucket not found"),
        (request("OPTIONS", origin=None), [Rule()], 400, "Origin request header needed"),
        (request("OPTIONS"), [Rule()], 400, "Invalid Access-Control-Request-Method: null"),
    ],
)
def test_a_preflight_is_answered_as_s3_does(
    asked: Request, rules: list[Rule] | None, status: int, words: str
) -> None:
    answer = preflight_response(asked, rules)
    assert answer.status_code == status
    assert words in answer.get_data(as_text=True)
    assert ("Access-Control-Allow-Origin" in answer.headers) is (status == 200)


@pytest.fixture(scope="module")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalAws]:
    options = ("--allow-origin", APP, "--allow-origin", "https://other.example")
    with LocalAws(*options, state=tmp_path_factory.mktemp("cors")) as aws:
        yield aws


@pytest.fixture
def bucket(aws: LocalAws) -> str:
    """A bucket with an object ``a`` and rules for APP."""
    s3 = aws.client("s3")
    name = f"cors-{uuid.uuid4().hex[:12]}"
    s3.create_bucket(Bucket=name)
    s3.put_object(Bucket=name, Key="a", Body=b"content")
    rule = {"AllowedOrigins": [APP], "AllowedMethods": ["GET", "PUT"], "AllowedHeaders": ["*"]}
    s3.put_bucket_cors(Bucket=name, CORSConfiguration={"CORSRules": [rule]})
    return name


def call(aws: LocalAws, method: str, path: str, origin: str, **headers: str) -> tuple[int, HTTPMessage]:
    """Return the status and the headers of the answer."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    signature = {"Authorization": "AWS4-HMAC-SHA256 Credential=a/20260101/us-east-1/s3/aws4_request, x"}
    return send(aws, method, path, {"Origin": origin, **signature, **named})[:2]


@pytest.mark.parametrize(
    ("method", "key", "status"), [("GET", "a", 200), ("GET", "none", 404), ("PUT", "b", 200)]
)
def test_answers_and_errors_of_the_bucket_have_the_headers_of_its_rule(
    aws: LocalAws, bucket: str, method: str, key: str, status: int
) -> None:
    answered, headers = call(aws, method, f"/{bucket}/{key}", APP)
    assert answered == status
    assert headers.get_all("Access-Control-Allow-Origin") == [APP]
    assert headers.get_all("Access-Control-Allow-Methods") == ["GET, PUT"]


def test_other_origins_methods_and_buckets_get_none(aws: LocalAws, bucket: str) -> None:
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


def test_a_preflight_goes_by_the_rules_of_the_bucket(aws: LocalAws, bucket: str) -> None:
    wants = {"Access_Control_Request_Method": "PUT", "Access_Control_Request_Headers": "x-amz-date"}
    status, headers = call(aws, "OPTIONS", f"/{bucket}/a", APP, **wants)
    assert (status, headers["Access-Control-Allow-Headers"]) == (200, "x-amz-date")
    assert call(aws, "OPTIONS", f"/{bucket}/a", "https://other.example", **wants)[0] == 403
    aws.client("s3").delete_bucket_cors(Bucket=bucket)
    assert call(aws, "OPTIONS", f"/{bucket}/a", APP, **wants)[0] == 403
    assert call(aws, "OPTIONS", "/", APP, Access_Control_Request_Headers="x-amz-target")[0] == 403


def test_the_rules_of_a_bucket_let_no_origin_in_that_the_server_was_not_told_of(
    aws: LocalAws, bucket: str
) -> None:
    rule = {"AllowedOrigins": ["*"], "AllowedMethods": ["GET"]}
    aws.client("s3").put_bucket_cors(Bucket=bucket, CORSConfiguration={"CORSRules": [rule]})
    status, headers = call(aws, "GET", f"/{bucket}/a", "https://attacker.example")
    assert status == 403
    assert "Access-Control-Allow-Origin" not in headers
