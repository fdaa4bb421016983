"""The report shows every answer as a table, whatever the text in it."""

from __future__ import annotations

from sales_segmentation.report import render


def test_facts_come_first_and_each_question_is_a_table() -> None:
    answers = {"revenue_by_region": [{"region": "Bremen", "revenue": "12.50"}]}
    assert render(answers, {"run_date": "2026-01-31", "seed": "7"}) == (
        "# Customer segmentation, 2026-01-31\n\n- Run date: 2026-01-31\n- Seed: 7\n\n"
        "## Revenue by region\n\n| region | revenue |\n| --- | --- |\n| Bremen | 12.50 |\n"
    )


def test_an_answer_without_rows_says_so() -> None:
    assert "## Rejected lines\n\nNo rows.\n" in render({"rejected_lines": []}, {"run_date": "2026-01-31"})


def test_text_of_the_data_stays_in_its_cell() -> None:
    report = render({"q": [{"product": "a|b\nc\\"}]}, {"run_date": "2026-01-31"})
    assert "| a\\|b c\\\\ |" in report
