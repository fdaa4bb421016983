"""A run has one cluster, also after retries, and none when it has ended."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from airflow.exceptions import AirflowException
from airflow.sdk.exceptions import AirflowFailException

from emr_pipeline.operators.cluster import (
    CreateClusterOperator,
    ReapClustersOperator,
    TerminateClusterOperator,
)
from emr_pipeline.settings import Settings
from emr_pipeline.specs import ClusterSpec
from emr_pipeline.tags import deployment_tags
from emr_pipeline.targets.emr_ec2.cluster import ENDED_STATES

Context = Callable[..., Any]
SETTINGS = Settings(bucket="operators")
OTHER_PROJECT = Settings(bucket="operators", project="other")
CLUSTER = ClusterSpec("emr-7.13.0", core_nodes=1)


def create(cluster: ClusterSpec = CLUSTER, settings: Settings = SETTINGS) -> CreateClusterOperator:
    return CreateClusterOperator(task_id="create_cluster", cluster=cluster, settings=settings)


def terminate(cluster_id: str, **kwargs: Any) -> TerminateClusterOperator:
    return TerminateClusterOperator(task_id="terminate_cluster", cluster_id=cluster_id, **kwargs)


def state_of(aws: Any, cluster_id: str) -> str:
    return str(aws.client("emr").describe_cluster(ClusterId=cluster_id)["Cluster"]["Status"]["State"])


def test_a_retry_finds_the_cluster_of_the_first_try(aws: Any, run: Context) -> None:
    first = create().execute(run())
    assert create().execute(run(try_number=2)) == first
    terminate(first).execute(run())


def test_another_run_has_another_cluster(aws: Any, run: Context) -> None:
    other = {**run(), "run_id": "manual__other"}
    ours, theirs = create().execute(run()), create().execute(other)
    assert ours != theirs
    terminate(ours).execute(run())
    assert state_of(aws, theirs) not in ENDED_STATES
    terminate(theirs).execute(other)


def test_a_terminated_cluster_is_replaced(aws: Any, run: Context) -> None:
    ended = create().execute(run())
    terminate(ended).execute(run())
    fresh = create().execute(run(try_number=2))
    assert fresh != ended
    terminate(fresh).execute(run())


def test_the_cluster_of_a_run_with_the_longest_id_is_found(aws: Any, run: Context) -> None:
    """Airflow allows 250 characters for the run id, EMR 256 for the name, which also contains the DAG id."""
    long, other = ({**run(), "run_id": f"{'r' * 249}{end}"} for end in "12")
    cluster_id, theirs = create().execute(long), create().execute(other)
    assert create().execute(long) == cluster_id != theirs
    described = aws.client("emr").describe_cluster(ClusterId=cluster_id)["Cluster"]
    assert described["Name"].startswith("pipeline rrr")
    assert len(described["Name"]) == 256
    terminate("").execute(long)
    assert state_of(aws, cluster_id) in ENDED_STATES
    assert state_of(aws, theirs) not in ENDED_STATES
    terminate("").execute(other)


def test_a_refused_request_fails_without_a_retry_and_with_the_reason(aws: Any, run: Context) -> None:
    with pytest.raises(AirflowFailException, match=r"RunJobFlow.*emr-9\.9\.9"):
        create(ClusterSpec("emr-9.9.9", core_nodes=1)).execute(run())


def test_terminate_waits_until_the_cluster_has_ended(aws: Any, run: Context) -> None:
    cluster_id = create().execute(run())
    terminate(cluster_id).execute(run())
    assert state_of(aws, cluster_id) == "TERMINATED"


def test_terminate_finds_a_cluster_without_its_id(aws: Any, run: Context) -> None:
    cluster_id = create().execute(run())
    terminate("").execute(run())
    assert state_of(aws, cluster_id) == "TERMINATED"


def test_terminate_can_be_repeated_and_needs_no_cluster(aws: Any, run: Context) -> None:
    cluster_id = create().execute(run())
    for _ in range(2):
        terminate(cluster_id).execute(run())
    terminate("").execute(run())


def test_a_cluster_that_emr_does_not_know_has_ended(
    aws: Any, run: Context, capfd: pytest.CaptureFixture[str]
) -> None:
    terminate("j-0000000000000").execute(run())
    assert "Cluster j-0000000000000 is not known to EMR" in capfd.readouterr().out


def test_only_a_cluster_that_no_task_knows_is_reported(
    aws: Any, run: Context, capfd: pytest.CaptureFixture[str]
) -> None:
    known = create().execute(run())
    terminate(known).execute(run())
    assert f"Cluster {known} is TERMINATED" in (log := capfd.readouterr().out)
    assert "has the tags of run" not in log
    unknown = create().execute(run())
    terminate(known).execute(run())
    assert f"Terminating ['{unknown}'], which has the tags of run" in capfd.readouterr().out


def test_the_log_describes_the_cluster(aws: Any, run: Context, capfd: pytest.CaptureFixture[str]) -> None:
    cluster_id = create().execute(run())
    line = f"Cluster {cluster_id}: emr-7.13.0, core nodes: 1, task nodes: 0; logs: s3://operators/logs/"
    assert line in capfd.readouterr().out
    terminate(cluster_id).execute(run())


def test_a_protected_cluster_fails_the_task_with_the_reason(aws: Any, run: Context) -> None:
    cluster_id = create().execute(run())
    emr = aws.client("emr")
    emr.set_termination_protection(JobFlowIds=[cluster_id], TerminationProtected=True)
    with pytest.raises(AirflowFailException, match="protect"):
        terminate(cluster_id).execute(run())
    emr.set_termination_protection(JobFlowIds=[cluster_id], TerminationProtected=False)
    terminate(cluster_id).execute(run())


def test_a_cluster_that_does_not_end_in_time_is_named(aws: Any, run: Context) -> None:
    operator = terminate("j-1", timeout=timedelta(minutes=30))
    with pytest.raises(AirflowException, match="j-1 has not ended within 0:30:00"):
        operator.finish(run(), {"cluster_ids": ["j-1"], "timed_out": True})


def reap(**kwargs: Any) -> ReapClustersOperator:
    options = {"max_hours": 12.0, "log_only": False, **kwargs}
    tags = [deployment_tags(settings) for settings in (OTHER_PROJECT, SETTINGS)]
    return ReapClustersOperator(task_id="reap_clusters", tags=tags, **options)


def with_unfinished(context: Any, *run_ids: str) -> Any:
    """Return the context of an Airflow whose only unfinished runs are these."""
    context["ti"].get_dr_count = lambda **asked: len(set(asked["run_ids"]) & set(run_ids))
    return context


@pytest.mark.parametrize("settings", [SETTINGS, OTHER_PROJECT])
def test_the_reaper_terminates_the_cluster_of_an_ended_run(
    aws: Any, run: Context, settings: Settings
) -> None:
    cluster_id = create(settings=settings).execute(run())
    assert "has ended or no longer exists" in reap().execute(with_unfinished(run()))[cluster_id]
    assert state_of(aws, cluster_id) in {"TERMINATING", "TERMINATED"}


def test_the_reaper_keeps_the_cluster_of_an_active_run(aws: Any, run: Context) -> None:
    context = run()
    cluster_id = create().execute(context)
    assert cluster_id not in reap().execute(with_unfinished(context, context["run_id"]))
    assert cluster_id in reap(max_hours=0.0).execute(with_unfinished(context, context["run_id"]))


def test_a_dry_run_terminates_nothing_and_logs_each_cluster(
    aws: Any, run: Context, capfd: pytest.CaptureFixture[str]
) -> None:
    active = {**run(), "run_id": "active"}
    cluster_id, kept = create().execute(run()), create().execute(active)
    assert cluster_id in reap(log_only=True).execute(with_unfinished(run(), "active"))
    log = capfd.readouterr().out
    assert re.search(r"emr-ec2: \d+ live or expired, \d+ abandoned, \d+ ignored", log)
    assert re.search(r"emr-serverless: \d+ live or expired", log)
    assert f"Would terminate {cluster_id}: run {run()['run_id']} of pipeline has ended" in log
    assert f"Keeping {kept}: its run active is active" in log
    terminate(kept).execute(active)
    assert state_of(aws, cluster_id) not in {"TERMINATING", "TERMINATED"}
    terminate(cluster_id).execute(run())


def test_the_reaper_ignores_the_clusters_of_others(aws: Any, run: Context) -> None:
    cluster_id = create().execute(run())
    aws.client("emr").remove_tags(ResourceId=cluster_id, TagKeys=["run_id"])
    others = [cluster_id]
    for tag in ("project", "bucket"):
        others.append(create().execute({**run(), "run_id": f"of another {tag}"}))
        aws.client("emr").add_tags(ResourceId=others[-1], Tags=[{"Key": tag, "Value": "theirs"}])
    assert not set(others) & set(reap().execute(with_unfinished(run())))
    aws.client("emr").terminate_job_flows(JobFlowIds=others)


def test_the_reaper_terminates_the_other_clusters_if_one_fails(aws: Any, run: Context) -> None:
    protected, plain = (create().execute({**run(), "run_id": name}) for name in ("protected", "plain"))
    emr = aws.client("emr")
    emr.set_termination_protection(JobFlowIds=[protected], TerminationProtected=True)
    with pytest.raises(AirflowException, match=f"cluster {protected} still runs and costs money"):
        reap().execute(with_unfinished(run()))
    assert state_of(aws, plain) in {"TERMINATING", "TERMINATED"}
    emr.set_termination_protection(JobFlowIds=[protected], TerminationProtected=False)
    emr.terminate_job_flows(JobFlowIds=[protected])
