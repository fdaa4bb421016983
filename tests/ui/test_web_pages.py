"""In a real browser, a web page of another origin cannot read or change anything in the local AWS.

Run by ``make test-ui``. The pages have another port, another host name, or a name that resolves to 127.0.0.1.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from localaws.faults import Faults
from localaws.testing import LocalAws
from tests.ui.conftest import OPTIONS

pytestmark = pytest.mark.ui

REBOUND = "attacker.test"
"""A name that the browser resolves to 127.0.0.1."""

NO_LOCAL_NETWORK_CHECKS = "--disable-features=LocalNetworkAccessChecks"
"""New versions of Chromium ask the user before a web page may reach loopback; other browsers do not."""

SVG = '<svg xmlns="http://www.w3.org/2000/svg" width="7" height="7"/>'
PATIENCE_MS = 20_000

READ = """
async (aws) => {
    const read = async (url, init) => {
        try {
            const answer = await fetch(url, init);
            return answer.type === "opaque" || !answer.ok ? null : await answer.text();
        } catch (error) {
            return null;
        }
    };
    const load = (tag, url) => new Promise((done) => {
        const element = document.createElement(tag);
        element.onload = () => done(tag);
        element.onerror = () => done(null);
        element.src = url;
        document.body.append(element);
    });
    const target = {"X-Amz-Target": "ElasticMapReduce.RunJobFlow", "Content-Type": "application/x-amz-json-1.1"};
    return {
        health: await read(aws.url + "/_localaws/health"),
        buckets: await read(aws.url + "/", {headers: {Authorization: aws.signature}}),
        object: await read(aws.image),
        image: await load("img", aws.image),
        script: await load("script", aws.script),
        ran: window.leaked ?? null,
        cluster: await read(aws.url + "/", {method: "POST", headers: target, body: aws.cluster}),
        put: await read(aws.put, {method: "PUT", body: "put"}),
        planned: await read(aws.url + "/_localaws/faults", {method: "POST", body: aws.fault}),
    };
}
"""
"""Tries to read responses; returns those that it could read, and null for the others."""

SEND = """
async (aws) => {
    const blind = {mode: "no-cors", method: "POST"};
    await fetch(aws.url + "/_localaws/faults", {...blind, body: aws.fault}).catch(() => null);
    await fetch(aws.url + "/", {...blind, body: aws.cluster}).catch(() => null);
    const submit = (sandbox, path, name, value) => {
        const frame = document.createElement("iframe");
        if (sandbox) frame.sandbox = "allow-forms allow-scripts";
        const field = `<input name='${name}' value='${value}'>`;
        const form = `<form method="post" enctype="text/plain" action="${aws.url}${path}">${field}</form>`;
        frame.srcdoc = form + "<script>document.forms[0].submit()</scr" + "ipt>";
        document.body.append(frame);
    };
    for (const sandbox of [false, true]) {
        // As text/plain the form sends name=value: valid JSON, with the = inside a string.
        submit(sandbox, "/_localaws/faults", aws.fault.slice(0, -1) + ', "containing": "', '"}');
    }
}
"""
"""Sends requests that need no preflight, without reading the responses."""
FRAMES = 2


class _Blank(BaseHTTPRequestHandler):
    """Serves an empty page at every path."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(b"<!doctype html><title>page</title><body>")

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name is the base class's
        """Log nothing."""


@pytest.fixture(scope="module")
def pages() -> Iterator[int]:
    """Return the port of a server of web pages."""
    with ThreadingHTTPServer(("127.0.0.1", 0), _Blank) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_port
        server.shutdown()


@pytest.fixture(scope="module")
def browser(chromium: str) -> Iterator[Browser]:
    with sync_playwright() as playwright:
        names = f"--host-resolver-rules=MAP {REBOUND} 127.0.0.1"
        browser = playwright.chromium.launch(
            executable_path=chromium, args=[*OPTIONS, names, NO_LOCAL_NETWORK_CHECKS]
        )
        yield browser
        browser.close()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A page of a new profile."""
    with browser.new_context() as context:
        page = context.new_page()
        page.set_default_timeout(PATIENCE_MS)
        yield page


@dataclass(frozen=True)
class Target:
    """A local AWS with a bucket, and the addresses and bodies of the requests that the pages try."""

    aws: LocalAws
    bucket: str

    def addresses(self, url: str) -> dict[str, str]:
        """Return the argument of READ and SEND, for the local AWS at this address."""
        return {
            "url": url,
            "signature": "AWS4-HMAC-SHA256 Credential=a/20260101/us-east-1/s3/aws4_request, x",
            "image": self.presigned("get_object", "image.svg").replace(self.aws.endpoint_url, url),
            "script": self.presigned("get_object", "script.js").replace(self.aws.endpoint_url, url),
            "put": self.presigned("put_object", "put").replace(self.aws.endpoint_url, url),
            "cluster": json.dumps({"Name": "started by a page", "Instances": {}}),
            "fault": json.dumps({"kind": "Throttle", "operation": "DescribeStep"}),
        }

    def presigned(self, operation: str, key: str) -> str:
        url: str = self.aws.client("s3").generate_presigned_url(
            operation, {"Bucket": self.bucket, "Key": key}
        )
        return url

    def assert_untouched(self) -> None:
        found = self.aws.client("s3").list_objects_v2(Bucket=self.bucket)["Contents"]
        assert [item["Key"] for item in found] == ["image.svg", "script.js"]
        assert self.aws.client("emr").list_clusters()["Clusters"] == []
        assert Faults(self.aws.endpoint_url).planned() == []


@pytest.fixture
def target(tmp_path: Path) -> Iterator[Target]:
    with LocalAws(state=tmp_path) as aws:
        yield _with_objects(aws)


def _with_objects(aws: LocalAws) -> Target:
    s3 = aws.client("s3")
    s3.create_bucket(Bucket="target")
    s3.put_object(Bucket="target", Key="image.svg", Body=SVG, ContentType="image/svg+xml")
    s3.put_object(Bucket="target", Key="script.js", Body="leaked = true", ContentType="text/javascript")
    return Target(aws, "target")


def read(page: Page, tried: dict[str, str]) -> dict[str, Any]:
    """Return the responses that the page could read."""
    found: dict[str, Any] = page.evaluate(READ, tried)
    return {name: value for name, value in found.items() if value is not None}


def send(page: Page, tried: dict[str, str]) -> None:
    """Let the page send its requests, and wait until each of its forms shows a response."""
    page.evaluate(SEND, tried)
    deadline = time.monotonic() + PATIENCE_MS / 1000
    while sum(frame.url.startswith(tried["url"]) for frame in page.frames[1:]) < FRAMES:
        assert time.monotonic() < deadline, [frame.url for frame in page.frames]
        page.wait_for_timeout(50)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", REBOUND])
def test_a_page_of_another_origin_can_neither_read_nor_start_anything(
    page: Page, pages: int, target: Target, host: str
) -> None:
    page.goto(f"http://{host}:{pages}/")
    tried = target.addresses(target.aws.endpoint_url)
    assert read(page, tried) == {}
    send(page, tried)
    target.assert_untouched()


def test_a_page_whose_name_was_rebound_can_neither_read_nor_start_anything(
    page: Page, target: Target
) -> None:
    """The page comes from another server; then its name resolves to the local AWS, so its requests are same-origin."""
    url = target.aws.endpoint_url.replace("127.0.0.1", REBOUND)
    page.route(f"{url}/page", lambda route: route.fulfill(body="<body>", content_type="text/html"))
    page.goto(f"{url}/page")
    tried = target.addresses(url)
    assert read(page, tried) == {}
    send(page, tried)
    target.assert_untouched()


def test_a_form_and_a_link_of_another_origin_are_refused(page: Page, pages: int, target: Target) -> None:
    home = f"http://localhost:{pages}/"
    plan = f"<form method=post action='{target.aws.endpoint_url}/_localaws/faults'></form>"
    link = f"<a href='{target.presigned('get_object', 'image.svg')}'></a>"
    for content, go in ((plan, "document.forms[0].submit()"), (link, "document.links[0].click()")):
        page.goto(home)
        page.evaluate("html => document.body.innerHTML = html", content)
        with page.expect_navigation() as navigation:
            page.evaluate(go)
        assert navigation.value is not None
        assert navigation.value.status == 403
    target.assert_untouched()


def test_an_address_typed_into_the_browser_is_served(page: Page, target: Target) -> None:
    answer = page.goto(target.presigned("get_object", "image.svg"))
    assert answer is not None
    assert (answer.status, answer.text()) == (200, SVG)
    health = page.goto(f"{target.aws.endpoint_url}/_localaws/health")
    assert health is not None
    assert health.status == 200


def test_a_page_of_an_allowed_origin_reads_only_what_the_cors_rules_of_a_bucket_allow(
    page: Page, pages: int, tmp_path: Path
) -> None:
    origin = f"http://localhost:{pages}"
    with LocalAws("--allow-origin", origin, state=tmp_path) as aws:
        target = _with_objects(aws)
        rule = {"AllowedOrigins": [origin], "AllowedMethods": ["GET"]}
        aws.client("s3").put_bucket_cors(Bucket=target.bucket, CORSConfiguration={"CORSRules": [rule]})
        page.goto(origin)
        assert read(page, target.addresses(aws.endpoint_url)) == {"object": SVG}
        page.goto(f"http://127.0.0.1:{pages}")
        assert read(page, target.addresses(aws.endpoint_url)) == {}
