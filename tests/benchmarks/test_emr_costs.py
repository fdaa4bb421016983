"""Time and cost of a run on EMR are computed from the measured time of a line."""

from __future__ import annotations

import pytest

from benchmarks.emr_costs import FOLDER, core_seconds_per_line, page, shapes

HOURLY = {"m7g.xlarge": 0.36, "ARM64 vCPU": 0.036, "ARM64 GB of memory": 0.0045}


def test_the_time_of_a_line_is_the_difference_of_two_measurements() -> None:
    per_line = 2 * (465.1396 - 92.306) / (31_457_250 - 1_048_575)
    assert core_seconds_per_line(FOLDER / "results") == pytest.approx(per_line, rel=0.001)


def test_a_run_costs_all_nodes_for_its_whole_time() -> None:
    by_name = {shape.name: shape for shape in shapes(HOURLY)}
    cluster, serverless = by_name["cluster, 2 core nodes"], by_name["Serverless, 2 workers"]
    seconds = cluster.seconds(10**6, core_seconds=8e-6)
    assert seconds == 600 + 3 * 60 + 1
    assert cluster.dollars(seconds) == pytest.approx(3 * 0.36 / 3600 * seconds)
    assert serverless.dollars(3600) == pytest.approx(3 * (4 * 0.036 + 16 * 0.0045))


def test_one_cost_of_each_row_is_the_lowest() -> None:
    rows = [line for line in page(24e-6, shapes(HOURLY), "2026-11-27").splitlines() if line.startswith("| 1")]
    assert [row.count("**$") for row in rows] == [1] * 5
