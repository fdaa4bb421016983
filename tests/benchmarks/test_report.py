"""The results page: medians, ratios, failures, and a projection from two measured cases."""

from __future__ import annotations

from typing import Any

from benchmarks.report import median_run, render


def run(wall: float, *, failure: str = "", **stages: dict[str, float]) -> dict[str, Any]:
    return {
        "wall": wall,
        "cpu": 2 * wall,
        "memory": 1_500_000_000,
        "failure": failure,
        "wssse": None if failure else 33.25,
        "stages": stages,
    }


def result(lines: int, **contenders: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "case": {"lines": lines, "customers": 10},
        "date": "2026-01-31 12:00",
        "machine": "2 cores, 8 GB",
        "contenders": contenders,
    }


def test_each_contender_has_its_median_and_ratio() -> None:
    page = render([result(1000, session=[run(9), run(10), run(50)], pandas=[run(5)])])
    assert "## 1,000 lines, 10 customers, 2026-01-31 12:00\n\n2 cores, 8 GB; runs: 3." in page
    assert "| this project, one session | 10.0 | 1.00 | 20.0 | 1.5 | 33.25 |" in page
    assert "| pandas and scikit-learn | 5.0 | 0.50 | 10.0 | 1.5 | 33.25 |" in page


def test_a_failed_contender_has_its_error_instead_of_a_time() -> None:
    page = render([result(1000, session=[run(9)], pandas=[run(5), run(2, failure="exit code -9")])])
    assert "| pandas and scikit-learn | failed: exit code -9 |  |  | 1.5 |  |" in page


def test_the_breakdown_ends_with_the_time_outside_the_jobs() -> None:
    page = render([result(1000, session=[run(9, pca={"measure": 2.0, "total": 3.0}, kmeans={"total": 4.0})])])
    assert "| pca | measure | 2.0 |" in page
    assert "|  | start and end of Java and Python | 2.0 |" in page


def test_one_case_gives_no_projection() -> None:
    assert "## Growth" not in render([result(1000, session=[run(9)])])


def test_growth_is_linear_between_the_smallest_and_largest_case() -> None:
    """10 s plus 1 s per thousand lines; CPU time is twice that, so 500 lines per second and core."""
    page = render([result(10_000, session=[run(20)]), result(90_000, session=[run(100)])])
    assert "each core processes 500 lines per second" in page
    assert "| 1,000,000 | 1,010 | 2,020 |" in page


def test_the_median_of_an_even_number_is_a_measured_run() -> None:
    assert median_run([run(4), run(1), run(3), run(2)])["wall"] == 3
