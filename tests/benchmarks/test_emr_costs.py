"""Time and cost of a run on EMR are computed from the measured time of a line."""

from __future__ import annotations

import pytest

from benchmarks.emr_costs import SESSION, Speed, page, shapes, speed
from benchmarks.report import Result

HOURLY = {"m7g.xlarge": 0.36, "ARM64 vCPU": 0.036, "ARM64 GB of memory": 0.0045}


def result(lines: int, wall: float, date: str, customers: int = 10_000, contender: str = SESSION) -> Result:
    runs = [{"wall": wall, "failure": ""}]
    case = {"lines": lines, "customers": customers}
    return {"case": case, "date": date, "machine": "2 cores, 25 GB", "contenders": {contender: runs}}


SMALL = result(1_048_575, 50.0, "2026-11-28 14:35")
LARGE = result(10_485_750, 110.0, "2026-11-28 15:05")
MANY = result(10_485_750, 400.0, "2026-11-25 20:58", customers=1_000_000)
THEN = result(10_485_750, 200.0, "2026-11-25 21:07")


def test_the_time_of_a_line_is_the_difference_of_the_newest_results() -> None:
    older = [result(31_457_250, 465.0, "2026-11-25 23:37"), result(1_048_575, 92.0, "2026-11-25 23:00")]
    other = [result(31_457_250, 300.0, "2026-11-29 10:00", contender="pandas")]
    measured = speed([LARGE, MANY, *other, SMALL, THEN, *older])
    assert (measured.small, measured.large) == (SMALL, LARGE)
    assert measured.core_seconds == pytest.approx(2 * 60 / 9_437_175)


def test_the_growth_with_the_customers_compares_results_of_about_the_same_time() -> None:
    assert speed([SMALL, LARGE, MANY, THEN]).growth == 2.0


@pytest.mark.parametrize(
    ("results", "arguments"),
    [([SMALL, MANY], "SCALE=10"), ([LARGE, MANY], "SCALE=1"), ([SMALL, LARGE], "CUSTOMERS=1000000")],
)
def test_the_benchmark_of_a_missing_result_is_named(results: list[Result], arguments: str) -> None:
    with pytest.raises(LookupError, match=f"make benchmark {arguments} ONLY=session"):
        speed(results)


def test_a_run_costs_all_nodes_for_its_whole_time() -> None:
    by_name = {shape.name: shape for shape in shapes(HOURLY)}
    cluster, serverless = by_name["cluster, 2 core nodes"], by_name["Serverless, 2 workers"]
    seconds = cluster.seconds(10**6, core_seconds=8e-6)
    assert seconds == 600 + 3 * 60 + 1
    assert cluster.dollars(seconds) == pytest.approx(3 * 0.36 / 3600 * seconds)
    assert serverless.dollars(3600) == pytest.approx(3 * (4 * 0.036 + 16 * 0.0045))


def test_one_cost_of_each_row_is_the_lowest() -> None:
    text = page(Speed(SMALL, LARGE, 2.0, 10_485_750), shapes(HOURLY), "2026-11-27")
    rows = [line for line in text.splitlines() if line.startswith("| 1")]
    assert [row.count("**$") for row in rows] == [1] * 5
