"""Spark's history server behind the local AWS, and the persistent application UIs of EMR that lead to it."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from botocore.exceptions import ClientError
from werkzeug.test import EnvironBuilder
from werkzeug.wrappers import Request

from localaws.spark.history_server import PATH, HistoryServer
from localaws.testing import LocalAws
from tests.conftest import send
from tests.localaws.emr.clusters import wait_for_end
from tests.localaws.emr.test_runner import BUCKET, put, run, submit

COUNT = """
from pyspark.sql import SparkSession
spark = SparkSession.builder.appName("counting").getOrCreate()
spark.range(10).count()
print("from the driver", flush=True)
"""
AGENT = [{"Name": "Spark"}, {"Name": "AmazonCloudWatchAgent"}]
LIVE = {"CloudWatchLogConfiguration": {"Enabled": True, "LogGroupName": "/live", "LogStreamNamePrefix": "p"}}


@pytest.fixture(scope="module")
def ended(local_aws: LocalAws) -> dict[str, Any]:
    """An ended cluster, whose only step has run an application."""
    put(local_aws, {"count.py": COUNT})
    cluster_id = run(
        local_aws,
        submit("counting", f"s3://{BUCKET}/count.py"),
        Applications=AGENT,
        MonitoringConfiguration=LIVE,
    )
    wait_for_end(local_aws, cluster_id)
    cluster: dict[str, Any] = local_aws.client("emr").describe_cluster(ClusterId=cluster_id)["Cluster"]
    return cluster


def test_the_logs_of_a_step_are_in_its_streams(local_aws: LocalAws, ended: dict[str, Any]) -> None:
    assert ended["MonitoringConfiguration"] == LIVE
    [step] = local_aws.client("emr").list_steps(ClusterId=ended["Id"])["Steps"]
    logs = local_aws.client("logs", region_name="eu-west-1")
    events = logs.get_log_events(
        logGroupName="/live", logStreamName=f"p/steps/{step['Id']}/stdout", startFromHead=True
    )["events"]
    assert [event["message"] for event in events] == ["from the driver"]
    found = logs.filter_log_events(
        logGroupName="/live", logStreamNamePrefix=f"p/steps/{step['Id']}/", filterPattern="Logging"
    )["events"]
    assert "Logging events to" in found[0]["message"]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"ReleaseLabel": "emr-7.10.0", "Applications": AGENT}, "needs emr-7.11.0 or later, not emr-7.10.0"),
        ({}, "needs AmazonCloudWatchAgent"),
    ],
)
def test_live_logs_need_a_release_and_the_agent(
    local_aws: LocalAws, changes: dict[str, Any], message: str
) -> None:
    with pytest.raises(ClientError, match=message):
        run(local_aws, MonitoringConfiguration=LIVE, **changes)


def test_the_spark_ui_of_an_ended_cluster_opens(local_aws: LocalAws, ended: dict[str, Any]) -> None:
    emr = local_aws.client("emr")
    app_ui = emr.create_persistent_app_ui(TargetResourceArn=ended["ClusterArn"])["PersistentAppUIId"]
    assert emr.create_persistent_app_ui(TargetResourceArn=ended["ClusterArn"])["PersistentAppUIId"] == app_ui
    while emr.describe_persistent_app_ui(PersistentAppUIId=app_ui)["PersistentAppUI"][
        "PersistentAppUIStatus"
    ] != ("ATTACHED"):
        time.sleep(0.2)
    [step] = emr.list_steps(ClusterId=ended["Id"])["Steps"]
    stderr = (local_aws.state / "emr" / ended["Id"] / step["Id"] / "stderr").read_text()
    [application_id] = re.findall(r"Logging events to \S+/(local-\d+)", stderr)
    url = emr.get_persistent_app_ui_presigned_url(PersistentAppUIId=app_ui, ApplicationId=application_id)
    path = urlsplit(url["PresignedURL"]).path
    host = {"Host": urlsplit(local_aws.endpoint_url).netloc}
    base = path.partition("/history")[0]

    def page() -> tuple[int, str]:
        """Return the page that a link of another web page leads to, after redirects."""
        target = path
        while True:
            status, headers, body = send(local_aws, "GET", target, {**host, "Sec-Fetch-Site": "cross-site"})
            if status != 302:
                return status, body
            assert headers["Location"].startswith(base)
            target = headers["Location"]

    status, body = page()  # also when the history server has not read the event log yet
    assert status == 200
    assert "counting - Spark Jobs" in body
    assert f'href="{base}/static/bootstrap.min.css"' in body
    assert send(local_aws, "GET", f"{base}/static/webui.css", host)[0] == 200
    assert send(local_aws, "POST", f"{base}/", host)[0] == 405
    assert send(local_aws, "GET", f"{PATH}/other/", host)[0] == 403
    assert send(local_aws, "GET", path, {**host, "Host": "example.org"})[0] == 403


@pytest.fixture
def server(tmp_path: Path) -> Iterator[HistoryServer]:
    history_server = HistoryServer(tmp_path)
    yield history_server
    history_server.stop()


def test_an_idle_history_server_stops(server: HistoryServer) -> None:
    request = Request(EnvironBuilder(path=f"{server.link()}api/v1/applications").get_environ())
    response = server.answer(request)
    assert (response.status_code, response.get_data()) == (200, b"[ ]")
    process = server._process
    assert process
    assert process.poll() is None
    server.idle_seconds = 0
    assert process.wait(30) is not None
    assert request.path.startswith(PATH)


def test_an_unknown_application_ui_is_refused(local_aws: LocalAws) -> None:
    with pytest.raises(ClientError, match="does not exist"):
        local_aws.client("emr").get_persistent_app_ui_presigned_url(PersistentAppUIId="p-none")
