"""An Airflow that needs no installation beyond the package: SQLite, no services, everything in one folder."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from devtools.aws import REGION
from devtools.paths import PROJECT
from localaws.testing import CREDENTIALS

BUCKET = "beverage-lake"


def environment(home: Path, endpoint: str) -> dict[str, str]:
    """Return the variables that make Airflow run this project's DAGs against the AWS at ``endpoint``."""
    connection = {
        "conn_type": "aws",
        "login": CREDENTIALS["aws_access_key_id"],
        "password": CREDENTIALS["aws_secret_access_key"],
        "extra": {"endpoint_url": endpoint, "region_name": REGION},
    }
    return {
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__CORE__DAGS_FOLDER": str(PROJECT / "dags"),
        "AIRFLOW__CORE__PLUGINS_FOLDER": str(PROJECT / "plugins"),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__USAGE_DATA_COLLECTION__ENABLED": "False",
        "AIRFLOW_CONN_AWS_DEFAULT": json.dumps(connection),
        "EMR_PIPELINE_BUCKET": BUCKET,
        "EMR_PIPELINE_CONSOLE_URL": "",
        "PYTHONPATH": str(PROJECT / "dags"),
    }


def migrate(variables: dict[str, str], log: Path) -> None:
    """Make or renew Airflow's database in its home; does nothing when that was done with the same packages."""
    home = Path(variables["AIRFLOW_HOME"])
    lock = (PROJECT / "requirements.txt").read_text()
    done = home / "migrated-with"
    if done.exists() and done.read_text() == lock:
        return
    home.mkdir(parents=True, exist_ok=True)
    with log.open("wb") as output:
        subprocess.run(
            [str(Path(sys.executable).with_name("airflow")), "db", "migrate"],
            env={**os.environ, **variables},
            stdout=output,
            stderr=subprocess.STDOUT,
            check=True,
        )
    done.write_text(lock)
