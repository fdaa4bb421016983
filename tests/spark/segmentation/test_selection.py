from __future__ import annotations

from segmentation.evaluation import Scores
from segmentation.selection import choose_k


def scores(silhouette: float, stability: float | None = None) -> Scores:
    return Scores(1.0, silhouette, 1.0, stability)


def test_the_highest_silhouette_wins() -> None:
    choice = choose_k({2: scores(0.3), 3: scores(0.5), 4: scores(0.4)}, None)

    assert choice.k == 3
    assert choice.why == "k 3 has the highest silhouette, 0.5000"


def test_within_a_hundredth_the_more_stable_k_wins() -> None:
    choice = choose_k(
        {2: scores(0.495, 0.7), 3: scores(0.5, 0.6), 4: scores(0.49, 1.0), 5: scores(0.4, 1.0)}, None
    )

    assert choice.k == 4
    assert "(2, 3, 4)" in choice.why


def test_of_equally_stable_k_the_smallest_wins() -> None:
    assert choose_k({2: scores(0.495, 0.901), 3: scores(0.5, 0.899)}, None).k == 2
    assert choose_k({2: scores(0.495), 3: scores(0.5)}, None).k == 2


def test_a_fixed_k_is_used_and_compared() -> None:
    choice = choose_k({2: scores(0.3), 3: scores(0.5)}, 2)

    assert choice.k == 2
    assert choice.why == "k 2 was requested; its silhouette is 0.3000, the highest is 0.5000"
