from __future__ import annotations

import pytest

from segmentation.features import FEATURES
from segmentation.labels import CONTRASTS, labels

ALL = {
    **dict.fromkeys((feature.name for feature in FEATURES), 1.0),
    "total_spend": 100.0,
    "total_orders": 10.0,
    "discounted_share": 0.0,
    "is_b2b": 0.0,
}
SPREAD = dict.fromkeys(ALL, 1.0)


@pytest.mark.parametrize(
    ("means", "label"),
    [
        ({"total_spend": 125.0, "discounted_share": 0.5, "is_b2b": 0.8}, "large discounted B2B orders"),
        ({"total_spend": 80.0}, "small full-price B2C orders"),
        ({"is_b2b": 0.5}, "medium full-price mixed orders"),
    ],
)
def test_words_for_size_discount_and_customer(means: dict[str, float], label: str) -> None:
    assert labels([ALL | means], ALL, SPREAD) == [label]


def test_segments_of_one_name_are_told_apart_by_what_differs_most() -> None:
    early, late = ALL | {"recency_days": 5.0, "weekend_share": 0.9}, ALL | {"recency_days": 1.0}

    assert labels([early, late], ALL, SPREAD) == [
        "medium full-price B2C orders, not seen for long",
        "medium full-price B2C orders, bought lately",
    ]


def test_no_two_segments_get_the_same_contrast() -> None:
    """Both early ones differ most by recency, the second takes what sets it apart next."""
    early = ALL | {"recency_days": 9.0}
    group = [early, early | {"tenure_days": 2.0}, ALL]

    assert [label.split(", ")[1] for label in labels(group, ALL, SPREAD)] == [
        "not seen for long",
        "long-standing",
        "bought lately",
    ]


def test_labels_are_distinct_even_of_segments_that_nothing_tells_apart() -> None:
    assert len(set(labels([ALL] * 50, ALL, SPREAD))) == 50
    assert len(set(labels([ALL] * 3, ALL, dict.fromkeys(ALL, 0.0)))) == 3


def test_customers_without_any_spend_have_a_label() -> None:
    nothing = ALL | {"total_spend": 0.0}

    assert labels([nothing], nothing, SPREAD) == ["small full-price B2C orders"]


def test_contrasts_are_features() -> None:
    assert set(CONTRASTS) <= {feature.name for feature in FEATURES}
