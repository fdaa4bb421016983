"""A short label for each segment, from the features that set it apart: "high spend, bought lately"."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

Means = Mapping[str, float]

#: The words for a segment whose mean of a feature is low or high; of differences that are equal to one decimal, the
#: first one is used.
WORDS = {
    "total_spend": ("low spend", "high spend"),
    "orders_per_month": ("rare orders", "frequent orders"),
    "recency_days": ("bought lately", "not seen for long"),
    "total_orders": ("few orders", "many orders"),
    "total_quantity": ("small volume", "large volume"),
    "quantity_per_order": ("small orders", "large orders"),
    "lines_per_order": ("short order lists", "long order lists"),
    "avg_unit_price": ("cheap goods", "premium goods"),
    "avg_discount": ("low discounts", "high discounts"),
    "discounted_share": ("rarely discounted", "often discounted"),
    "tenure_days": ("newcomers", "long-standing"),
    "share_alcoholic_beverages": ("little alcohol", "much alcohol"),
    "share_soft_drinks": ("few soft drinks", "many soft drinks"),
    "share_juices": ("few juices", "many juices"),
    "share_water": ("little water", "much water"),
    "share_other": ("few other goods", "many other goods"),
    "product_diversity": ("narrow choice", "wide choice"),
    "unique_products": ("few products", "many products"),
    "unique_categories": ("few categories", "many categories"),
    "region_count": ("few regions", "many regions"),
    "weekend_share": ("on weekdays", "at weekends"),
    "seasonality": ("all year", "seasonal"),
    "is_b2b": ("consumers", "businesses"),
}
#: Features in a label.
LENGTH = 2
#: A smaller difference from the mean of all customers, in standard deviations, is not worth a word.
NOTABLE = 0.3
#: Features with at least this absolute correlation say the same; a label has one of them.
SAME = 0.9


def segment_labels(
    segments: Sequence[Means], mean: Means, std: Means, related: Mapping[str, frozenset[str]]
) -> list[str]:
    """Return a distinct label for each of ``segments``, which are the means of the features to use.

    ``mean`` and ``std`` are those of all customers; ``related`` has for each feature those that say the same. A label
    names the features with the largest differences from all customers, in standard deviations. Segments with the same
    label also get their largest difference from each other, or a number if there is none.
    """
    by_label: dict[str, list[int]] = defaultdict(list)
    for number, means in enumerate(segments):
        by_label[_label(means, mean, std, related)].append(number)
    named: dict[int, str] = {}
    for words, numbers in by_label.items():
        if len(numbers) == 1:
            named[numbers[0]] = words
            continue
        contrasts = _contrasts([segments[number] for number in numbers], std, set(words.split(", ")))
        named.update((n, f"{words}, {contrast}") for n, contrast in zip(numbers, contrasts, strict=True))
    return [named[number] for number in range(len(segments))]


def _label(means: Means, mean: Means, std: Means, related: Mapping[str, frozenset[str]]) -> str:
    words: list[str] = []
    named: set[str] = set()
    for size, feature, word in _differences(means, mean, std):
        if size < NOTABLE or len(words) == LENGTH:
            break
        if not named & related[feature]:
            words.append(word)
            named.add(feature)
    return ", ".join(words) or "like all customers"


def _differences(means: Means, mean: Means, std: Means) -> list[tuple[float, str, str]]:
    """Return size, feature and word of each difference from ``mean``, the largest first."""
    found = []
    for feature, (low, high) in WORDS.items():
        if feature in means and std[feature] > 0:
            difference = (means[feature] - mean[feature]) / std[feature]
            found.append((abs(difference), feature, high if difference > 0 else low))
    return sorted(found, key=lambda each: -round(each[0], 1))


def _contrasts(group: Sequence[Means], std: Means, used: set[str]) -> list[str]:
    """Return distinct words for each segment: its largest difference from the mean of the group not used yet."""
    mean = {feature: sum(means[feature] for means in group) / len(group) for feature in group[0]}
    chosen: list[str] = []
    for means in group:
        unused = (word for size, _, word in _differences(means, mean, std) if size > 0 and word not in used)
        chosen.append(next(unused, f"group {len(chosen) + 1}"))
        used.add(chosen[-1])
    return chosen
