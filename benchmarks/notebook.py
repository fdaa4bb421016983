"""The study's notebook, implemented from its description: ``notebook.py INPUT OUTPUT``.

pandas reads the CSV on the driver, createDataFrame passes it to Spark, exact distinct counts give the seven features,
MinMaxScaler scales them, KMeans is fitted for k from 2 to 10 and again for the chart, and PCA is last. Spark has its
default settings, and nothing is cached: with a cache, the 200 shuffle partitions would remain, and each iteration of
each fit would run 200 tiny tasks. There is no cleaning and no silhouette.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pandas as pd
from pyspark.ml.clustering import KMeans
from pyspark.ml.feature import PCA, MinMaxScaler, VectorAssembler
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

FEATURES = [
    "total_orders", "total_quantity", "total_spend", "avg_discount", "unique_products", "unique_categories",
    "region_count",
]  # fmt: skip
FINAL_K = 4


def main(source: str, target: Path) -> None:
    spark = SparkSession.builder.appName("notebook").getOrCreate()
    lines = spark.createDataFrame(pd.read_csv(source))
    customers = lines.groupBy("Customer_ID").agg(
        F.countDistinct("Order_ID").alias("total_orders"),
        F.sum("Quantity").alias("total_quantity"),
        F.sum("Total_Price").alias("total_spend"),
        F.avg("Discount").alias("avg_discount"),
        F.countDistinct("Product").alias("unique_products"),
        F.countDistinct("Category").alias("unique_categories"),
        F.countDistinct("Region").alias("region_count"),
    )
    assembled = VectorAssembler(inputCols=FEATURES, outputCol="raw").transform(customers)
    scaled = MinMaxScaler(inputCol="raw", outputCol="features").fit(assembled).transform(assembled)
    wssse = {k: KMeans(k=k, seed=1).fit(scaled).summary.trainingCost for k in range(2, 11)}
    segments = KMeans(k=FINAL_K).fit(scaled).transform(scaled)
    components = PCA(k=2, inputCol="features", outputCol="components").fit(segments).transform(segments)
    columns = ["Customer_ID", *FEATURES, "prediction"]
    components.select(columns).write.parquet(f"{target}/segments")
    (target / "wssse.json").write_text(json.dumps(wssse))
    spark.stop()


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
