"""A few words for each segment, from what its customers do: "large discounted B2B orders"."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

Means = Mapping[str, float]

#: How to say that a segment lies below or above others that share its name, by feature; the clearest words
#: first.
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


def labels(segments: Sequence[Means], mean: Means, deviation: Means) -> list[str]:
    """Return a distinct label for each of ``segments``, the means of its features.

    ``mean`` and ``deviation`` are those of all customers. A label says the size of an order, whether it is
    discounted, and who orders. Segments that share these words each get what sets it apart most from the
    others of its name, counted in standard deviations, and a number if nothing does.
    """
    alike: dict[str, list[int]] = defaultdict(list)
    for number, own in enumerate(segments):
        alike[_words(own, mean)].append(number)
    named: dict[int, str] = {}
    for words, numbers in alike.items():
        if len(numbers) == 1:
            named[numbers[0]] = words
            continue
        contrasts = _contrasts([segments[number] for number in numbers], deviation)
        named.update((n, f"{words}, {contrast}") for n, contrast in zip(numbers, contrasts, strict=True))
    return [named[number] for number in range(len(segments))]


def _words(own: Means, mean: Means) -> str:
    """Return size, discount and customer type; an order is large from 1.25 times the spend per order of all."""
    size = _ratio(own["total_spend"], own["total_orders"]) / (
        _ratio(mean["total_spend"], mean["total_orders"]) or 1.0
    )
    amount = "large" if size >= 1.25 else "small" if size <= 0.8 else "medium"
    price = "discounted" if own["discounted_share"] >= 0.5 else "full-price"
    who = "B2B" if own["is_b2b"] >= 0.8 else "B2C" if own["is_b2b"] <= 0.2 else "mixed"
    return f"{amount} {price} {who} orders"


def _contrasts(group: Sequence[Means], deviation: Means) -> list[str]:
    """Return distinct words for each of the group: the strongest contrast to its mean that is not yet taken."""
    taken: list[str] = []
    for own in group:
        offers = []
        for feature, (low, high) in CONTRASTS.items():
            if deviation[feature] > 0:
                apart = own[feature] - sum(other[feature] for other in group) / len(group)
                offers.append((abs(apart) / deviation[feature], high if apart > 0 else low))
        free = [(strength, words) for strength, words in offers if strength > 0 and words not in taken]
        strongest = max(free, key=lambda offer: offer[0], default=(0.0, f"group {len(taken) + 1}"))
        taken.append(strongest[1])
    return taken


def _ratio(amount: float, by: float) -> float:
    return amount / by if by else 0.0
