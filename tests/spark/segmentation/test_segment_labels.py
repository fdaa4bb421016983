from __future__ import annotations

from segmentation.features import FEATURES
from segmentation.segment_labels import WORDS, segment_labels

ALL = dict.fromkeys((feature.name for feature in FEATURES), 1.0)
STD = dict.fromkeys(ALL, 1.0)
ALONE = {name: frozenset([name]) for name in ALL}


def labels(*segments: dict[str, float], std: dict[str, float] = STD) -> list[str]:
    return segment_labels([ALL | each for each in segments], ALL, std, ALONE)


def test_a_label_names_the_two_largest_differences_from_all_customers() -> None:
    assert labels({"total_spend": 3.0, "recency_days": -4.0, "weekend_share": 1.9}) == [
        "bought lately, high spend"
    ]


def test_a_difference_is_measured_in_standard_deviations_and_a_small_one_has_no_word() -> None:
    assert labels({"total_spend": 101.0, "avg_discount": 0.5}, std=STD | {"total_spend": 1000.0}) == [
        "low discounts"
    ]


def test_of_about_equal_differences_spend_is_named_first() -> None:
    assert labels({"discounted_share": 2.02, "total_spend": 1.99, "seasonality": 1.97}) == [
        "high spend, often discounted"
    ]


def test_features_that_say_the_same_are_named_once() -> None:
    same = ALONE | {
        "discounted_share": frozenset(["discounted_share", "avg_discount"]),
        "avg_discount": frozenset(["discounted_share", "avg_discount"]),
    }
    means = ALL | {"avg_discount": 4.0, "discounted_share": 3.0, "total_spend": 2.0}

    assert segment_labels([means], ALL, STD, same) == ["high discounts, high spend"]


def test_a_segment_without_notable_differences_is_like_all_customers() -> None:
    assert labels({"total_spend": 1.2}) == ["like all customers"]


def test_only_the_given_features_are_named() -> None:
    assert segment_labels([{"seasonality": 5.0}], ALL, STD, ALONE) == ["seasonal"]


def test_segments_with_the_same_label_get_their_largest_difference() -> None:
    same = {"total_spend": 9.0, "seasonality": 9.0}

    assert labels(same | {"recency_days": 5.0, "weekend_share": 1.9}, same | {"recency_days": 3.0}) == [
        "high spend, seasonal, not seen for long",
        "high spend, seasonal, bought lately",
    ]


def test_labels_of_identical_segments_are_distinct() -> None:
    assert len(set(labels(*[{}] * 50))) == 50
    assert len(set(labels(*[{}] * 3, std=dict.fromkeys(ALL, 0.0)))) == 3


def test_words_are_for_features_and_differ() -> None:
    assert set(WORDS) <= {feature.name for feature in FEATURES}
    assert len({word for pair in WORDS.values() for word in pair}) == 2 * len(WORDS)
