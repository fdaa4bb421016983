from __future__ import annotations

import pytest

from segmentation.features import FEATURES
from segmentation.segment_labels import CONTRASTS, segment_labels

ALL = {
    **dict.fromkeys((feature.name for feature in FEATURES), 1.0),
    "total_spend": 100.0,
    "total_orders": 10.0,
    "discounted_share": 0.0,
    "is_b2b": 0.0,
}
STD = dict.fromkeys(ALL, 1.0)


@pytest.mark.parametrize(
    ("means", "label"),
    [
        ({"total_spend": 125.0, "discounted_share": 0.5, "is_b2b": 0.8}, "large discounted B2B orders"),
        ({"total_spend": 80.0}, "small full-price B2C orders"),
        ({"is_b2b": 0.5}, "medium full-price mixed orders"),
    ],
)
def test_a_label_has_size_discount_and_customer_type(means: dict[str, float], label: str) -> None:
    assert segment_labels([ALL | means], ALL, STD) == [label]


def test_segments_with_the_same_label_get_their_largest_difference() -> None:
    early, late = ALL | {"recency_days": 5.0, "weekend_share": 0.9}, ALL | {"recency_days": 1.0}

    assert segment_labels([early, late], ALL, STD) == [
        "medium full-price B2C orders, not seen for long",
        "medium full-price B2C orders, bought lately",
    ]


def test_no_two_segments_get_the_same_contrast() -> None:
    """The first two differ most in recency; the second gets its next largest difference."""
    early = ALL | {"recency_days": 9.0}
    group = [early, early | {"tenure_days": 2.0}, ALL]

    assert [label.split(", ")[1] for label in segment_labels(group, ALL, STD)] == [
        "not seen for long",
        "long-standing",
        "bought lately",
    ]


def test_labels_of_identical_segments_are_distinct() -> None:
    assert len(set(segment_labels([ALL] * 50, ALL, STD))) == 50
    assert len(set(segment_labels([ALL] * 3, ALL, dict.fromkeys(ALL, 0.0)))) == 3


def test_customers_without_any_spend_have_a_label() -> None:
    nothing = ALL | {"total_spend": 0.0}

    assert segment_labels([nothing], nothing, STD) == ["small full-price B2C orders"]


def test_contrasts_are_features() -> None:
    assert set(CONTRASTS) <= {feature.name for feature in FEATURES}
