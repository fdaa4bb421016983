"""The choice of the number of segments, by one written rule, and what it means for the reader."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from pyspark.sql import DataFrame, SparkSession

from segmentation.agreement import adjusted_mutual_information, contingency_matrix
from segmentation.blocks import Array
from segmentation.evaluation import Scores
from segmentation.kmeans import predict
from segmentation.resampling import Gap
from segmentation.seeding import Sample
from segmentation.small_tables import small_table

#: Above this adjusted mutual information, a clustering repeats a given column.
REPEATS = 0.9
#: Below this adjusted Rand index, the recovery is poor (Steinley 2004, "Properties of the Hubert-Arabie Adjusted Rand
#: Index").
MIN_STABILITY = 0.65
#: A smaller difference of silhouettes does not tell which k is better.
TOLERANCE = 0.01
#: From this gap, this stability and this valley between two clusters on, the customers form groups; otherwise the
#: segments are slices of a continuum.
MIN_GAP, GROUPS_STABILITY, MIN_VALLEY = 0.05, 0.8, 2.0
#: From this share of customers on, the segments follow a given column.
FOLLOWS = 0.95


@dataclass(frozen=True)
class Candidate:
    """A clustering into ``k`` clusters with its measures.

    ``column`` is the given column with the highest adjusted mutual information, ``mutual_information``; empty and None
    without such a column. ``common`` is the share of customers with the most frequent value of ``column``, ``purity``
    the share with the value that is most frequent in their cluster. ``gap`` is None if there are too few customers.
    """

    k: int
    scores: Scores
    stability: float
    gap: Gap | None = None
    column: str = ""
    mutual_information: float | None = None
    common: float = 0.0
    purity: float = 0.0

    @property
    def follows(self) -> bool:
        """Whether almost every cluster lies within one value of ``column``.

        A frequent value alone gives a high purity, so the clusters must also halve the errors of always guessing that
        value: the lambda of Goodman and Kruskal 1954 is at least 0.5.
        """
        return self.purity >= FOLLOWS and 1 - self.purity <= (1 - self.common) / 2

    @property
    def repeats(self) -> bool:
        """Whether the clustering repeats a given column."""
        return self.mutual_information is not None and self.mutual_information > REPEATS


@dataclass(frozen=True)
class Range:
    """The numbers of segments that the business can use, and the smallest share of customers in a segment."""

    k_min: int
    k_max: int
    min_share: float


@dataclass(frozen=True)
class Choice:
    """The chosen k, the reason in one sentence, and by k why it was chosen or not."""

    k: int
    why: str
    reasons: dict[int, str]


def rule(allowed: Range) -> list[str]:
    """Return the rule of the choice as sentences; ``choose_k`` follows it."""
    return [
        f"The number of segments, k, is from {allowed.k_min} to {allowed.k_max}, the range that the business can use.",
        "A k does not qualify if its split only repeats a column of the input, such as the customer type (adjusted "
        f"mutual information above {REPEATS}), if its smallest segment has less than {allowed.min_share:.1%} of the "
        "customers, or if the split is not stable (mean adjusted Rand index of the fits on bootstrap resamples below "
        f"{MIN_STABILITY}).",
        "Of the k that qualify, the one with the highest silhouette is chosen. Silhouettes that differ by at most "
        f"{TOLERANCE} count as equal: then the highest stability decides, rounded to two decimals, then the highest "
        "Calinski-Harabasz score.",
        "If no k qualifies, the conditions are dropped in this order until one does: the stability, the smallest "
        "share, the difference from the columns of the input.",
    ]


def compare_with_columns(sample: Sample, centers: Array) -> tuple[str, float | None, float, float]:
    """Return column, mutual information, common and purity of a ``Candidate`` with these centers, from the sample."""
    labels = predict(sample.points.T, centers)
    found: tuple[str, float | None, float, float] = ("", None, 0.0, 0.0)
    for column, texts in sample.columns.items():
        table = contingency_matrix(labels, texts)
        information = adjusted_mutual_information(table)
        # A column with a single value names no groups.
        if table.shape[1] > 1 and (found[1] is None or information > found[1]):
            common, pure = table.sum(axis=0).max(), table.max(axis=1).sum()
            found = column, information, float(common / table.sum()), float(pure / table.sum())
    return found


def groups_to_test(sample: Sample, candidates: Sequence[Candidate]) -> list[Array]:
    """Return the groups of customers in which to look for clusters: everyone, or the values of a repeated column.

    If a split repeats a given column, its groups are known already; the question is whether there are more.
    """
    repeated = [each.column for each in candidates if each.repeats]
    if not repeated:
        return [sample.points]
    texts = sample.columns[repeated[0]]
    return [sample.points[texts == value] for value in np.unique(texts)]


def choose_k(candidates: Sequence[Candidate], allowed: Range, fixed: int | None) -> Choice:
    """Return the choice by ``rule``, or ``fixed`` if it is given."""
    by_k = {each.k: each for each in candidates}
    in_range = [each for each in candidates if allowed.k_min <= each.k <= allowed.k_max]
    problems = {each.k: _problems(each, allowed) for each in candidates}
    reasons = {k: "; ".join(found.values()) for k, found in problems.items()}
    for each in candidates:
        if each not in in_range:
            reasons[each.k] = f"outside of the range {allowed.k_min} to {allowed.k_max}"
    if fixed is not None:
        reasons = {k: text or "not requested" for k, text in reasons.items()}
        return Choice(
            fixed,
            f"k {fixed} was requested; its silhouette is {by_k[fixed].scores.silhouette:.4f}, the highest is "
            f"{max(each.scores.silhouette for each in candidates):.4f}",
            reasons | {fixed: "requested"},
        )
    required = ["column", "share", "stability"]
    while not (qualified := [each for each in in_range if not problems[each.k].keys() & set(required)]):
        required.pop()
    best = max(each.scores.silhouette for each in qualified)
    tied = [each for each in qualified if each.scores.silhouette >= best - TOLERANCE]
    chosen = max(tied, key=lambda each: (round(each.stability, 2), each.scores.calinski_harabasz))
    for each in qualified:
        if each.k != chosen.k and not reasons[each.k]:
            reasons[each.k] = "equal silhouette, not better otherwise" if each in tied else "lower silhouette"
    why = (
        f"k {chosen.k} has the highest silhouette, {chosen.scores.silhouette:.4f}, of the {_count(qualified)}"
    )
    if len(tied) > 1:
        others = ", ".join(str(each.k) for each in tied)
        why = (
            f"k {chosen.k} has a silhouette of {chosen.scores.silhouette:.4f}; of the k within {TOLERANCE} of the "
            f"highest ({others}) it is the most stable; if equally stable, it has the highest Calinski-Harabasz score"
        )
    if problems[chosen.k]:
        why = f"no k qualifies ({reasons[chosen.k]}); with fewer conditions, {why}"
    return Choice(chosen.k, why, reasons | {chosen.k: "chosen"})


def findings(candidates: Sequence[Candidate], chosen: int) -> list[str]:
    """Return what a reader of the segments must know, as sentences: repeated columns, and whether there are groups."""
    candidate = next(each for each in candidates if each.k == chosen)
    sentences = []
    repeating = [each for each in candidates if each.repeats and each.k != chosen]
    if repeating:
        ks = ", ".join(f"k = {each.k}" for each in repeating)
        first = repeating[0]
        sentences.append(
            f"The split with {ks} only repeats {first.column} (adjusted mutual information "
            f"{first.mutual_information:.2f}), which the input already names: it is not a finding, and the number "
            "of segments is chosen among the others."
        )
    if candidate.repeats:
        sentences.append(
            f"These {chosen} segments only repeat {candidate.column} (adjusted mutual information "
            f"{candidate.mutual_information:.2f}), which the input already names: they are not a finding."
        )
    elif candidate.follows:
        sentences.append(
            f"Also with {chosen} segments, {candidate.purity:.0%} of the customers have the {candidate.column} that is "
            f"usual in their segment: the segments divide the groups that {candidate.column} names."
        )
    if candidate.gap is not None:
        where = f"Within the groups of {repeating[0].column}, the" if repeating else "The"
        sentences.append(_clusters(candidate, where))
    return sentences


def is_compact(candidate: Candidate) -> bool:
    """Return whether the clusters are more compact than slices of one cloud, and stable."""
    return (
        candidate.gap is not None
        and candidate.gap.value - 2 * candidate.gap.error > 0
        and candidate.gap.value >= MIN_GAP
        and candidate.stability >= GROUPS_STABILITY
    )


def forms_groups(candidate: Candidate) -> bool:
    """Return whether the clusters are more than slices of one cloud: compact, stable, and with valleys between."""
    return is_compact(candidate) and candidate.gap is not None and candidate.gap.valley >= MIN_VALLEY


def model_selection(spark: SparkSession, candidates: Sequence[Candidate], choice: Choice) -> DataFrame:
    """Return model_selection."""
    rows = [
        (
            each.k,
            each.scores.wssse,
            each.scores.silhouette,
            each.scores.calinski_harabasz,
            each.stability,
            each.scores.start_agreement,
            each.scores.smallest_share,
            each.gap.value if each.gap else None,
            each.column or None,
            each.mutual_information,
            each.k == choice.k,
            choice.reasons[each.k],
        )
        for each in candidates
    ]
    return small_table(spark, "model_selection", rows)


def _problems(candidate: Candidate, allowed: Range) -> dict[str, str]:
    """Return by condition why the candidate does not qualify."""
    problems = {}
    if candidate.repeats:
        problems["column"] = f"repeats {candidate.column}"
    if candidate.scores.smallest_share < allowed.min_share:
        problems["share"] = (
            f"smallest segment {candidate.scores.smallest_share:.1%}, below {allowed.min_share:.1%}"
        )
    if candidate.stability < MIN_STABILITY:
        problems["stability"] = f"stability {candidate.stability:.2f}, below {MIN_STABILITY}"
    return problems


def _clusters(candidate: Candidate, where: str) -> str:
    assert candidate.gap is not None
    measured = (
        f"the sum of squares is {max(0.0, 1 - np.exp(-candidate.gap.value)):.0%} lower than for one normal cloud "
        f"without groups (gap statistic {candidate.gap.value:.3f} ± {candidate.gap.error:.3f}), stability "
        f"{candidate.stability:.2f}, "
        f"{'' if candidate.gap.valley >= MIN_VALLEY else 'not '}clearly fewer customers between two segments than in "
        "them"
    )
    if forms_groups(candidate):
        return f"{where} customers form groups: with {candidate.k} segments, {measured}."
    return (
        f"{where} customers hardly form groups: with {candidate.k} segments, {measured}. The segments are slices of a "
        "continuum: useful to address customers differently, but customers near a border could be in either segment."
    )


def _count(qualified: Sequence[Candidate]) -> str:
    ks = ", ".join(str(each.k) for each in qualified)
    return f"numbers that qualify ({ks})" if len(qualified) > 1 else f"only number that qualifies ({ks})"
