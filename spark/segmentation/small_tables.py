"""Tables whose rows the driver computes."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.types import ArrayType

from segmentation.schemas import TABLES


def small_table(spark: SparkSession, dataset: str, rows: Iterable[Sequence[Any]]) -> DataFrame:
    """Return ``rows`` with the columns of ``dataset`` as a frame with one partition; a value may be None.

    ``createDataFrame`` would send the rows through Python workers, which takes twice as long. JSON keeps all digits of
    a number. A value of another type than that of its column raises an exception when the frame is read.
    """
    schema = TABLES[dataset]
    text = json.dumps([dict(zip(schema.names, row, strict=True)) for row in rows], allow_nan=False)
    parsed = F.from_json(F.lit(text), ArrayType(schema), {"mode": "FAILFAST"})
    return spark.range(0, 1, 1, 1).select(F.inline(parsed))
