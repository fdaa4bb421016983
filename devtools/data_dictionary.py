"""Write the data dictionary of ``segmentation`` as a page and as the tables of the DAG: ``make data-dictionary``."""

from __future__ import annotations

import json
from pathlib import Path

from segmentation.data_dictionary import COLUMNS, ROWS
from segmentation.features import FEATURE_SETS, FEATURES
from segmentation.schemas import PRODUCERS, TABLES

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "data-dictionary.md"
DAG_TABLES = ROOT / "dags" / "sales_segmentation" / "tables.json"

_INTRODUCTION = """\
# Data dictionary

Written by `make data-dictionary` from `spark/segmentation/data_dictionary.py` and `features.py`; do not edit this page.
Each dataset is a table of the Glue database `beverage_analytics`, partitioned by `run_date` (string, YYYY-MM-DD): the
run date of the DAG run. The definitions and units are also the column comments in Athena: `DESCRIBE customer_features`.
In a run that uses the models of an earlier run date, `score` publishes `customer_segments`, `customer_rfm`,
`segment_migration` and `feature_drift` instead of `kmeans`.
"""


def page() -> str:
    """Return docs/data-dictionary.md."""
    return "\n".join([_INTRODUCTION, *(_section(dataset) for dataset in TABLES), _feature_sets()])


def dag_tables() -> str:
    """Return tables.json: name, type and comment of each column by dataset, a column in each line."""
    tables = []
    for dataset, schema in TABLES.items():
        columns = ",\n".join(
            f"      {json.dumps({'name': name, 'type': kind, 'comment': COLUMNS[dataset][name].comment})}"
            for name, kind in ((field.name, field.dataType.simpleString()) for field in schema)
        )
        row = json.dumps(f"One row is {ROWS[dataset]}")
        tables.append(f'  "{dataset}": {{\n    "comment": {row},\n    "columns": [\n{columns}\n    ]\n  }}')
    return "{\n" + ",\n".join(tables) + "\n}\n"


def _section(dataset: str) -> str:
    rows = []
    for field in TABLES[dataset]:
        text = COLUMNS[dataset][field.name]
        rows.append([f"`{field.name}`", field.dataType.simpleString(), text.definition, text.unit, text.why])
    heading = ["column", "type", "definition", "unit", "why"]
    if not any(row[-1] for row in rows):
        heading, rows = heading[:-1], [row[:-1] for row in rows]
    row = f"One row is {ROWS[dataset]}. Published by `{PRODUCERS[dataset]}`."
    return f"## {dataset}\n\n{row}\n\n{_table(heading, rows)}\n"


def _feature_sets() -> str:
    heading = ["feature", *FEATURE_SETS, "transform in the extended set"]
    rows = []
    for feature in FEATURES:
        sets = ("yes" if name in feature.sets else "" for name in FEATURE_SETS)
        transform = feature.transform if "extended" in feature.sets else None
        rows.append([f"`{feature.name}`", *sets, transform or ""])
    text = "The param `feature_set` of the DAG selects the features that the model uses."
    return f"## Feature sets\n\n{text}\n\n{_table(heading, rows)}\n"


def _table(heading: list[str], rows: list[list[str]]) -> str:
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (heading, ["---"] * len(heading), *rows))


if __name__ == "__main__":
    PAGE.write_text(page(), "utf-8")
    DAG_TABLES.write_text(dag_tables(), "utf-8")
