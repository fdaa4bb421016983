"""A small step that reads, aggregates and writes: ``make_class_archive.py`` archives the classes that it loads.

    spark-submit trial_step.py s3://bucket

It needs no particular result. The more usual operations it has, the more steps start faster.
"""

from __future__ import annotations

import sys

from pyspark import StorageLevel
from pyspark.ml import Pipeline, PipelineModel
from pyspark.ml.feature import StandardScaler, VectorAssembler
from pyspark.sql import DataFrame, Observation, SparkSession, Window
from pyspark.sql import functions as F


def main(bucket: str) -> None:
    spark = SparkSession.builder.getOrCreate()
    made = spark.range(200).select(
        F.concat(F.lit("key"), F.col("id")).alias("key"),
        (F.col("id") % 7).alias("number"),
        (F.rand(1) * 100).cast("decimal(10, 2)").alias("price"),
        F.date_add(F.lit("2026-01-01").cast("date"), F.col("id").cast("int")).alias("day"),
    )
    made.write.csv(f"{bucket}/csv", header=True)
    made.write.json(f"{bucket}/json")
    made.repartition(2).write.partitionBy("number").parquet(f"{bucket}/parquet")
    table = read_back(spark, bucket)
    groups = table.groupBy("number").agg(
        F.sum("price").alias("total"),
        F.avg("price").alias("mean"),
        F.countDistinct("key").alias("keys"),
        F.max("day").alias("last"),
        F.percentile_approx("price", 0.5).alias("median"),
        F.collect_set("key").alias("all"),
    )
    order = Window.partitionBy("number").orderBy("price")
    joined = table.join(groups, "number").withColumn("rank", F.row_number().over(order))
    joined.persist(StorageLevel.MEMORY_AND_DISK).orderBy("rank", "key").limit(10).collect()
    joined.createOrReplaceTempView("joined")
    spark.sql("select number, count(*) from joined where rank < 3 group by number having count(*) > 0").show()
    table.rdd.map(lambda row: (row.number, 1)).reduceByKey(lambda a, b: a + b).collect()
    spark.createDataFrame([("a", 1.0)], "name string, value double").write.parquet(f"{bucket}/small")
    fit(table.select(F.col("price").cast("double").alias("price")), f"{bucket}/model")
    spark.stop()


def read_back(spark: SparkSession, bucket: str) -> DataFrame:
    """Return the table, after it was also read in the other formats."""
    schema = "key string, number long, price decimal(10, 2), day date"
    for frame in (
        spark.read.csv(f"{bucket}/csv", header=True, schema=schema, mode="PERMISSIVE"),
        spark.read.json(f"{bucket}/json"),
        spark.read.text(f"{bucket}/csv")
        .select(F.from_csv("value", schema).alias("row"), F.split("value", ",").alias("fields"))
        .withColumn("file", F.input_file_name())
        .where(F.col("row.key").rlike("^key") & (F.trim(F.element_at("fields", 1)) != "key")),
    ):
        observation = Observation()
        frame.observe(observation, F.count("*").alias("rows")).dropDuplicates().count()
        assert observation.get["rows"]
    return spark.read.parquet(f"{bucket}/parquet")


def fit(table: DataFrame, path: str) -> None:
    """Fit, save, load and use a model."""
    assembler = VectorAssembler(inputCols=["price"], outputCol="features")
    scaler = StandardScaler(inputCol="features", outputCol="scaled")
    Pipeline(stages=[assembler, scaler]).fit(table).write().overwrite().save(path)
    PipelineModel.load(path).transform(table).select("scaled").collect()


if __name__ == "__main__":
    main(sys.argv[1])
