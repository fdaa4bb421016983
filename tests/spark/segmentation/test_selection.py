from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from pyspark.sql import SparkSession

from segmentation.evaluation import Scores
from segmentation.resampling import Gap
from segmentation.seeding import Sample
from segmentation.selection import (
    Candidate,
    Choice,
    Range,
    choose_k,
    compare_with_columns,
    findings,
    forms_groups,
    groups_to_test,
    model_selection,
    rule,
)

ALLOWED = Range(2, 8, 0.02)
CONTINUUM, CLEAR = Gap(0.005, 0.01, 0.0), Gap(0.3, 0.01, 9.0)


def candidate(
    k: int,
    silhouette: float,
    stability: float = 1.0,
    share: float = 0.1,
    information: float = 0.1,
    calinski_harabasz: float = 1.0,
    gap: Gap = CONTINUUM,
    common: float = 0.5,
    purity: float = 0.5,
) -> Candidate:
    scores = Scores(1.0, silhouette, calinski_harabasz, share, None)
    return Candidate(k, scores, stability, gap, "customer_type", information, common, purity)


def test_the_highest_silhouette_of_the_range_wins() -> None:
    choice = choose_k([candidate(2, 0.9), candidate(3, 0.3), candidate(4, 0.5)], Range(3, 4, 0.02), None)

    assert choice == Choice(
        4,
        "k 4 has the highest silhouette, 0.5000, of the numbers that qualify (3, 4)",
        {2: "outside of the range 3 to 4", 3: "lower silhouette", 4: "chosen"},
    )


def test_within_a_hundredth_the_more_stable_k_wins_and_then_calinski_harabasz() -> None:
    stable = choose_k(
        [candidate(2, 0.495, 0.7), candidate(3, 0.5, 0.8), candidate(4, 0.49, 1.0)], ALLOWED, None
    )
    equal = choose_k(
        [candidate(2, 0.495, 0.901, calinski_harabasz=5.0), candidate(3, 0.5, 0.899)], ALLOWED, None
    )

    assert stable.k == 4
    assert "(2, 3, 4)" in stable.why
    assert stable.reasons[3] == "equal silhouette, not better otherwise"
    assert equal.k == 2


@pytest.mark.parametrize(
    ("better", "reason"),
    [
        (candidate(2, 0.9, information=0.95), "repeats customer_type"),
        (candidate(2, 0.9, share=0.019), "smallest segment 1.9%, below 2.0%"),
        (candidate(2, 0.9, stability=0.6), "stability 0.60, below 0.65"),
    ],
)
def test_a_k_that_does_not_qualify_is_not_chosen_and_the_reason_is_given(
    better: Candidate, reason: str
) -> None:
    choice = choose_k([better, candidate(3, 0.2)], ALLOWED, None)

    assert choice.k == 3
    assert choice.why == "k 3 has the highest silhouette, 0.2000, of the only number that qualifies (3)"
    assert choice.reasons == {2: reason, 3: "chosen"}


def test_without_a_k_that_qualifies_the_stability_is_given_up_first_and_the_column_last() -> None:
    unstable, small = candidate(2, 0.2, stability=0.1), candidate(3, 0.3, share=0.0, stability=0.1)
    repeating = candidate(4, 0.9, information=1.0)

    assert choose_k([unstable, small, repeating], ALLOWED, None).k == 2
    assert choose_k([small, repeating], ALLOWED, None).k == 3
    last = choose_k([repeating], ALLOWED, None)
    assert last.k == 4
    assert last.why.startswith(
        "no k qualifies (repeats customer_type); with fewer conditions, k 4 has the highest"
    )


def test_a_fixed_k_is_used_and_compared() -> None:
    choice = choose_k([candidate(2, 0.3), candidate(3, 0.5)], ALLOWED, 2)

    assert choice.why == "k 2 was requested; its silhouette is 0.3000, the highest is 0.5000"
    assert choice.reasons == {2: "requested", 3: "not requested"}


def test_the_rule_has_the_limits_of_the_run() -> None:
    text = " ".join(rule(Range(4, 6, 0.125)))

    assert "from 4 to 6" in text
    assert "less than 12.5% of the customers" in text


def test_the_documented_rule_is_that_of_the_code() -> None:
    """docs/segments.md has the rule with the defaults of the form."""
    page = " ".join((Path(__file__).parents[3] / "docs" / "segments.md").read_text("utf-8").split())

    assert all(f"{number}. {text}" in page for number, text in enumerate(rule(Range(3, 8, 0.02)), start=1))


def test_the_nearest_given_column_is_found_on_the_sample() -> None:
    points = np.array([[0.0], [0.1], [9.0], [9.1]])
    columns = {"region": np.array(["x", "y", "x", "y"]), "type": np.array(["a", "a", "b", "b"])}
    constant = {"region": np.array(["x"] * 4)}

    assert compare_with_columns(Sample(points, columns), np.array([[0.0], [9.0]])) == (
        "type",
        pytest.approx(1.0),
        0.5,
        1.0,
    )
    assert compare_with_columns(Sample(points, constant), np.array([[0.0], [9.0]])) == ("", None, 0.0, 0.0)


def test_a_repeated_column_is_named_and_groups_are_looked_for_within_it() -> None:
    repeating, chosen = candidate(2, 0.9, information=1.0), candidate(3, 0.5, purity=0.99)
    first, follows, slices = findings([repeating, chosen], 3)

    assert first.startswith(
        "The split with k = 2 only repeats customer_type (adjusted mutual information 1.00)"
    )
    assert "99% of the customers have the customer_type that is usual in their segment" in follows
    assert slices.startswith("Within the groups of customer_type, the customers hardly form groups")
    assert "slices of a continuum" in slices
    sample = Sample(np.arange(4.0)[:, None], {"customer_type": np.array(["B2B", "B2C", "B2B", "B2B"])})
    assert [each.ravel().tolist() for each in groups_to_test(sample, [repeating, chosen])] == [[0, 2, 3], [1]]
    assert [each.ravel().tolist() for each in groups_to_test(sample, [chosen])] == [[0, 1, 2, 3]]


def test_a_column_with_one_frequent_value_is_not_followed_by_any_split() -> None:
    any_split, divides = (
        candidate(3, 0.5, common=0.96, purity=0.96),
        candidate(3, 0.5, common=0.96, purity=0.98),
    )

    assert not any("usual in their segment" in sentence for sentence in findings([any_split], 3))
    assert any("98% of the customers" in sentence for sentence in findings([divides], 3))


def test_requested_segments_that_repeat_a_column_are_no_finding() -> None:
    sentence = findings([candidate(2, 0.9, information=1.0)], 2)[0]

    assert sentence.startswith("These 2 segments only repeat customer_type")


@pytest.mark.parametrize(
    ("gap", "stability", "groups"),
    [
        (CLEAR, 0.9, True),
        (CLEAR, 0.7, False),
        (Gap(0.04, 0.001, 9.0), 1.0, False),
        (Gap(0.3, 0.2, 9.0), 1.0, False),
        (Gap(0.3, 0.01, 1.9), 1.0, False),
    ],
)
def test_groups_are_compact_beyond_the_error_stable_and_apart(
    gap: Gap, stability: float, groups: bool
) -> None:
    each = candidate(3, 0.5, stability, gap=gap)

    assert forms_groups(each) == groups
    assert ("The customers form groups" in findings([each], 3)[0]) == groups


def test_model_selection_has_a_row_with_the_reason_for_each_k(spark: SparkSession) -> None:
    candidates = [candidate(2, 0.9), Candidate(3, Scores(1.0, 0.5, 1.0, 0.2, 0.7), 0.8)]
    choice = choose_k(candidates, ALLOWED, None)
    first, second = model_selection(spark, candidates, choice).orderBy("k").collect()

    assert (first.given_column, first.mutual_information, first.gap) == ("customer_type", 0.1, 0.005)
    assert (first.chosen, first.reason) == (True, "chosen")
    assert (second.gap, second.given_column, second.start_agreement) == (None, None, 0.7)
    assert (second.chosen, second.reason) == (False, "lower silhouette")
