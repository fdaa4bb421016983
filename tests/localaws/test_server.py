"""Start, health and stop of the server."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
from pathlib import Path
from urllib.request import urlopen

import pytest

from localaws.faults import Faults
from localaws.testing import LocalAws
from tests.conftest import ROOT


def start(*options: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "localaws", *options]
    return subprocess.run(
        command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60, check=False, cwd=ROOT
    )


def test_the_health_endpoint_describes_the_server(local_aws: LocalAws) -> None:
    with urlopen(f"{local_aws.endpoint_url}/_localaws/health") as response:
        health = json.load(response)
    assert health["state"] == str(local_aws.state)
    assert {"s3", "emr", "athena", "glue"} <= set(health["services"])
    assert health["versions"]["moto"]
    assert isinstance(health["clusters"], list)


@pytest.mark.skipif(sys.platform != "linux", reason="macOS only has 127.0.0.1")
def test_it_listens_on_loopback_by_default(local_aws: LocalAws, tmp_path: Path) -> None:
    """127.0.0.2 represents another network: on Linux, a server on all interfaces also listens there."""
    other = "127.0.0.2"
    with socket.socket() as client:
        assert client.connect_ex((other, int(local_aws.endpoint_url.rpartition(":")[2]))) != 0
    with LocalAws("--host", other, state=tmp_path) as other_aws:  # its own address is an allowed host
        assert other_aws.endpoint_url.startswith(f"http://{other}:")
        assert other_aws.client("s3").list_buckets()["Buckets"] == []
    with LocalAws("--host", "0.0.0.0", state=tmp_path) as open_aws:
        assert open_aws.endpoint_url.startswith("http://127.0.0.1:")
        assert open_aws.client("s3").list_buckets()["Buckets"] == []
        port = open_aws.endpoint_url.rpartition(":")[2]
        with urlopen(f"http://{other}:{port}/_localaws/health") as response:
            assert response.status == 200


def test_other_services_are_provided_by_moto(local_aws: LocalAws) -> None:
    assert local_aws.client("sts").get_caller_identity()["Account"] == "123456789012"
    glue = local_aws.client("glue")
    glue.create_database(DatabaseInput={"Name": "from_server_test"})
    assert glue.get_database(Name="from_server_test")["Database"]["Name"] == "from_server_test"


def test_a_port_in_use_is_one_message_and_exit_code_1(tmp_path: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        ended = start("--state", str(tmp_path), "--port", str(port))
    assert (ended.returncode, ended.stdout) == (1, "")
    assert ended.stderr.startswith(f"localaws: cannot listen on 127.0.0.1:{port}: ")
    assert ended.stderr.count("\n") == 1


def test_a_state_folder_that_is_not_writable_is_one_message_and_exit_code_1(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    ended = start("--state", str(tmp_path / "file" / "state"))
    assert ended.returncode == 1
    assert ended.stderr.startswith("localaws: cannot write to the state folder ")


@pytest.mark.parametrize(
    ("option", "value", "message"),
    [
        ("--allow-host", "localaws:4566", "is not a host name"),
        ("--allow-origin", "null", "is not an origin"),
    ],
)
def test_an_invalid_option_is_one_message_and_exit_code_1(
    tmp_path: Path, option: str, value: str, message: str
) -> None:
    ended = start("--state", str(tmp_path), option, value)
    assert ended.returncode == 1
    assert ended.stderr.startswith(f"localaws: {value!r} {message}")
    assert ended.stderr.count("\n") == 1


def test_two_servers_do_not_share_a_state_folder(local_aws: LocalAws) -> None:
    ended = start("--state", str(local_aws.state))
    assert ended.returncode == 1
    assert ended.stderr == f"localaws: another local AWS is using the state folder {local_aws.state}\n"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_stops_it_cleanly_and_releases_the_state_folder(
    tmp_path: Path, number: signal.Signals
) -> None:
    for _ in range(2):
        with LocalAws(state=tmp_path) as aws:
            aws.process.send_signal(number)
            assert aws.process.wait(30) == 0


def test_after_a_kill_it_restarts_with_the_same_port_and_objects(tmp_path: Path) -> None:
    with LocalAws(state=tmp_path) as aws:
        s3 = aws.client("s3")  # the connection stays open, so the port is in TIME_WAIT
        s3.create_bucket(Bucket="kept")
        s3.put_object(Bucket="kept", Key="a/b", Body=b"content")
        aws.process.kill()
    port = aws.endpoint_url.rpartition(":")[2]
    with LocalAws("--port", port, state=tmp_path) as again:
        assert again.endpoint_url == aws.endpoint_url
        assert again.client("s3").get_object(Bucket="kept", Key="a/b")["Body"].read() == b"content"
        assert Faults(again.endpoint_url).planned() == []


def test_it_stops_at_the_end_of_standard_input(tmp_path: Path) -> None:
    assert start("--state", str(tmp_path), "--stop-with-stdin").returncode == 0
