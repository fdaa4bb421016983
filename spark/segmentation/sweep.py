"""Clusterings for a range of k, several seeded starts each, and how good each k is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from pyspark import RDD
from pyspark.sql import DataFrame, SparkSession

from segmentation.blocks import Array
from segmentation.kmeans import MAX_PASSES, fit_all, tallies, tally
from segmentation.schemas import TABLES
from segmentation.seeding import starting_centres
from segmentation.validity import Trials, Validity, assess

#: Draws of starting centres that settle on the sample for each start.
DRAWS = 5


@dataclass(frozen=True)
class Sweep:
    """The best centres (k × values) of each k with their validity, and what the reader should know."""

    centres: dict[int, Array]
    validity: dict[int, Validity]
    passes: int
    notes: tuple[str, ...]


def sweep(blocks: RDD[Array], sample: Array, ks: Sequence[int], n_init: int, seed: int) -> Sweep:
    """Fit each k from ``n_init`` starts and assess it over all customers; of the starts the lowest WSSSE wins."""
    plan = [(k, start) for k in ks for start in range(n_init)]
    fits = fit_all([_start(sample, k, (seed, k, start)) for k, start in plan], partial(tallies, blocks))
    results = tallies(blocks, {number: each.centres for number, each in enumerate(fits)})
    trials = []
    for k in ks:
        own = [number for number, (its_k, _) in enumerate(plan) if its_k == k]
        best = min(own, key=lambda number: results[number].cost)
        trials.append(Trials(tuple(fits[number].centres for number in own), own.index(best), results[best]))
    return Sweep(
        {trial.k: trial.centres[trial.best] for trial in trials},
        assess(blocks, trials),
        max(each.passes for each in fits),
        tuple(
            f"k {k}, start {start + 1}: the centres still moved after {MAX_PASSES} passes"
            for (k, start), each in zip(plan, fits, strict=True)
            if not each.done
        ),
    )


def _start(sample: Array, k: int, seed: tuple[int, ...]) -> Array:
    """Return the centres (k × values) that settle best on the sample, of a few draws.

    This saves most of the passes over all customers, and most starts that would end in a poor local optimum
    (Bradley and Fayyad 1998, "Refining Initial Points for K-Means Clustering").
    """
    points = np.ascontiguousarray(sample.T)
    draws = [starting_centres(sample, k, (*seed, draw)) for draw in range(DRAWS)]
    settled = fit_all(draws, lambda moving: {key: tally(points, centres) for key, centres in moving.items()})
    return min(settled, key=lambda each: each.cost).centres


def model_selection(spark: SparkSession, validity: Mapping[int, Validity], chosen: int) -> DataFrame:
    """Return model_selection."""
    rows = [
        (k, each.wssse, each.silhouette, each.calinski_harabasz, each.stability, k == chosen)
        for k, each in sorted(validity.items())
    ]
    return spark.createDataFrame(rows, TABLES["model_selection"]).coalesce(1)
