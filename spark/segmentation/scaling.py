"""Features on a common scale, for methods based on distances and variances.

``notebook``: each feature is min-max scaled to 0..1, a constant one to 0.5 as in Spark, to compare with the published
results. ``extended``: skewed features become log(1 + x); outliers may be moved to a limit (``outliers.py``); constant
features and duplicates of an earlier feature are dropped; each of the others is standardised to mean 0 and sample
variance 1. Both are then centered: this does not change distances or variances, and the charts of the components are
centered at 0.
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
from segmentation.outliers import Limits

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


def scale(features: Sequence[Feature], feature_set: str, moments: Moments, limits: Limits) -> Scaling:
    """Return the scaling of ``feature_set`` from the moments of ``transformed`` within ``limits``."""
    return _min_max(features, moments) if feature_set == "notebook" else _standard(features, moments, limits)


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


def _standard(features: Sequence[Feature], moments: Moments, limits: Limits) -> Scaling:
    std = moments.std
    correlation = moments.correlation
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
    inputs: list[str] = []
    computed: list[str] = []
    for index in kept:
        column, sql = _sql(features[index], limits.lower[index], limits.upper[index])
        inputs.append(column)
        if sql != column:
            computed.append(f"{sql} AS `{column}`")
    return Scaling(
        tuple(features[index].name for index in kept),
        correlation[np.ix_(kept, kept)],
        (
            SQLTransformer(statement=f"SELECT {', '.join(['*', *computed])} FROM __THIS__"),
            VectorAssembler(inputCols=inputs, outputCol="raw"),
            models.standard_scaler(moments.mean[kept], std[kept], "raw", "scaled"),
        ),
        tuple(notes),
    )


def _sql(feature: Feature, lower: float, upper: float) -> tuple[str, str]:
    """Return the name of the column before scaling, and the SQL that computes it; both are equal without a change."""
    column, sql = feature.name, feature.name
    if feature.transform == "log1p":
        column, sql = f"log1p_{column}", f"log1p(`{sql}`)"
    if np.isfinite(lower):
        # repr has all digits; D is Spark's suffix of a double.
        column, sql = f"limited_{column}", f"least(greatest({sql}, {float(lower)!r}D), {float(upper)!r}D)"
    return column, sql


def _column(feature: Feature, feature_set: str) -> Column:
    value = F.col(feature.name).cast("double")
    return F.log1p(value) if feature.transform == "log1p" and feature_set != "notebook" else value
