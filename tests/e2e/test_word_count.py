"""The second pipeline, as a user starts it."""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Callable

from tests.e2e.conftest import Run


def test_a_run_counts_the_words_of_the_sample_text(pipeline: Callable[..., Run]) -> None:
    run = pipeline("DAG=word_count", "ROWS=500")
    assert run.code == 0, run.screen
    assert "No cluster is alive." in run.screen
    assert run.processes() == []
    words = re.findall(r"[a-z]+", (run.bucket / "raw" / "words-500.txt").read_text().lower())
    expected = sorted(Counter(words).items(), key=lambda item: (-item[1], item[0]))[:10]
    (answer,) = (run.bucket / "athena-results").glob("*.csv")
    with answer.open() as file:
        rows = list(csv.DictReader(file))
    assert [(row["word"], int(row["occurrences"])) for row in rows] == expected
    assert float(rows[0]["share"]) == round(expected[0][1] / len(words), 4)
