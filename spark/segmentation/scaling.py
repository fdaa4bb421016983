"""Features on a common scale, for methods based on distances and variances.

``notebook``: each feature is min-max scaled to 0..1, a constant one to 0.5 as in Spark, to compare with the published
results. ``extended``: skewed features become log(1 + x); constant features and duplicates of an earlier feature are
dropped; each of the others is standardised to mean 0 and sample variance 1. Both are then centered: this does not
change distances or variances, and the charts of the components are centered at 0.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from pyspark.ml import Transformer
from pyspark.ml.feature import SQLTransformer, VectorAssembler
from pyspark.sql import Column
from pyspark.sql import functions as F

from segmentation import models
from segmentation.blocks import Array
from segmentation.features import Feature
from segmentation.moments import Moments

#: Two features with at least this absolute correlation are duplicates; the difference from 1 is rounding.
DUPLICATE = 1 - 1e-9


@dataclass(frozen=True)
class Scaling:
    """The scaling of d features.

    ``features`` are the names of the features that are kept, ``covariance`` is the covariance of their scaled values
    (d × d). ``stages`` are the Spark ML stages from the columns of customer_features to the vector column ``scaled``.
    ``notes`` say which features carry no information and why, one sentence each.
    """

    features: tuple[str, ...]
    covariance: Array
    stages: tuple[Transformer, ...]
    notes: tuple[str, ...]


def transformed(features: Sequence[Feature], feature_set: str) -> Column:
    """Return the array column of the values before scaling, in the order of ``features``."""
    return F.array(*(_column(feature, feature_set) for feature in features))


def scale(features: Sequence[Feature], feature_set: str, moments: Moments) -> Scaling:
    """Return the scaling of ``feature_set`` from the moments of ``transformed``."""
    return _min_max(features, moments) if feature_set == "notebook" else _standard(features, moments)


def _min_max(features: Sequence[Feature], moments: Moments) -> Scaling:
    varies = ~moments.constant
    maximum = np.where(varies, moments.maximum, moments.minimum)
    width = maximum - moments.minimum
    factor = np.divide(1.0, width, out=np.zeros_like(width), where=varies)
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
            f"{name} is the same for all customers: it is scaled to 0.5 and has no effect"
            for name, varying in zip(names, varies, strict=True)
            if not varying
        ),
    )


def _standard(features: Sequence[Feature], moments: Moments) -> Scaling:
    std = moments.std
    divisor = np.where(std > 0, std, 1.0)
    correlation = moments.covariance / np.outer(divisor, divisor)
    kept: list[int] = []
    notes: list[str] = []
    for index, feature in enumerate(features):
        duplicate = next((other for other in kept if abs(correlation[index, other]) >= DUPLICATE), None)
        if std[index] == 0:
            notes.append(f"{feature.name} is dropped: it is the same for all customers")
        elif duplicate is not None:
            notes.append(f"{feature.name} is dropped: it duplicates {features[duplicate].name}")
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
            models.standard_scaler(moments.mean[kept], std[kept], "raw", "scaled"),
        ),
        tuple(notes),
    )


def _column(feature: Feature, feature_set: str) -> Column:
    value = F.col(feature.name).cast("double")
    return F.log1p(value) if feature.transform == "log1p" and feature_set != "notebook" else value
