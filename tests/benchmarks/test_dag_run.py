"""The page of a run shows the measurements and their shares."""

from __future__ import annotations

from collections import Counter

from benchmarks.dag_run import Measured, render


def test_the_page_holds_shares_ratios_and_calls_by_service() -> None:
    calls = Counter(
        {
            "elasticmapreduce:DescribeStep": 7,
            "elasticmapreduce:RunJobFlow": 1,
            "athena:GetQueryResults": 4,
        }
    )
    parse = {"sales_segmentation": 0.6, "minimal": 0.3}
    page = render(Measured(1000, 130, 85, {"pauses between steps": 1.6, "repair_tables": 13.4}, calls, parse))
    assert "| of which in steps | 85 s, 85% |" in page
    assert "| of which repair_tables | 13.4 s |" in page
    assert "| calls to EMR | 8 |" in page
    assert "| calls to Athena | 4 |" in page
    assert "DescribeStep 7, GetQueryResults 4, RunJobFlow 1" in page
    assert "0.60 s, 2.0 times" in page
