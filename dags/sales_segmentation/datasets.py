"""The Athena tables of the pipeline, and the questions that are answered from them.

``make data-dictionary`` writes ``tables.json`` from the schemas and descriptions in ``spark/segmentation``; a contract
test checks that it is current. The jobs and the DAG share no Python: each can run without the libraries of the other.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from emr_pipeline.mapping import InputColumns

INPUT_COLUMNS = InputColumns.read(Path(__file__).with_name("input_columns.json"))
"""The columns of a raw file, in any order, and what a mapping of this pipeline may contain."""


@dataclass(frozen=True)
class Dataset:
    """A table, partitioned by ``run_date``; each column has a name, an Athena type and a comment."""

    name: str
    comment: str
    columns: list[dict[str, str]]

    @property
    def params(self) -> dict[str, str]:
        """The params of ``create_tables.sql`` and ``repair_tables.sql``."""
        columns = ",\n    ".join(
            "`{name}` {type} COMMENT '{comment}'".format(**column) for column in self.columns
        )
        return {"dataset": self.name, "columns": columns, "comment": self.comment}


DATASETS = tuple(
    Dataset(name, **table)
    for name, table in json.loads(Path(__file__).with_name("tables.json").read_text("utf-8")).items()
)

QUESTIONS = (
    "totals",
    "segment_profile",
    "segment_sample",
    "segment_silhouette",
    "segment_features",
    "segment_rules",
    "rfm_grid",
    "customers_to_act_on",
    "segment_migration",
    "feature_drift",
    "segment_monthly_revenue",
    "chosen_k",
    "explained_variance",
    "revenue_by_region",
    "revenue_by_category",
    "monthly_revenue",
    "customer_types",
    "top_customers_by_spend",
    "highest_average_discount",
    "low_engagement_customers",
    "customers_by_product_diversity",
    "rejected_lines",
)
"""The business questions. Each is answered by ``sql/<question>.sql``, and the report shows all answers."""
