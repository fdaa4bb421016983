"""The page for browsers: who gets it, and that its content is bounded and cannot leave its folders."""

from __future__ import annotations

import gzip
import json
import time
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

import pytest

from localaws.page.content import MAX_ITEMS, MAX_TEXT, PREVIEW
from localaws.page.endpoint import DATA
from localaws.testing import LocalAws
from tests.conftest import send

BUCKET = "page-test"
BROWSER = {"Host": "127.0.0.1", "Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
SIGNED = {"Authorization": "AWS4-HMAC-SHA256 Credential=a/20260101/us-east-1/s3/aws4_request"}


@pytest.fixture(scope="module")
def s3(local_aws: LocalAws) -> Any:
    client = local_aws.client("s3")
    client.create_bucket(Bucket=BUCKET)
    return client


def get(aws: LocalAws, path: str, headers: Mapping[str, str] = BROWSER) -> tuple[int, Any]:
    status, _, body = send(aws, "GET", DATA + quote(path), headers)
    return status, json.loads(body)


def test_a_browser_gets_the_page_with_a_strict_policy(local_aws: LocalAws) -> None:
    status, headers, body = send(local_aws, "GET", "/", BROWSER)
    assert (status, headers["Content-Type"]) == (200, "text/html; charset=utf-8")
    assert "<title>Local AWS</title>" in body
    assert "script-src 'self'" in headers["Content-Security-Policy"]
    assert "default-src 'none'" in headers["Content-Security-Policy"]
    assert "unsafe" not in headers["Content-Security-Policy"]
    for name in ("page.js", "page.css"):
        assert f"/_localaws/page/{name}" in body
        assert send(local_aws, "GET", f"/_localaws/page/{name}", BROWSER)[0] == 200


@pytest.mark.parametrize(
    ("path", "headers"),
    [
        ("/", {"Host": "127.0.0.1", "Accept": "*/*"}),
        ("/", {"Host": "127.0.0.1"}),
        ("/", BROWSER | SIGNED),
        ("/?x-id=ListBuckets", BROWSER),
        ("/", {**BROWSER, "Host": f"{BUCKET}.localhost"}),
        (f"/{BUCKET}", BROWSER),
    ],
)
def test_aws_clients_get_the_responses_of_s3(
    local_aws: LocalAws, s3: Any, path: str, headers: dict[str, str]
) -> None:
    status, _, body = send(local_aws, "GET", path, headers)
    assert status == 200
    assert "ListAllMyBucketsResult" in body or "ListBucketResult" in body


@pytest.mark.parametrize(
    "headers",
    [{"Host": "attacker.example"}, {"Origin": "http://attacker.example"}, {"Sec-Fetch-Site": "cross-site"}],
)
@pytest.mark.parametrize("path", ["/", "/_localaws/page/page.js", f"{DATA}clusters"])
def test_web_pages_of_others_are_refused(local_aws: LocalAws, path: str, headers: dict[str, str]) -> None:
    assert send(local_aws, "GET", path, {**BROWSER, **headers})[0] == 403


def test_it_can_only_be_read(local_aws: LocalAws) -> None:
    assert send(local_aws, "POST", f"{DATA}clusters", BROWSER)[0] == 405


def test_unchanged_data_is_not_sent_again(local_aws: LocalAws, s3: Any) -> None:
    headers = send(local_aws, "GET", f"{DATA}s3", BROWSER)[1]
    assert send(local_aws, "GET", f"{DATA}s3", {**BROWSER, "If-None-Match": headers["ETag"]})[0] == 304


def test_objects_are_listed_and_previewed(local_aws: LocalAws, s3: Any) -> None:
    s3.put_object(Bucket=BUCKET, Key="a/text", Body=b"x" * (PREVIEW + 1))
    s3.put_object(Bucket=BUCKET, Key="a/packed.gz", Body=gzip.compress(b"unpacked"))
    s3.put_object(Bucket=BUCKET, Key="a/binary", Body=b"\x00\x01abc")
    s3.put_object(Bucket=BUCKET, Key="a/b/<i>", Body="é".encode())
    assert {"name": BUCKET} in get(local_aws, "s3")[1]["buckets"]
    names = [entry["name"] for entry in get(local_aws, f"s3/{BUCKET}/a/")[1]["entries"]]
    assert names == ["b/", "binary", "packed.gz", "text"]
    shown = {key: get(local_aws, f"s3/{BUCKET}/a/{key}")[1] for key in (*names[1:], "b/<i>")}
    assert (shown["text"]["size"], len(shown["text"]["text"])) == (PREVIEW + 1, PREVIEW)
    assert (shown["packed.gz"]["text"], shown["b/<i>"]["text"]) == ("unpacked", "é")
    assert shown["binary"]["text"].split() == ["00", "01", "61", "62", "63", "..abc"]


def test_long_lists_are_cut(local_aws: LocalAws, s3: Any) -> None:
    folder = local_aws.state / "s3" / BUCKET / "many"
    folder.mkdir()
    for number in range(MAX_ITEMS + 1):
        (folder / str(number)).touch()
    listed = get(local_aws, f"s3/{BUCKET}/many/")[1]
    assert (len(listed["entries"]), listed["more"]) == (MAX_ITEMS, True)


@pytest.mark.parametrize(
    "path",
    [
        "s3/../state.sqlite",
        f"s3/{BUCKET}/../../state.sqlite",
        f"s3/{BUCKET}/missing",
        "s3/.versions/",
        "clusters/j-NONE",
        "clusters/../x/stdout",
        "serverless/none",
        "queries/none",
        "clusters/a/b/c/d/e",
        "nothing",
        "",
    ],
)
def test_what_does_not_exist_is_an_error(local_aws: LocalAws, s3: Any, path: str) -> None:
    status, data = get(local_aws, path)
    assert (status, [*data]) == (404, ["error"])


def test_a_query_has_its_text_time_and_first_rows(local_aws: LocalAws, s3: Any) -> None:
    athena = local_aws.client("athena")
    text = 'SELECT n, CAST(NULL AS varchar) AS "<b>"\nFROM UNNEST(sequence(1, 30)) AS t (n)'
    query = athena.start_query_execution(
        QueryString=text, ResultConfiguration={"OutputLocation": f"s3://{BUCKET}/results/"}
    )["QueryExecutionId"]
    while (shown := get(local_aws, f"queries/{query}")[1])["state"] in ("QUEUED", "RUNNING"):
        time.sleep(0.05)
    assert (shown["state"], shown["text"], shown["count"]) == ("SUCCEEDED", text, 30)
    assert (shown["columns"], shown["rows"][1], len(shown["rows"])) == (["n", "<b>"], ["2", None], 20)
    assert query in [each["id"] for each in get(local_aws, "queries")[1]["queries"]]


def test_a_cluster_has_its_steps_with_the_end_of_their_logs(local_aws: LocalAws, s3: Any) -> None:
    emr = local_aws.client("emr")
    cluster = emr.run_job_flow(
        Name="<script>",
        ReleaseLabel="emr-7.13.0",
        ServiceRole="EMR_DefaultRole",
        JobFlowRole="EMR_EC2_DefaultRole",
        Instances={"MasterInstanceType": "m5.xlarge", "InstanceCount": 1},
        Steps=[{"Name": "s", "HadoopJarStep": {"Jar": "other.jar"}}],
    )["JobFlowId"]
    while (shown := get(local_aws, f"clusters/{cluster}")[1])["steps"][0]["state"] != "FAILED":
        time.sleep(0.05)
    (step,) = shown["steps"]
    assert (shown["name"], "other.jar" in step["reason"]) == ("<script>", True)
    assert cluster in [each["id"] for each in get(local_aws, "clusters")[1]["clusters"]]
    log = local_aws.state / "emr" / cluster / step["id"] / "stdout"
    log.write_bytes(b"first" + b"x" * MAX_TEXT)
    shown = get(local_aws, f"clusters/{cluster}/{step['id']}/stdout")[1]
    assert (shown["text"], shown["skipped"]) == ("x" * MAX_TEXT, len("first"))
    assert "other.jar" in get(local_aws, f"clusters/{cluster}/{step['id']}/controller")[1]["text"]
    assert get(local_aws, f"clusters/{cluster}/{step['id']}/..")[0] == 404
