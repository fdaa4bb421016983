"""The estimate is pushed, and a run over its budget fails or waits for a user."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from airflow.providers.common.compat.sdk import AirflowFailException
from airflow.providers.standard.operators import hitl
from airflow.sdk.exceptions import TaskAwaitingInput

from emr_pipeline.cost_records import record_key, write_run_cost
from emr_pipeline.operators.estimate_cost import EstimateCostOperator
from emr_pipeline.settings import Settings
from emr_pipeline.specs import ClusterSpec
from tests.plugins.emr_pipeline.test_cost import earlier

Run = Callable[..., Any]


def operator(**changed: Any) -> EstimateCostOperator:
    arguments = {
        "task_id": "estimate_cost",
        "cluster": ClusterSpec("emr-7.13.0", core_nodes="2"),
        "settings": Settings(bucket="operators"),
        "steps": ["fit", "score"],
        "input_bytes": 1_000_000_000,
    }
    return EstimateCostOperator(**arguments | changed)


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """The questions that were stored for the web UI."""
    questions: list[dict[str, Any]] = []
    monkeypatch.setattr(hitl, "upsert_hitl_detail", lambda **question: questions.append(question))
    return questions


def context(run: Run) -> Any:
    made = run()
    made["ti"].id = "ti-1"
    return made | {"task_instance": made["ti"]}


@pytest.mark.parametrize("budget", [None, 5.0])
def test_the_estimate_is_pushed_and_a_run_within_its_budget_goes_on(
    aws: Any, run: Run, asked: list[Any], budget: float | None
) -> None:
    here = context(run)
    assert operator(budget=budget, over_budget="ask").execute(here) is None
    pushed = here["ti"].xcoms["estimate"]
    assert (pushed["on_demand_nodes"], pushed["spot_nodes"], pushed["input_bytes"]) == (3, 0, 1_000_000_000)
    assert 0.1 < pushed["dollars"] < 0.5
    assert "by a first guess" in pushed["summary"]
    assert asked == []


def test_an_earlier_run_of_the_dag_is_used(aws: Any, run: Run) -> None:
    s3, now = aws.client("s3"), datetime.now(UTC)
    key = record_key("pipeline", "earlier", now)
    write_run_cost(s3, "operators", key, earlier())
    here = context(run)
    operator().execute(here)
    assert here["ti"].xcoms["estimate"]["seconds"] == pytest.approx(1200)
    s3.delete_object(Bucket="operators", Key=key)


def test_the_workers_of_emr_serverless_have_their_own_price(aws: Any, run: Run) -> None:
    here = context(run)
    operator(target="emr-serverless").execute(here)
    pushed = here["ti"].xcoms["estimate"]
    assert pushed["dollars"] == pytest.approx(3 * pushed["seconds"] / 3600 * (4 * 0.042094 + 16 * 0.004628))


def test_without_access_to_earlier_runs_the_estimate_is_a_guess(aws: Any, run: Run) -> None:
    here = context(run)
    operator(settings=Settings(bucket="no-such-bucket-here")).execute(here)
    assert "by a first guess" in here["ti"].xcoms["estimate"]["summary"]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"budget": 0.05},
            r"The budget of the run is \$0.05. Estimate: 3 nodes for 14 min.*Raise the budget",
        ),
        (
            {"budget": 100, "cluster": ClusterSpec("emr-7.13.0", 1, core_instance_types={"x9.huge": 1})},
            r"budget of the run is \$100.00. .* cost unknown",
        ),
    ],
    ids=["too expensive", "unknown"],
)
def test_a_run_over_its_budget_is_refused(
    aws: Any, run: Run, asked: list[Any], changes: dict[str, Any], message: str
) -> None:
    with pytest.raises(AirflowFailException, match=message):
        operator(**changes).execute(context(run))
    assert asked == []


def test_a_run_over_its_budget_waits_for_a_user(aws: Any, run: Run, asked: list[Any]) -> None:
    here, task = context(run), operator(budget=0.05, over_budget="ask")
    with pytest.raises(TaskAwaitingInput):
        task.execute(here)
    (question,) = asked
    assert (question["options"], question["subject"]) == (
        ["Approve", "Reject"],
        "Approve the cost of the run",
    )
    assert question["body"].startswith("The budget of the run is $0.05. Estimate: 3 nodes")
    assert here["ti"].xcoms["estimate"]["dollars"] > 0.05


def response(option: str) -> dict[str, Any]:
    return {
        "chosen_options": [option],
        "params_input": {},
        "responded_at": datetime.now(UTC),
        "responded_by_user": {"id": "1", "name": "admin"},
    }


def test_an_approved_run_goes_on_and_a_rejected_one_fails_without_a_retry(run: Run) -> None:
    task = operator(budget=0.05, over_budget="ask")
    task.execute_complete(context(run), response("Approve"))
    with pytest.raises(AirflowFailException, match="The cost was rejected"):
        task.execute_complete(context(run), response("Reject"))
    timed_out = {"error": "timeout", "error_type": "timeout"}
    with pytest.raises(AirflowFailException, match="Nobody approved the cost within 1 day"):
        task.execute_complete(context(run), timed_out)
