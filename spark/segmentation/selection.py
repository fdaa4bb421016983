"""Which number of clusters to take, and the words for why."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from segmentation.validity import Validity

#: Silhouettes that differ by less say nothing about which k is better.
TIE = 0.01


@dataclass(frozen=True)
class Choice:
    """The chosen k, and why in one sentence."""

    k: int
    why: str


def choose(table: Mapping[int, Validity], fixed: int | None) -> Choice:
    """Return ``fixed`` if given, else the k with the highest silhouette.

    Among the k whose silhouette is within 0.01 of the highest: the most stable, to two decimals of the
    adjusted Rand index between starts, and of equals the smallest.
    """
    best = max(table.values(), key=lambda validity: validity.silhouette).silhouette
    if fixed is not None:
        return Choice(
            fixed,
            f"k {fixed} was asked for; its silhouette is {table[fixed].silhouette:.4f}, the highest is {best:.4f}",
        )
    tied = [k for k in sorted(table) if table[k].silhouette >= best - TIE]
    chosen = max(tied, key=lambda k: (round(table[k].stability or 0.0, 2), -k))
    silhouette = table[chosen].silhouette
    if len(tied) == 1:
        return Choice(chosen, f"k {chosen} has the highest silhouette, {silhouette:.4f}")
    others = ", ".join(str(k) for k in tied)
    return Choice(
        chosen,
        f"k {chosen} has a silhouette of {silhouette:.4f}; of the k within {TIE} of the highest ({others}) it is the "
        "most stable, or the smallest of equally stable ones",
    )
