"""Customers with planted segments: how each customer buys, by a segment that is known.

Each customer has one number for each trait, in standard deviations within a segment. Each segment raises or lowers
each trait as in a simplex code, so that two segments differ in exactly four traits, and any two have the same distance,
the separation. At a separation of 4, 2.3 % of the customers of one of two segments are nearer to the other. The lines
of a customer add noise. The customer type and the region have no effect.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

TRAITS = ("orders", "quantity", "alcohol", "autumn", "weekend", "discounts", "lines")
AMOUNT_SLOPE, LOGIT_SLOPE = 0.3, 0.5
"""The change of the logarithm of an amount, and of a logit, with one standard deviation of a trait."""
DISCOUNTS = (5, 10, 15)  # percent
MIN_SEGMENTS = 2
MAX_SEGMENTS = len(TRAITS) + 1


@dataclass(frozen=True)
class Behaviour:
    """One entry per customer: the planted segment, and the probabilities that follow from the traits.

    ``order`` is the share of all orders, ``max_quantity`` the largest number of pieces of a line; the others are the
    probabilities that an order has one more line, that a line is alcohol or has a discount, and that an order is on a
    weekend or in October to December.
    """

    segment: Ints
    order: Floats
    line: Floats
    max_quantity: Ints
    alcohol: Floats
    weekend: Floats
    autumn: Floats
    discount: Floats

    @staticmethod
    def draw(count: int, segments: int, separation: float, random: np.random.Generator) -> "Behaviour":
        """Draw the segments, equally frequent, and the traits of ``count`` customers."""
        segment = random.permutation(np.arange(count) % segments)
        code = np.array(
            [[(number & trait).bit_count() % 2 for number in range(segments)] for trait in range(1, 8)]
        )
        traits = random.standard_normal((len(TRAITS), count)) + separation / 4 * (1 - 2 * code[:, segment])
        orders, quantity = AMOUNT_SLOPE * traits[:2]
        alcohol, autumn, weekend, discounts, lines = LOGIT_SLOPE * traits[2:]
        weight = np.exp(orders)
        return Behaviour(
            segment=segment,
            order=weight / weight.sum(),
            line=_probability(lines),
            max_quantity=np.maximum(2, np.rint(12 * np.exp(quantity))).astype(np.int64),
            alcohol=_probability(alcohol - 2),
            weekend=_probability(weekend - 1),
            autumn=_probability(autumn - 1),
            discount=_probability(discounts - 1),
        )

    def draw_orders(
        self,
        weekend: npt.NDArray[np.bool_],
        autumn: npt.NDArray[np.bool_],
        count: int,
        random: np.random.Generator,
    ) -> tuple[Ints, Ints]:
        """Return customer and day of ``count`` orders; ``weekend`` and ``autumn`` have one value for each day."""
        customer = random.choice(len(self.order), count, p=self.order)
        is_weekend = random.random(count) < self.weekend[customer]
        is_autumn = random.random(count) < self.autumn[customer]
        day = np.zeros(count, dtype=np.int64)
        for on_weekend in (False, True):
            for in_autumn in (False, True):
                orders = np.flatnonzero((is_weekend == on_weekend) & (is_autumn == in_autumn))
                days = np.flatnonzero((weekend == on_weekend) & (autumn == in_autumn))
                day[orders] = days[random.integers(0, len(days), len(orders))]
        return customer, day

    def draw_sizes(self, customer: Ints, random: np.random.Generator) -> Ints:
        """Return the number of lines of each order, 1 to 5."""
        return 1 + random.binomial(4, self.line[customer])

    def write(self, path: Path) -> None:
        """Write the segment of each customer as CSV."""
        lines = (f"CUS{number},{segment}\n" for number, segment in enumerate(self.segment.tolist(), start=1))
        path.write_text("customer_id,planted_segment\n" + "".join(lines), encoding="utf-8")


def truth_path(path: Path) -> Path:
    """Return the file of the planted segments beside the sales lines in ``path``."""
    return path.with_suffix(".segments.csv")


def check(segments: int, separation: float) -> None:
    """Raise ValueError for values out of range."""
    if not MIN_SEGMENTS <= segments <= MAX_SEGMENTS:
        raise ValueError(f"segments must be {MIN_SEGMENTS} to {MAX_SEGMENTS}, not {segments}")
    if not 0 <= separation <= 20:
        raise ValueError(f"separation must be from 0 to 20, not {separation}")


def _probability(logit: Floats) -> Floats:
    return np.asarray(1 / (1 + np.exp(-logit)))


def choose_categories(
    alcohol: Floats, of_alcohol: int, others: Sequence[int], random: np.random.Generator
) -> Ints:
    """Return a category for each line: ``of_alcohol`` with the probability ``alcohol``, else one of ``others``."""
    other = np.array(others)[random.integers(0, len(others), len(alcohol))]
    return np.where(random.random(len(alcohol)) < alcohol, of_alcohol, other)
