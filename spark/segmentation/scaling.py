"""Features on a common scale, as a method built on distances and variances needs them.

``notebook``: each feature min-max scaled to 0..1, a constant one at Spark's 0.5, so that published figures
compare. ``extended``: skewed features as log(1 + x), constant features and copies of an earlier feature left
out, each standardised to mean 0 and sample variance 1. Both are then centred: distances and variances do not
change, and the components' pictures lie around 0.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from pyspark.ml import Transformer
from pyspark.ml.feature import SQLTransformer, VectorAssembler
from pyspark.sql import Column
from pyspark.sql.functions import array, col, log1p

from segmentation import models
from segmentation.blocks import Array
from segmentation.features import Feature
from segmentation.moments import Moments

#: Two features whose correlation is this close to ±1 say the same; what is left of 1 is rounding.
SAME = 1 - 1e-9


@dataclass(frozen=True)
class Scaling:
    """How d features are scaled.

    ``features`` are the ones that are kept, ``covariance`` is that of their scaled values (d × d). ``stages`` are the
    Spark ML stages from the columns of customer_features to the vector column ``scaled``. ``notes`` say what was left
    out and why, one sentence each.
    """

    features: tuple[str, ...]
    covariance: Array
    stages: tuple[Transformer, ...]
    notes: tuple[str, ...]


def transformed(features: Sequence[Feature], feature_set: str) -> Column:
    """Return the array column of the values that are then scaled, in the order of ``features``."""
    return array(*(_column(feature, feature_set) for feature in features))


def scale(features: Sequence[Feature], feature_set: str, moments: Moments) -> Scaling:
    """Return the scaling of ``feature_set`` from the moments of its transformed values."""
    return _min_max(features, moments) if feature_set == "notebook" else _standard(features, moments)


def _min_max(features: Sequence[Feature], moments: Moments) -> Scaling:
    varies = ~moments.constant
    maximum = np.where(varies, moments.maximum, moments.minimum)
    reach = maximum - moments.minimum
    factor = np.divide(1.0, reach, out=np.zeros_like(reach), where=varies)
    mean = np.where(varies, (moments.mean - moments.minimum) * factor, 0.5)
    names = tuple(feature.name for feature in features)
    return Scaling(
        names,
        moments.covariance * np.outer(factor, factor),
        (
            VectorAssembler(inputCols=list(names), outputCol="raw"),
            models.min_max_scaler(moments.minimum, maximum, "raw", "min_max"),
            models.standard_scaler(mean, np.ones_like(mean), "min_max", "scaled"),
        ),
        tuple(
            f"{name} is the same for all customers: it is scaled to 0.5 and adds nothing"
            for name, varying in zip(names, varies, strict=True)
            if not varying
        ),
    )


def _standard(features: Sequence[Feature], moments: Moments) -> Scaling:
    deviation = moments.deviation
    divisor = np.where(deviation > 0, deviation, 1.0)
    correlation = moments.covariance / np.outer(divisor, divisor)
    kept: list[int] = []
    notes: list[str] = []
    for index, feature in enumerate(features):
        copied = next((other for other in kept if abs(correlation[index, other]) >= SAME), None)
        if deviation[index] == 0:
            notes.append(f"{feature.name} is left out: it is the same for all customers")
        elif copied is not None:
            notes.append(f"{feature.name} is left out: it says the same as {features[copied].name}")
        else:
            kept.append(index)
    if not kept:
        return Scaling((), np.zeros((0, 0)), (), tuple(notes))
    chosen = [features[index] for index in kept]
    logs = ", ".join(
        f"log1p(`{feature.name}`) AS `log1p_{feature.name}`"
        for feature in chosen
        if feature.transform == "log1p"
    )
    inputs = [f"log1p_{f.name}" if f.transform == "log1p" else f.name for f in chosen]
    return Scaling(
        tuple(feature.name for feature in chosen),
        correlation[np.ix_(kept, kept)],
        (
            SQLTransformer(statement=f"SELECT *, {logs} FROM __THIS__" if logs else "SELECT * FROM __THIS__"),
            VectorAssembler(inputCols=inputs, outputCol="raw"),
            models.standard_scaler(moments.mean[kept], deviation[kept], "raw", "scaled"),
        ),
        tuple(notes),
    )


def _column(feature: Feature, feature_set: str) -> Column:
    value = col(feature.name).cast("double")
    return log1p(value) if feature.transform == "log1p" and feature_set != "notebook" else value
