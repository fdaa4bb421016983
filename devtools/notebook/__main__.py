"""Executes ``notebooks/explore.ipynb`` with the data of the last ``make run``, and renders it to Markdown.

``python -m devtools.notebook PYTHON [FOLDER]``: PYTHON has the packages of ``requirements-notebook.txt``, the page is
written to FOLDER, by default ``docs``. The local AWS has lost its Glue catalog since that run, so the tables are
declared again, with the SQL files of the DAG.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from jinja2 import Environment

from devtools import aws, paths
from emr_pipeline.settings import Settings
from localaws.testing import LocalAws
from sales_segmentation.datasets import DATASETS

NOTEBOOK = paths.PROJECT / "notebooks" / "explore.ipynb"
SQL = paths.PROJECT / "dags" / "sales_segmentation" / "sql"
SETTINGS = Settings(bucket="beverage-lake", database="beverage_analytics")
POLL_SECONDS = 0.1


class StatementFailed(Exception):
    """A statement that declares a table failed; the message is its text and Athena's reason."""


def main(python: str, folder: Path) -> int:
    """Return the exit code of nbconvert, which is not 0 if a cell of the notebook fails."""
    if not (paths.AWS / "s3" / SETTINGS.bucket / "processed").is_dir():
        sys.exit(f"{paths.AWS} has no results of a run: start `make run` first")
    with LocalAws(state=paths.AWS, region=aws.REGION) as local:
        declare_tables(local.client("athena"))
        names = {"EMR_PIPELINE_BUCKET": SETTINGS.bucket, "EMR_PIPELINE_DATABASE": SETTINGS.database}
        return render(python, folder, os.environ | local.environment | names)


def declare_tables(athena: Any) -> None:
    """Create the database and the tables, with the partitions that are on S3. Raises StatementFailed."""
    run(athena, statement("create_database"))
    for dataset in DATASETS:
        for name in ("create_tables", "repair_tables"):
            run(athena, statement(name, dataset.params), SETTINGS.database)


def statement(name: str, params: dict[str, str] | None = None) -> str:
    text = (SQL / f"{name}.sql").read_text(encoding="utf-8")
    return Environment().from_string(text).render(settings=SETTINGS, params=params or {})


def run(athena: Any, sql: str, database: str = "default") -> None:
    started = athena.start_query_execution(
        QueryString=sql,
        QueryExecutionContext={"Database": database},
        ResultConfiguration={"OutputLocation": SETTINGS.s3("athena-results", "explore/")},
    )
    while True:
        found = athena.get_query_execution(QueryExecutionId=started["QueryExecutionId"])["QueryExecution"]
        status = found["Status"]
        if status["State"] == "SUCCEEDED":
            return
        if status["State"] in ("FAILED", "CANCELLED"):
            raise StatementFailed(f"{sql}: {status.get('StateChangeReason', status['State'])}")
        time.sleep(POLL_SECONDS)


def render(python: str, folder: Path, environment: dict[str, str]) -> int:
    """Write ``explore.md`` and its images to ``folder``, in place of earlier ones."""
    shutil.rmtree(folder / f"{NOTEBOOK.stem}_files", ignore_errors=True)
    command = [python, "-m", "nbconvert", "--execute", "--to", "markdown", "--output-dir", str(folder)]
    ended = subprocess.run([*command, str(NOTEBOOK)], env=environment, check=False)
    return ended.returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], Path(sys.argv[2] if len(sys.argv) > 2 else "docs")))
