"""The choice of the number of clusters."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from segmentation.evaluation import Scores

#: A smaller difference of silhouettes does not tell which k is better.
TOLERANCE = 0.01


@dataclass(frozen=True)
class Choice:
    """The chosen k, and the reason in one sentence."""

    k: int
    why: str


def choose_k(scores: Mapping[int, Scores], fixed: int | None) -> Choice:
    """Return ``fixed`` if it is given, else the k with the highest silhouette.

    Among all k with a silhouette within 0.01 of the highest, the most stable one is chosen (adjusted Rand index between
    starts, rounded to two decimals), and the smallest of equally stable ones.
    """
    best = max(each.silhouette for each in scores.values())
    if fixed is not None:
        return Choice(
            fixed,
            f"k {fixed} was requested; its silhouette is {scores[fixed].silhouette:.4f}, the highest is {best:.4f}",
        )
    tied = [k for k in sorted(scores) if scores[k].silhouette >= best - TOLERANCE]
    chosen = max(tied, key=lambda k: (round(scores[k].stability or 0.0, 2), -k))
    silhouette = scores[chosen].silhouette
    if len(tied) == 1:
        return Choice(chosen, f"k {chosen} has the highest silhouette, {silhouette:.4f}")
    others = ", ".join(str(k) for k in tied)
    return Choice(
        chosen,
        f"k {chosen} has a silhouette of {silhouette:.4f}; of the k within {TOLERANCE} of the highest ({others}) it is "
        "the most stable, or the smallest of equally stable ones",
    )
