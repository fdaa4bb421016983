"""``status``, ``logs`` and ``reap`` with clusters of the local AWS and runs of Airflow's API server."""

from __future__ import annotations

import io
import json
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from rich.console import Console

from emr_pipeline.cli import logs as command
from emr_pipeline.cli.airflow_api import PASSWORD, URL, USER
from emr_pipeline.cli.app import main
from emr_pipeline.cli.clusters import Project
from emr_pipeline.cli.logs import new_text
from emr_pipeline.logs import Log
from emr_pipeline.settings import Settings
from emr_pipeline.specs import ClusterSpec
from emr_pipeline.tags import run_tags
from emr_pipeline.targets.emr_ec2.cluster import run_job_flow_request
from emr_pipeline.targets.phase import Phase
from emr_pipeline.targets.target import Cluster, Step
from localaws.testing import LocalAws
from tests.plugins.emr_pipeline.cli.conftest import Run
from tests.plugins.emr_pipeline.conftest import Run as DagRun

BUCKET = "clusters"
SCRIPTS = {
    "good": "print('3 rows')",
    "bad": "raise ValueError('no variance in 7 columns')",
    "long": "import time; print('begins', flush=True); time.sleep(600)",
}
Result = tuple[int, Any, str]
"""Exit code, JSON document on stdout, and text on stderr."""


@dataclass
class Clusters:
    """The cluster of an active run with steps, that of an ended run, and that of another bucket."""

    aws: LocalAws
    active: DagRun
    ended: DagRun
    ids: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        s3 = self.aws.client("s3")
        location = {"LocationConstraint": self.aws.region}
        s3.create_bucket(Bucket=BUCKET, CreateBucketConfiguration=location)
        for name, code in SCRIPTS.items():
            s3.put_object(Bucket=BUCKET, Key=f"jobs/{name}.py", Body=code.encode())
        self.ids["active"] = self._create(self.active.dag_id, self.active.run_id)
        self.ids["ended"] = self._create(self.ended.dag_id, self.ended.run_id)
        self.ids["foreign"] = self._create("pipeline", "of another bucket", bucket="other")
        steps = [
            {
                "Name": name,
                "ActionOnFailure": "CONTINUE",
                "HadoopJarStep": {
                    "Jar": "command-runner.jar",
                    "Args": ["spark-submit", f"s3://{BUCKET}/jobs/{name}.py"],
                },
            }
            for name in SCRIPTS
        ]
        added = self.emr.add_job_flow_steps(JobFlowId=self.ids["active"], Steps=steps)["StepIds"]
        self.steps = dict(zip(SCRIPTS, added, strict=True))
        self.wait_for("long", "RUNNING")

    @property
    def emr(self) -> Any:
        return self.aws.client("emr")

    def _create(self, dag_id: str, run_id: str, bucket: str = BUCKET) -> str:
        settings = Settings(bucket=bucket, project="cli")
        tags = run_tags(dag_id, run_id, settings)
        request = run_job_flow_request(
            f"{dag_id} {run_id}", ClusterSpec("emr-7.13.0", core_nodes=2), settings, tags
        )
        request["LogUri"] = f"s3://{BUCKET}/logs/"
        return str(self.emr.run_job_flow(**request)["JobFlowId"])

    def wait_for(self, name: str, state: str) -> None:
        for _ in range(3000):
            found = self.emr.describe_step(ClusterId=self.ids["active"], StepId=self.steps[name])["Step"]
            if found["Status"]["State"] == state:
                return
            time.sleep(0.1)
        raise AssertionError(f"{name} is {found['Status']}, not {state}")

    def state(self, name: str) -> str:
        return str(self.emr.describe_cluster(ClusterId=self.ids[name])["Cluster"]["Status"]["State"])


@pytest.fixture(scope="module")
def clusters(aws: LocalAws, run: Run, make_run: Callable[..., DagRun]) -> Iterator[Clusters]:
    made = Clusters(aws, make_run(state="running"), make_run())
    yield made
    made.emr.terminate_job_flows(JobFlowIds=list(made.ids.values()))


@pytest.fixture
def cli(
    clusters: Clusters,
    run: Run,
    airflow: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Callable[..., Result]:
    lines = {"EMR_PIPELINE_BUCKET": BUCKET, "EMR_PIPELINE_PROJECT": "cli", URL: airflow, USER: "admin"}
    file = tmp_path / "settings"
    file.write_text("".join(f"{name}={value}\n" for name, value in (lines | {PASSWORD: "secret"}).items()))

    def run_command(*arguments: str) -> Result:
        capsys.readouterr()
        code = main([*arguments, "--json", "--settings", str(file)])
        captured = capsys.readouterr()
        return code, json.loads(captured.out.strip() or "null"), captured.err

    return run_command


def test_status_lists_the_clusters_of_the_project_with_their_runs_and_steps(
    cli: Callable[..., Result], clusters: Clusters
) -> None:
    code, documents, text = cli("status")
    assert code == 0
    found = {document["cluster_id"]: document for document in documents}
    assert found.keys() == {clusters.ids["active"], clusters.ids["ended"]}
    active = found[clusters.ids["active"]]
    assert active["state"] == "RUNNING"
    assert active["tags"]["run_id"] == clusters.active.run_id
    assert {step["name"]: step["state"] for step in active["steps"]} == {
        "good": "COMPLETED",
        "bad": "FAILED",
        "long": "RUNNING",
    }
    assert 0 < active["node_hours"] < 1
    assert clusters.active.run_id in text


@pytest.mark.parametrize("option", ["--cluster", "--run"])
def test_status_of_one_cluster_shows_the_times_of_its_steps_and_the_cause_of_a_failure(
    cli: Callable[..., Result], clusters: Clusters, option: str
) -> None:
    value = clusters.ids["active"] if option == "--cluster" else clusters.active.run_id
    code, [document], text = cli("status", option, value)
    assert code == 0
    steps = {step["name"]: step for step in document["steps"]}
    assert steps["bad"]["cause"] == "ValueError: no variance in 7 columns"
    assert steps["bad"]["log_folder"].endswith(f"/steps/{clusters.steps['bad']}/")
    assert "cause" not in steps["good"]
    assert steps["good"]["started"] < steps["good"]["ended"]
    assert steps["long"]["ended"] is None
    assert "bad: ValueError: no variance in 7 columns" in text


def test_logs_prints_the_log_of_the_driver_and_ends_with_the_state_of_the_step(
    cli: Callable[..., Result],
) -> None:
    code, document, text = cli("logs", "--step", "good")
    assert (code, document["state"], document["cause"]) == (0, "COMPLETED", None)
    assert "3 rows" in text
    code, document, text = cli("logs", "--step", "bad", "--follow")
    assert (code, document["state"]) == (1, "FAILED")
    assert document["cause"] == "ValueError: no variance in 7 columns"
    assert "Traceback (most recent call last)" in text


def test_logs_of_a_running_step_follows_it_until_it_is_cancelled(
    cli: Callable[..., Result], clusters: Clusters, monkeypatch: pytest.MonkeyPatch
) -> None:
    code, document, text = cli("logs")
    assert (code, document["name"], document["state"]) == (0, "long", "RUNNING")
    monkeypatch.setattr(command, "POLL_SECONDS", 0.2)
    cancel = {"ClusterId": clusters.ids["active"], "StepIds": [clusters.steps["long"]]}
    option = {"StepCancellationOption": "TERMINATE_PROCESS"}
    timer = threading.Timer(1, lambda: clusters.emr.cancel_steps(**cancel, **option))
    timer.start()
    code, document, text = cli("logs", "--step", "long", "--follow")
    timer.join()
    assert (code, document["state"]) == (1, "CANCELLED")
    assert "begins" in text


def test_only_the_new_part_of_a_log_is_printed() -> None:
    assert new_text(None, "a\n") == "a\n"
    assert new_text("a\n", "a\nb\n") == "b\n"
    assert new_text("x\na\nb\n", "a\nb\nc\n") == "a\nb\nc\n"
    long = "".join(f"line {number}\n" for number in range(1000))
    assert new_text(long, long[100:] + "more\n") == "more\n"


def test_reap_shows_what_it_would_do_and_asks_before_it_terminates(
    cli: Callable[..., Result], clusters: Clusters, monkeypatch: pytest.MonkeyPatch
) -> None:
    code, document, text = cli("reap", "--dry-run")
    assert code == 0
    assert document["seen"] == 3
    assert document["considered"] == [clusters.ids["ended"], clusters.ids["active"]]
    assert document["abandoned"].keys() == {clusters.ids["ended"]}
    assert "has ended or no longer exists" in document["abandoned"][clusters.ids["ended"]]
    assert "3 live or expired clusters" in text
    monkeypatch.setattr("sys.stdin", io.StringIO("n\n"))
    code, document, _ = cli("reap")
    assert (code, document) == (1, None)
    assert clusters.state("ended") == "WAITING"


def test_reap_terminates_only_abandoned_clusters(cli: Callable[..., Result], clusters: Clusters) -> None:
    code, document, _ = cli("reap", "--yes")
    assert (code, document["terminated"]) == (0, [clusters.ids["ended"]])
    assert clusters.state("ended") in ("TERMINATING", "TERMINATED")
    assert clusters.state("active") in ("RUNNING", "WAITING")
    assert cli("reap", "--yes")[1]["abandoned"] == {}
    code, document, _ = cli("reap", "--dry-run", "--max-hours", "0")
    assert "has used it for" in document["abandoned"][clusters.ids["active"]]


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (
            ["status", "--cluster", "j-NONE"],
            1,
            "There is no cluster j-NONE with the tags project cli, bucket clusters",
        ),
        (
            ["status", "--run", "none"],
            1,
            "There is no cluster of run none that is alive or at most 24 hours old",
        ),
        (["logs", "--cluster", "j-NONE"], 1, "There is no cluster j-NONE"),
        (["logs", "--step", "none"], 1, "has no step none; its steps: bad, good, long"),
    ],
)
def test_what_does_not_exist_is_one_line(
    cli: Callable[..., Result], arguments: list[str], code: int, message: str
) -> None:
    found, document, text = cli(*arguments)
    assert (found, document) == (code, None)
    assert message in text
    assert text.count("\n") == 1


@pytest.mark.parametrize("name", ["status", "logs", "reap"])
@pytest.mark.parametrize(
    ("variable", "value", "message"),
    [
        ("AWS_ENDPOINT_URL", "http://127.0.0.1:1", "Could not connect to the endpoint URL"),
        ("EMR_PIPELINE_BUCKET", "", "EMR_PIPELINE_BUCKET is not set"),
        ("EMR_PIPELINE_NONE", "1", "unknown setting EMR_PIPELINE_NONE"),
    ],
)
def test_a_fault_of_the_set_up_is_one_line_and_the_exit_code_2(
    cli: Callable[..., Result],
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    variable: str,
    value: str,
    message: str,
) -> None:
    monkeypatch.setenv(variable, value)
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    code, document, text = cli(name)
    assert (code, document) == (2, None)
    assert message in text
    assert text.count("\n") == 1


def test_the_clusters_of_all_targets_are_listed_newest_first(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
    monkeypatch.setenv("EMR_PIPELINE_BUCKET", BUCKET)
    project = Project(tmp_path / "no settings")

    def target(*days: int) -> Any:
        found = [Cluster(f"day {day}", "any", datetime(2026, 11, day, tzinfo=UTC)) for day in days]
        return SimpleNamespace(
            clusters_since=lambda _: found, live_clusters=lambda: found[:1], tags=lambda _: project.tags
        )

    project.targets = [target(5, 2), target(7, 3)]
    assert [each.cluster.cluster_id for each in project.clusters(24)] == ["day 7", "day 5", "day 3", "day 2"]


def test_a_failed_step_is_followed_until_its_log_has_the_cause(monkeypatch: pytest.MonkeyPatch) -> None:
    """EMR copies the log of a running step every five minutes; the local AWS has the complete log at once."""
    monkeypatch.setattr(command, "POLL_SECONDS", 0.0)
    texts = iter(["begins\n"] * 2 + ["begins\nTraceback (most recent call last):\nValueError: 7\n"] * 2)
    failed = Step("s-1", "pca", "FAILED", Phase.FAILED)
    found: Any = SimpleNamespace(
        describe=lambda _: SimpleNamespace(step=failed, log_folder="s3://b/l/", log_streams=None),
        emr=SimpleNamespace(
            logs_seconds=360,
            logs_while_running=True,
            read_logs=lambda _: [Log("stdout", "s3://b/l/stdout.gz", next(texts))],
        ),
    )
    output = Console(file=io.StringIO())
    _, printed = command._print_logs(found, failed, True, output)
    assert printed["s3://b/l/stdout.gz"].endswith("ValueError: 7\n")
