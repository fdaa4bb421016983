"""One small local Spark session for all tests of a process.

``tests/conftest.py`` imports the fixtures. ``make test-spark4`` runs without that file and loads this one as a plugin.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.spark.java import JavaMissing, java_home

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


def class_archive_options() -> list[str]:
    """Return the Java options that use the archive of Spark's classes; the environment of Spark 4 has none."""
    from localaws.spark import class_archive
    from localaws.spark.installation import SparkMissingError, find_spark

    try:
        return class_archive.driver_options(find_spark())
    except SparkMissingError:
        return []


@pytest.fixture(scope="session")
def s3_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder behind ``s3://bucket``."""
    return tmp_path_factory.mktemp("bucket")


@pytest.fixture(scope="session")
def spark(s3_root: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SparkSession]:
    """Two cores, loopback only; ``s3://bucket`` is a local folder."""
    # Imported late: most tests need no Spark.
    from pyspark.sql import SparkSession

    import segmentation

    try:
        os.environ.update(JAVA_HOME=str(java_home()), SPARK_LOCAL_IP="127.0.0.1")
    except JavaMissing as problem:
        pytest.exit(str(problem), returncode=2)
    settings = {
        "spark.ui.enabled": "false",
        # The Python workers import the package from here, as they do from the zip on a cluster.
        "spark.executorEnv.PYTHONPATH": str(Path(segmentation.__file__).parents[1]),
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.driver.host": "127.0.0.1",
        "spark.driver.memory": "2g",
        # Only the fast compiler: the tests are too short to benefit from the optimising one. Its default code cache of
        # 48 MB is too small: all tests of a process fill 47 MB.
        "spark.driver.extraJavaOptions": " ".join(
            ["-XX:TieredStopAtLevel=1", "-XX:ReservedCodeCacheSize=240m", *class_archive_options()]
        ),
        "spark.sql.shuffle.partitions": "2",
        "spark.sql.warehouse.dir": tmp_path_factory.mktemp("warehouse").as_uri(),
        "spark.hadoop.fs.s3.impl": "org.apache.hadoop.fs.viewfs.ViewFileSystemOverloadScheme",
        "spark.hadoop.fs.viewfs.mounttable.bucket.linkFallback": f"s3://{s3_root}",
        # Only for s3: Spark reads its models through file:// and needs the default class there.
        "spark.hadoop.fs.viewfs.overload.scheme.target.s3.impl": "org.apache.hadoop.fs.RawLocalFileSystem",
    }
    session = SparkSession.builder.master("local[2]").appName("tests").config(map=settings).getOrCreate()
    session.sparkContext.setLogLevel("ERROR")
    yield session
    session.stop()
