"""Programs on this machine and allowed web pages may call the local AWS; other requests are rejected."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from copy import copy
from http.client import HTTPMessage

import pytest
from botocore.exceptions import ClientError

from localaws.allowlist import Allowlist
from localaws.faults import Faults
from localaws.faults.client import FaultRejected
from localaws.testing import LocalAws
from tests.conftest import send

ORIGIN = "http://localhost:3000"
LIST_CLUSTERS = {"X-Amz-Target": "ElasticMapReduce.ListClusters"}


@pytest.fixture(scope="module")
def allowing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalAws]:
    """A local AWS with two allowed hosts and one allowed origin."""
    names = ("--allow-host", "localaws", "--allow-host", "amazonaws.com")
    with LocalAws(*names, "--allow-origin", ORIGIN, state=tmp_path_factory.mktemp("allowing")) as aws:
        yield aws


@pytest.fixture
def at_unknown_host(local_aws: LocalAws, monkeypatch: pytest.MonkeyPatch) -> LocalAws:
    """The local AWS with a host name in its endpoint that resolves to loopback but is not allowed."""
    resolve = socket.getaddrinfo
    monkeypatch.setattr(
        socket,
        "getaddrinfo",
        lambda host, *others, **named: resolve("127.0.0.1" if host == "aws.test" else host, *others, **named),
    )
    unknown = copy(local_aws)
    unknown.endpoint_url = local_aws.endpoint_url.replace("127.0.0.1", "aws.test")
    return unknown


def signature_for(service: str) -> dict[str, str]:
    return {"Authorization": f"AWS4-HMAC-SHA256 Credential=a/20260101/us-east-1/{service}/aws4_request, x"}


def cors_headers_of(headers: HTTPMessage) -> list[str]:
    return [name for name in headers if name.lower().startswith("access-control-")]


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "127.0.0.1:4566",
        "127.8.9.10",
        "localhost",
        "LocalHost:80",
        "[::1]",
        "[::1]:4566",
        "bucket.localhost",
        "bucket.s3.localhost:4566",
        "my_bucket.localhost",
        "localaws:4566",
        "LOCALAWS",
        "bucket.localaws",
        "192.168.1.5:4566",
        "[fd00::5]",
        "elasticmapreduce.eu-central-1.amazonaws.com",
        "bucket.s3.eu-central-1.amazonaws.com:443",
    ],
)
def test_loopback_and_allowed_hosts_are_accepted(host: str) -> None:
    allowlist = Allowlist(["localaws", "192.168.1.5", "[fd00:0::5]", "amazonaws.com"])
    assert allowlist.rejection({"HTTP_HOST": host}) == ""


@pytest.mark.parametrize(
    "host",
    [
        "",
        "attacker.example",
        "attacker.example:4566",
        "localhost.attacker.example",
        "127.0.0.1.attacker.example",
        "localhost.",
        "notlocalhost",
        ".localhost",
        "a..localhost",
        "localawsome",
        "localaws.example",
        "myamazonaws.com",
        "0.0.0.0",
        "192.168.1.5",
        "[fd00::6]",
        "[::ffff:10.0.0.1]",
        "::1",
        "127.1",
        "2130706433",
        "user@localhost",
        "attacker.example@localhost",
        "localhost:port",
        "localhost,attacker.example",
        "localhost attacker.example",
        "localhost/attacker.example",
        "localhost\n",
        "lοcalhost",  # a Greek letter
    ],
)
def test_other_hosts_are_rejected_with_a_hint(host: str) -> None:
    reason = Allowlist(["localaws", "amazonaws.com"]).rejection({"HTTP_HOST": host})
    assert reason.startswith(f"the host {host!r} is not allowed: ")
    assert "--allow-host" in reason


def test_a_request_without_a_host_is_rejected() -> None:
    assert "--allow-host" in Allowlist().rejection({})


@pytest.mark.parametrize(
    "headers",
    [
        {"HTTP_ORIGIN": "https://attacker.example"},
        {"HTTP_ORIGIN": "null"},
        {"HTTP_ORIGIN": ""},
        {"HTTP_ORIGIN": "http://localhost"},
        {"HTTP_ORIGIN": "http://localhost:4566"},  # a page of the local AWS itself
        {"HTTP_ORIGIN": "https://localhost:3000"},
        {"HTTP_ORIGIN": "http://localhost:30000"},
        {"HTTP_ORIGIN": f"{ORIGIN},{ORIGIN}"},
        {"HTTP_ORIGIN": "http://localhost:4566", "HTTP_SEC_FETCH_SITE": "same-origin"},
        {"HTTP_SEC_FETCH_SITE": "cross-site"},
        {"HTTP_SEC_FETCH_SITE": "same-site"},
        {"HTTP_SEC_FETCH_SITE": "unheard-of"},
        {"HTTP_SEC_FETCH_SITE": "none,cross-site"},
        {"HTTP_SEC_FETCH_SITE": "cross-site", "HTTP_REFERER": f"{ORIGIN}/page"},
    ],
)
def test_web_pages_are_rejected_with_a_hint(headers: dict[str, str]) -> None:
    reason = Allowlist(origins=[ORIGIN]).rejection({"HTTP_HOST": "localhost:4566", **headers})
    assert reason.startswith("requests from web pages are not allowed")
    assert "--allow-origin" in reason or "enter the address in the browser" in reason


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"HTTP_ORIGIN": ORIGIN},
        {"HTTP_ORIGIN": ORIGIN, "HTTP_SEC_FETCH_SITE": "same-site"},
        {"HTTP_ORIGIN": "https://app.example"},
        {"HTTP_SEC_FETCH_SITE": "none"},  # entered in the address bar
        {"HTTP_SEC_FETCH_SITE": "same-origin"},
        {"HTTP_REFERER": "https://attacker.example/"},
        {"HTTP_SEC_FETCH_MODE": "cors"},  # fetch in Node.js sends only this header
    ],
)
def test_programs_entered_addresses_and_allowed_origins_are_accepted(headers: dict[str, str]) -> None:
    allowlist = Allowlist(origins=["HTTP://LocalHost:3000/", "https://app.example:443"])
    assert allowlist.rejection({"HTTP_HOST": "localhost:4566", **headers}) == ""


@pytest.mark.parametrize("host", ["", "*", "localaws:4566", "http://localaws", "a b", "localaws."])
def test_an_invalid_host_cannot_be_allowed(host: str) -> None:
    with pytest.raises(ValueError, match="is not a host name: give one without a port"):
        Allowlist([host])


@pytest.mark.parametrize("origin", ["", "*", "null", "localhost:3000", "http://*.example", "http://a/page"])
def test_an_invalid_origin_cannot_be_allowed(origin: str) -> None:
    with pytest.raises(ValueError, match="is not an origin: give scheme, host and port"):
        Allowlist(origins=[origin])


PAGE = {"Origin": "https://attacker.example", "Sec-Fetch-Site": "cross-site"}
REBOUND = {"Host": "attacker.example"}
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


@pytest.mark.parametrize("sender", [PAGE, REBOUND, {"Origin": "null"}, {"Sec-Fetch-Site": "cross-site"}])
@pytest.mark.parametrize(
    ("method", "path", "headers"),
    [
        ("POST", "/", {"Content-Type": "text/plain", **LIST_CLUSTERS}),
        ("POST", "/", {"X-Amz-Target": "AmazonAthena.ListWorkGroups"}),
        ("POST", "/", {"X-Amz-Target": "AWSGlue.GetDatabases"}),
        ("POST", "/", FORM),
        ("GET", "/", {}),
        ("GET", "/bucket/key", {}),
        ("GET", "/moto-api/data.json", {}),
        ("POST", "/moto-api/reset", {}),
        ("GET", "/_localaws/health", {}),
        ("POST", "/_localaws/faults", {"Content-Type": "text/plain"}),
        ("DELETE", "/_localaws/faults", {}),
        ("OPTIONS", "/", {"Access-Control-Request-Method": "POST"}),
        ("OPTIONS", "/moto-api/reset", {"Access-Control-Request-Private-Network": "true"}),
    ],
)
def test_every_path_of_the_server_is_closed_to_web_pages(
    local_aws: LocalAws, sender: dict[str, str], method: str, path: str, headers: dict[str, str]
) -> None:
    status, response_headers, text = send(local_aws, method, path, headers | sender)
    assert status == 403
    assert "not allowed" in text
    assert not cors_headers_of(response_headers)


def test_the_moto_api_is_closed_to_programs_too(local_aws: LocalAws) -> None:
    """Its reset would delete all S3 objects."""
    s3 = local_aws.client("s3")
    s3.create_bucket(Bucket="not-to-be-reset")
    assert send(local_aws, "POST", "/moto-api/reset", {})[0] == 405
    assert "not-to-be-reset" in {bucket["Name"] for bucket in s3.list_buckets()["Buckets"]}


@pytest.mark.parametrize(
    ("service", "operation", "code"),
    [
        ("emr", "list_clusters", "AccessDeniedException"),
        ("athena", "list_work_groups", "AccessDeniedException"),
        ("glue", "get_databases", "AccessDeniedException"),
        ("s3", "list_buckets", "AccessDenied"),
        ("iam", "list_roles", "AccessDenied"),
        ("sts", "get_caller_identity", "AccessDenied"),
        ("sns", "list_topics", "AccessDenied"),
        ("lambda", "list_functions", "AccessDeniedException"),
    ],
)
def test_a_client_with_an_unknown_host_gets_the_hint_as_an_aws_error(
    at_unknown_host: LocalAws, service: str, operation: str, code: str
) -> None:
    with pytest.raises(ClientError) as refused:
        getattr(at_unknown_host.client(service), operation)()
    error = refused.value.response["Error"]
    assert error["Code"] == code
    assert error["Message"].startswith("the host 'aws.test:")


def test_the_faults_client_gets_the_hint_too(at_unknown_host: LocalAws) -> None:
    with pytest.raises(FaultRejected, match=r"the host 'aws\.test:"):
        Faults(at_unknown_host.endpoint_url).planned()


def test_allowed_hosts_and_origins_get_no_cors_headers(allowing: LocalAws) -> None:
    for sender in (
        {"Host": "localaws:4566"},
        {"Host": "elasticmapreduce.eu-central-1.amazonaws.com"},
        {"Origin": ORIGIN, "Sec-Fetch-Site": "cross-site"},
    ):
        status, headers, text = send(allowing, "POST", "/", {**LIST_CLUSTERS, **sender}, "{}")
        assert (status, json.loads(text)) == (200, {"Clusters": []})
        assert not cors_headers_of(headers)


@pytest.mark.parametrize(
    ("service", "headers", "body"),
    [
        ("s3", {}, None),
        ("glue", {"X-Amz-Target": "AWSGlue.GetDatabases"}, "{}"),
        ("sts", FORM, "Action=GetCallerIdentity&Version=2011-06-15"),
    ],
)
def test_moto_adds_no_cors_headers(
    allowing: LocalAws, service: str, headers: dict[str, str], body: str | None
) -> None:
    sender = signature_for(service) | {"Origin": ORIGIN}
    status, response_headers, _ = send(allowing, "POST" if body else "GET", "/", sender | headers, body)
    assert status == 200
    assert not cors_headers_of(response_headers)


def test_virtual_hosted_style_requests_to_s3_are_accepted(local_aws: LocalAws) -> None:
    local_aws.client("s3").create_bucket(Bucket="virtual")
    local_aws.client("s3").put_object(Bucket="virtual", Key="a/b", Body=b"content")
    port = local_aws.endpoint_url.rpartition(":")[2]
    for host in (f"virtual.localhost:{port}", "virtual.s3.localhost"):
        assert send(local_aws, "GET", "/a/b", signature_for("s3") | {"Host": host})[::2] == (200, "content")
