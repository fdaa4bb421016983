"""At most one unfinished run has the lock, also if two runs take it at the same moment."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.providers.common.compat.sdk import AirflowFailException

from emr_pipeline.run_lock import RunLock, acquire
from emr_pipeline.settings import Settings
from tests.plugins.conftest import BUCKET


class Runs:
    """The DAG runs that Airflow knows, all unfinished until ``end`` is called."""

    def __init__(self) -> None:
        self.ended: set[str] = set()

    def context(self, run_id: str) -> Any:
        def get_dr_count(dag_id: str, run_ids: list[str], states: list[str]) -> int:
            assert (dag_id, states) == ("pipeline", ["queued", "running"])
            return sum(run not in self.ended for run in run_ids)

        ti = SimpleNamespace(get_dr_count=get_dr_count)
        return {"dag": SimpleNamespace(dag_id="pipeline"), "run_id": run_id, "ti": ti}


@pytest.fixture
def runs() -> Runs:
    return Runs()


def test_a_run_waits_for_no_lock_and_keeps_its_own_on_a_retry(aws: Any, runs: Runs) -> None:
    s3 = aws.client("s3")
    assert acquire(s3, BUCKET, "locks/first", runs.context("one")) == ""
    assert acquire(s3, BUCKET, "locks/first", runs.context("one")) == ""


def test_another_run_gets_the_lock_only_when_its_holder_has_ended(aws: Any, runs: Runs) -> None:
    s3 = aws.client("s3")
    acquire(s3, BUCKET, "locks/second", runs.context("one"))
    assert acquire(s3, BUCKET, "locks/second", runs.context("two")) == "one"
    assert acquire(s3, BUCKET, "locks/other", runs.context("two")) == ""
    runs.ended.add("one")
    assert acquire(s3, BUCKET, "locks/second", runs.context("two")) == ""
    # The first run is cleared.
    runs.ended.clear()
    assert acquire(s3, BUCKET, "locks/second", runs.context("one")) == "two"


@pytest.mark.parametrize("free", ["never taken", "its run has ended"])
def test_of_several_runs_at_the_same_moment_one_gets_the_lock(aws: Any, runs: Runs, free: str) -> None:
    s3, key = aws.client("s3"), f"locks/{free}"
    if free == "its run has ended":
        acquire(s3, BUCKET, key, runs.context("before"))
        runs.ended.add("before")
    names = [f"run {number}" for number in range(8)]
    with ThreadPoolExecutor(len(names)) as pool:
        holders = list(pool.map(lambda name: acquire(s3, BUCKET, key, runs.context(name)), names))
    (winner,) = (name for name, holder in zip(names, holders, strict=True) if not holder)
    assert {holder for holder in holders if holder} == {winner}


def test_the_task_fails_with_the_run_that_has_the_lock(aws: Any, runs: Runs) -> None:
    lock = RunLock(Settings(bucket=BUCKET), lambda context: "locks/task")
    lock(runs.context("one"))
    with pytest.raises(
        AirflowFailException, match=r"run one has not ended .*s3://operators/locks/task.*clear"
    ):
        lock(runs.context("two"))
