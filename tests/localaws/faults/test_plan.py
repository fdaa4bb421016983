"""A planned fault triggers the given number of times."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from localaws.faults import StepFails, StepKilled, Throttle
from localaws.faults.kinds import CallFault, StepFault
from localaws.faults.plan import FaultPlan


def always(_: object) -> bool:
    return True


def test_concurrent_calls_trigger_a_fault_its_number_of_times() -> None:
    plan = FaultPlan()
    [fault_id] = plan.add([Throttle("ListSteps", times=50)])
    with ThreadPoolExecutor(8) as pool:
        triggered = list(pool.map(lambda _: plan.trigger(CallFault, "a call", always), range(200)))
    assert sum(trigger is not None for trigger in triggered) == 50
    assert plan.report()[0] | {"id": fault_id, "triggered": 50, "kind": "Throttle"} == plan.report()[0]


def test_the_first_matching_fault_triggers_and_then_the_next() -> None:
    plan = FaultPlan()
    plan.add([StepFails("pca"), StepKilled("kmeans"), StepKilled("pca")])
    triggered = [plan.trigger(StepFault, "step pca", lambda fault: fault.step == "pca") for _ in range(3)]
    assert triggered == [StepFails("pca"), StepKilled("pca"), None]
    assert plan.trigger(CallFault, "a call", always) is None


def test_a_removed_fault_does_not_trigger() -> None:
    plan = FaultPlan()
    assert plan.is_empty
    first, second = plan.add([StepFails("a"), StepFails("b")])
    plan.remove(first)
    assert [entry["id"] for entry in plan.report()] == [second]
    with pytest.raises(KeyError):
        plan.remove(first)
    plan.clear()
    assert plan.is_empty
    assert plan.trigger(StepFault, "step", always) is None


def test_each_trigger_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    plan = FaultPlan()
    plan.add([StepFails("pca", times=2)])
    for _ in range(3):
        plan.trigger(StepFault, "step pca (s-1)", always)
    assert caplog.messages == [
        "fault-1, StepFails, triggered for step pca (s-1) (1 of 2)",
        "fault-1, StepFails, triggered for step pca (s-1) (2 of 2)",
    ]
