"""The workers that Spark properties request, and the resources that are billed for them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from localaws.emr_serverless.model import Attempt
from localaws.emr_serverless.workers import Worker, Workers, billed, total, workers_of
from localaws.protocol import AwsError

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def attempt(seconds: float) -> Attempt:
    return Attempt(1, NOW, NOW, started=NOW, ended=NOW + timedelta(seconds=seconds))


def test_the_default_workers_are_those_of_emr_serverless() -> None:
    assert workers_of({}) == Workers(Worker(4, 16, 20), Worker(4, 16, 20), 3)


def test_memory_with_overhead_is_rounded_up_to_a_worker_size() -> None:
    workers = workers_of(
        {
            "spark.driver.cores": "1",
            "spark.driver.memory": "512m",
            "spark.executor.cores": "8",
            "spark.executor.memory": "32g",
            "spark.executor.instances": "5",
            "spark.emr-serverless.executor.disk": "100G",
        }
    )
    assert workers == Workers(Worker(1, 2, 20), Worker(8, 36, 100), 5)


def test_an_overhead_that_is_set_replaces_the_factor() -> None:
    properties = {"spark.driver.memory": "14g", "spark.driver.memoryOverhead": "4g"}
    assert workers_of(properties).driver.memory == 18


@pytest.mark.parametrize(
    ("maximum", "executors"),
    [
        ({"cpu": "12 vCPU", "memory": "400 GB"}, 2),
        ({"cpu": "400vCPU", "memory": "40GB"}, 1),
        ({"cpu": "400 vCPU", "memory": "400 GB", "disk": "60 GB"}, 2),
        ({"cpu": "4 vCPU", "memory": "16 GB"}, 1),
        ({"cpu": "400 vCPU", "memory": "400 GB"}, 3),
    ],
)
def test_the_maximum_capacity_limits_the_number_of_executors(maximum: dict[str, str], executors: int) -> None:
    assert workers_of({}, maximum).executors == executors


@pytest.mark.parametrize(
    ("properties", "message"),
    [
        ({"spark.executor.cores": "3"}, "spark.executor.cores is '3', it must be one of 1, 2, 4, 8, 16"),
        ({"spark.driver.memory": "28g"}, "needs 30.8 GB, .* at most 30 GB"),
        ({"spark.driver.memory": "much"}, "spark.driver.memory is 'much'"),
        ({"spark.driver.memoryOverheadFactor": "much"}, "spark.driver.memoryOverheadFactor is 'much'"),
        ({"spark.executor.instances": "-1"}, "spark.executor.instances is '-1'"),
    ],
)
def test_workers_of_another_size_are_refused(properties: dict[str, str], message: str) -> None:
    with pytest.raises(AwsError, match=message):
        workers_of(properties)


def test_seconds_are_rounded_up_and_one_minute_of_each_attempt_is_billed() -> None:
    workers = Workers(Worker(4, 16, 20), Worker(4, 16, 50), 3)
    attempts = [attempt(29.2), attempt(90)]
    assert total(workers, attempts) == {"vCPUHour": 0.533, "memoryGBHour": 2.133, "storageGBHour": 5.667}
    assert billed(workers, attempts) == {"vCPUHour": 0.667, "memoryGBHour": 2.667, "storageGBHour": 3.75}


def test_an_attempt_that_never_ran_is_not_billed() -> None:
    never = Attempt(1, NOW, NOW, ended=NOW)
    assert set(billed(workers_of({}), [never]).values()) == {0.0}
