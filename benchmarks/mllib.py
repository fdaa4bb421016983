"""Compares k-means and PCA of the jobs with Spark MLlib's: ``make benchmark-mllib [CUSTOMERS=10000] [K_MAX=10]``.

The customers are those of the sample; for more than 10,000 they are repeated with noise. All work is in one Spark
session with cached, fitted partitions, after a warm-up. Adds a run to ``mllib.json`` and writes ``mllib.md``.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable, Sequence
from multiprocessing.pool import ThreadPool
from typing import Any

import numpy as np
import psutil
from pyspark.ml.clustering import KMeans
from pyspark.ml.evaluation import ClusteringEvaluator
from pyspark.ml.feature import PCA
from pyspark.ml.functions import array_to_vector
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

import preprocess
from benchmarks.cases import CUSTOMERS, LINES, Case
from benchmarks.contenders import PROJECT, environment, flags
from segmentation.blocks import aggregate, arrange, as_blocks, partition_count
from segmentation.components import principal_components
from segmentation.features import feature_set
from segmentation.grid_search import grid_search
from segmentation.kmeans import MAX_ITER
from segmentation.moments import Moments
from segmentation.seeding import sample

WORK = PROJECT / ".local" / "benchmark"
RESULTS = PROJECT / "benchmarks" / "mllib.json"
SEED = 7
THREADS = 3
"""Fits of MLlib at the same time."""
NOISE = 0.02
"""Standard deviation of the noise of repeated customers, as a share of the range of a feature."""


def customers(spark: SparkSession, uri: str, count: int) -> DataFrame:
    """Return ``count`` customers with the seven features of the study, min-max scaled, as array and vector, cached."""
    names = [feature.name for feature in feature_set("notebook")]
    found = spark.read.parquet(uri)
    limits = found.agg(*(limit(name) for name in names for limit in (F.min, F.max))).first()
    assert limits is not None, "an aggregate has one row"
    repeated = found.crossJoin(spark.range(-(-count // found.count())))
    scaled = [
        (F.col(name) - low) / ((high - low) or 1.0)
        + F.when(F.col("id") > 0, NOISE * F.randn(SEED + at)).otherwise(0.0)
        for at, (name, low, high) in enumerate(zip(names, limits[::2], limits[1::2], strict=True))
    ]
    named = repeated.select(
        F.concat_ws("-", "customer_id", "id").alias("customer_id"), F.array(*scaled).alias("values")
    )
    chosen = named.orderBy("customer_id").limit(count).repartition(partition_count(count), "customer_id")
    result = chosen.withColumn("vector", array_to_vector(F.col("values"))).cache()
    result.count()
    return result


def own_kmeans(frame: DataFrame, rows: int, ks: Sequence[int]) -> dict[int, tuple[float, float]]:
    """Return the sum of squares and the silhouette of each k; one start for each."""
    blocks = as_blocks(arrange(rows, frame), F.col("values")).cache()
    search = grid_search(blocks, sample(frame, F.col("values"), SEED).points, ks, 1, SEED)
    blocks.unpersist()
    return {k: (scores.wssse, scores.silhouette) for k, scores in search.scores.items()}


def mllib_kmeans(frame: DataFrame, ks: Sequence[int]) -> dict[int, tuple[float, float]]:
    """Return the same with MLlib, which fits one k at a time."""
    evaluator = ClusteringEvaluator(featuresCol="vector")

    def fit(k: int) -> tuple[float, float]:
        model = KMeans(k=k, seed=SEED, maxIter=MAX_ITER, featuresCol="vector").fit(frame)
        return float(model.summary.trainingCost), float(evaluator.evaluate(model.transform(frame)))

    with ThreadPool(THREADS) as pool:
        return dict(zip(ks, pool.map(fit, ks, chunksize=1), strict=True))


def own_pca(frame: DataFrame, rows: int) -> np.ndarray[Any, Any]:
    """Return the components, one in each row."""
    moments = aggregate(as_blocks(arrange(rows, frame), F.col("values")), Moments.of)
    return principal_components(moments.covariance, 1.0).loadings


def mllib_pca(frame: DataFrame) -> np.ndarray[Any, Any]:
    """Return the same with MLlib, where signs are arbitrary."""
    model = PCA(k=len(feature_set("notebook")), inputCol="vector", outputCol="pc").fit(frame)
    return model.pc.toArray().T


def measured(work: Callable[[], Any]) -> tuple[Any, dict[str, float]]:
    """Return the result of ``work``, and the wall and CPU seconds of this process, Java and the Python workers."""
    began, cpu = time.monotonic(), _cpu()
    result = work()
    return result, {"wall": round(time.monotonic() - began, 2), "cpu": round(_cpu() - cpu, 2)}


def compare(frame: DataFrame, count: int, k_max: int) -> dict[str, Any]:
    """Return the costs and results of both for ``count`` customers of ``frame`` and k from 2 to ``k_max``."""
    ks = range(2, k_max + 1)
    warm = frame.limit(500).cache()
    own_kmeans(warm, 500, [2])
    own_pca(warm, 500)
    mllib_kmeans(warm, [2])
    mllib_pca(warm)
    own, own_cost = measured(lambda: own_kmeans(frame, count, ks))
    mllib, mllib_cost = measured(lambda: mllib_kmeans(frame, ks))
    own_pc, own_pca_cost = measured(lambda: own_pca(frame, count))
    mllib_pc, mllib_pca_cost = measured(lambda: mllib_pca(frame))
    one = frame.coalesce(1)
    return {
        "customers": count,
        "kmeans": {"own": own_cost, "mllib": mllib_cost},
        "k": {str(k): {"own": own[k], "mllib": mllib[k]} for k in ks},
        "pca": {"own": own_pca_cost, "mllib": mllib_pca_cost},
        "pca_difference": float(np.abs(np.abs(own_pc) - np.abs(mllib_pc)).max()),
        "pca_with_one_partition": {
            "own": float(np.abs(own_pca(one, count) - own_pc).max()),
            "mllib": float(np.abs(mllib_pca(one) - mllib_pc).max()),
        },
    }


def page(results: Sequence[dict[str, Any]]) -> str:
    """Return the page in Markdown: a table of the costs, and one of the sums of squares and silhouettes."""
    costs, quality = [], []
    for each in results:
        ks = list(each["k"])
        for title, key in ((f"k-means, k from 2 to {ks[-1]}, one start", "kmeans"), ("PCA", "pca")):
            own, mllib = each[key]["own"], each[key]["mllib"]
            costs.append(
                f"| {each['customers']:,} | {title} | {own['wall']:.1f} | {mllib['wall']:.1f} "
                f"| {own['cpu']:.1f} | {mllib['cpu']:.1f} | {mllib['cpu'] / own['cpu']:.1f} |"
            )
        for k, both in each["k"].items():
            sums, silhouettes = zip(both["own"], both["mllib"], strict=True)
            cells = [f"{value:,.2f}" for value in sums] + [f"{value:.4f}" for value in silhouettes]
            quality.append(f"| {each['customers']:,} | {k} | {' | '.join(cells)} |")
    differences = "\n".join(
        f"| {each['customers']:,} | {each['pca_difference']:.0e} | {each['pca_with_one_partition']['own']:.0e} "
        f"| {each['pca_with_one_partition']['mllib']:.0e} |"
        for each in results
    )
    return TEXT.format(costs="\n".join(costs), quality="\n".join(quality), differences=differences)


TEXT = """# k-means and PCA of the jobs and of Spark MLlib

Written by `make benchmark-mllib`; do not edit. One run each on two shared cores; CPU time depends less on the other
programs than wall time. MLlib fits three k at the same time. Both include the silhouettes, and our time also includes
the shuffle into blocks.

| customers | work | ours, wall s | MLlib, wall s | ours, CPU s | MLlib, CPU s | ratio of CPU |
| ---: | --- | ---: | ---: | ---: | ---: | ---: |
{costs}

Largest differences of a loading, apart from signs:

| customers | ours and MLlib's | ours, with one partition instead | MLlib's, with one partition instead |
| ---: | ---: | ---: | ---: |
{differences}

Quality of each k:

| customers | k | WSSSE, ours | WSSSE, MLlib | silhouette, ours | silhouette, MLlib |
| ---: | ---: | ---: | ---: | ---: | ---: |
{quality}
"""


def _cpu() -> float:
    """Return the CPU seconds of this process and all its children: Java and the Python workers."""
    this = psutil.Process()
    times = [each.cpu_times() for each in (this, *this.children(recursive=True))]
    return sum(float(each.user + each.system + each.children_user + each.children_system) for each in times)


def main(arguments: Sequence[str]) -> None:
    given = dict(argument.split("=", 1) for argument in arguments)
    count, k_max = int(given.get("CUSTOMERS", CUSTOMERS)), int(given.get("K_MAX", 10))
    output = WORK / "mllib"
    job_flags = flags("notebook", 1, Case(LINES, CUSTOMERS).sample(WORK / "data"), output)
    os.environ.update(environment(WORK) | {"PYTHONPATH": os.pathsep.join(sys.path)})
    builder = SparkSession.builder.master("local[*]").config("spark.driver.memory", "3g")
    spark = builder.config("spark.ui.enabled", "false").config("spark.log.level", "WARN").getOrCreate()
    features = output / "processed" / "customer_features"
    if not features.exists():
        preprocess.main(job_flags["preprocess"])
    frame = customers(spark, features.as_uri(), count)
    results = (
        [each for each in json.loads(RESULTS.read_text()) if each["customers"] != count]
        if RESULTS.exists()
        else []
    )
    results = sorted([*results, compare(frame, count, k_max)], key=lambda each: int(each["customers"]))
    RESULTS.write_text(json.dumps(results, indent=1) + "\n")
    RESULTS.with_suffix(".md").write_text(page(results))
    spark.stop()


if __name__ == "__main__":
    main(sys.argv[1:])
