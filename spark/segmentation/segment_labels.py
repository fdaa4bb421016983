"""A short label for each segment, made from the means of its features: "large discounted B2B orders"."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

Means = Mapping[str, float]

#: The words for a segment that is below or above others with the same label, by feature; the clearest words first.
CONTRASTS = {
    "total_orders": ("few orders", "many orders"),
    "avg_unit_price": ("cheap goods", "premium goods"),
    "recency_days": ("bought lately", "not seen for long"),
    "tenure_days": ("newcomers", "long-standing"),
    "quantity_per_order": ("few units", "many units"),
    "lines_per_order": ("short lists", "long lists"),
    "total_spend": ("low spend", "high spend"),
    "avg_discount": ("low discounts", "high discounts"),
    "share_soft_drinks": ("hardly soft drinks", "mostly soft drinks"),
    "share_alcoholic_beverages": ("hardly alcohol", "mostly alcohol"),
    "share_juices": ("hardly juices", "mostly juices"),
    "share_water": ("hardly water", "mostly water"),
    "product_diversity": ("narrow choice", "wide choice"),
    "weekend_share": ("on weekdays", "at weekends"),
    "seasonality": ("all year", "seasonal"),
}


def segment_labels(segments: Sequence[Means], mean: Means, std: Means) -> list[str]:
    """Return a distinct label for each of ``segments``, which are the means of the features.

    ``mean`` and ``std`` are those of all customers. A label gives the size of an order, whether it is discounted, and
    the customer type. Segments with the same label also get their largest difference from each other, measured in
    standard deviations, or a number if there is none.
    """
    by_label: dict[str, list[int]] = defaultdict(list)
    for number, means in enumerate(segments):
        by_label[_basic_label(means, mean)].append(number)
    named: dict[int, str] = {}
    for words, numbers in by_label.items():
        if len(numbers) == 1:
            named[numbers[0]] = words
            continue
        contrasts = _contrasts([segments[number] for number in numbers], std)
        named.update((n, f"{words}, {contrast}") for n, contrast in zip(numbers, contrasts, strict=True))
    return [named[number] for number in range(len(segments))]


def _basic_label(means: Means, mean: Means) -> str:
    """Return size, discount and customer type; orders are large from 1.25 times the mean spend per order of all."""
    size = _ratio(means["total_spend"], means["total_orders"]) / (
        _ratio(mean["total_spend"], mean["total_orders"]) or 1.0
    )
    amount = "large" if size >= 1.25 else "small" if size <= 0.8 else "medium"
    discount = "discounted" if means["discounted_share"] >= 0.5 else "full-price"
    customer = "B2B" if means["is_b2b"] >= 0.8 else "B2C" if means["is_b2b"] <= 0.2 else "mixed"
    return f"{amount} {discount} {customer} orders"


def _contrasts(group: Sequence[Means], std: Means) -> list[str]:
    """Return distinct words for each segment: its largest difference from the mean of the group not used yet."""
    used: list[str] = []
    for means in group:
        candidates = []
        for feature, (low, high) in CONTRASTS.items():
            if std[feature] > 0:
                difference = means[feature] - sum(other[feature] for other in group) / len(group)
                candidates.append((abs(difference) / std[feature], high if difference > 0 else low))
        unused = [(size, words) for size, words in candidates if size > 0 and words not in used]
        strongest = max(unused, key=lambda candidate: candidate[0], default=(0.0, f"group {len(used) + 1}"))
        used.append(strongest[1])
    return used


def _ratio(amount: float, by: float) -> float:
    return amount / by if by else 0.0
