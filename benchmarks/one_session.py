"""Runs the three jobs in one Spark session: ``one_session.py FLAGS``, a JSON object with each job's flags."""

from __future__ import annotations

import json
import sys

from pyspark.sql import SparkSession

import kmeans
import pca
import preprocess

if __name__ == "__main__":
    flags = json.loads(sys.argv[1])
    spark = SparkSession.builder.appName("one_session").getOrCreate()
    for job in (preprocess, pca, kmeans):
        job.main(flags[job.__name__])
    spark.stop()
