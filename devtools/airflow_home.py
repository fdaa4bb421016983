"""A local Airflow without services: an AIRFLOW_HOME with SQLite, and the variables that configure it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from devtools.aws import REGION
from devtools.paths import PROJECT
from localaws import ACCOUNT
from localaws.testing import CREDENTIALS

BUCKET = "beverage-lake"
LOG_GROUP = "/emr-pipeline/sales-segmentation"
"""The name that ``infra/emr.yaml`` gives the log group of this project."""


def environment(home: Path, endpoint: str) -> dict[str, str]:
    """Return the environment variables for an Airflow with this project's DAGs and the local AWS at ``endpoint``."""
    connection = {
        "conn_type": "aws",
        "login": CREDENTIALS["aws_access_key_id"],
        "password": CREDENTIALS["aws_secret_access_key"],
        # Otherwise each client would load the certificates of authorities, which http does not use.
        "extra": {"endpoint_url": endpoint, "region_name": REGION, "verify": False},
    }
    return airflow_variables(home) | {
        "AIRFLOW_CONN_AWS_DEFAULT": json.dumps(connection),
        "EMR_PIPELINE_BUCKET": BUCKET,
        "EMR_PIPELINE_CONSOLE_URL": "",
        "EMR_PIPELINE_JOB_ROLE": f"arn:aws:iam::{ACCOUNT}:role/spark-jobs",
        "EMR_PIPELINE_LOG_GROUP": LOG_GROUP,
    }


def environment_of_account(home: Path) -> dict[str, str]:
    """Return the environment variables for the same Airflow with the account of the AWS variables."""
    return airflow_variables(home) | {"AIRFLOW_CONN_AWS_DEFAULT": json.dumps({"conn_type": "aws"})}


def airflow_variables(home: Path) -> dict[str, str]:
    return {
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__CORE__DAGS_FOLDER": str(PROJECT / "dags"),
        "AIRFLOW__CORE__PLUGINS_FOLDER": str(PROJECT / "plugins"),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__USAGE_DATA_COLLECTION__ENABLED": "False",
        "PYTHONPATH": str(PROJECT / "dags"),
    }


def migrate(variables: dict[str, str], log: Path, python: str = sys.executable) -> None:
    """Create or migrate Airflow's database; do nothing if it was migrated with the same requirements."""
    home = Path(variables["AIRFLOW_HOME"])
    lock = (PROJECT / "requirements.txt").read_text()
    done = home / "migrated-with"
    if done.exists() and done.read_text() == lock:
        return
    home.mkdir(parents=True, exist_ok=True)
    with log.open("wb") as output:
        subprocess.run(
            [str(Path(python).with_name("airflow")), "db", "migrate"],
            env={**os.environ, **variables},
            stdout=output,
            stderr=subprocess.STDOUT,
            check=True,
        )
    done.write_text(lock)
