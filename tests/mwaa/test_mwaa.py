"""The package for Amazon MWAA, laid out as MWAA does it, on the versions of its image: one run on the local AWS.

Airflow runs in ``.venv-mwaa``, with its own processes; the local AWS and Spark in the usual environment. ``make
test-mwaa`` runs it.
"""

from __future__ import annotations

import os
import subprocess
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from devtools import airflow_services, aws, package, sales
from devtools.airflow_home import BUCKET
from localaws.testing import LocalAws

pytestmark = pytest.mark.mwaa

ROOT = Path(__file__).parents[2]
PYTHON = ROOT / ".venv-mwaa" / "bin" / "python"


def variables_of(startup: Path, home: Path) -> dict[str, str]:
    """Return the variables that MWAA keeps of a start-up script."""
    before = {"AIRFLOW_HOME": str(home), "PATH": os.environ["PATH"]}
    shell = ["bash", "-euc", 'source "$1"; env -0', "bash", str(startup)]
    lines = subprocess.run(shell, env=before, check=True, capture_output=True, text=True).stdout.split("\0")
    after = dict(line.split("=", 1) for line in lines if line)
    return {name: after[name] for name in after.keys() - before.keys() - {"PWD", "SHLVL", "_"}}


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The AIRFLOW_HOME of an MWAA that has got the package."""
    home = tmp_path_factory.mktemp("mwaa")
    package.build_mwaa(home, {"EMR_PIPELINE_BUCKET": BUCKET, "EMR_PIPELINE_CONSOLE_URL": ""})
    with zipfile.ZipFile(home / "plugins.zip") as archive:
        archive.extractall(home / "plugins")
    return home


@pytest.fixture(scope="module")
def local() -> Iterator[LocalAws]:
    with LocalAws(region=aws.REGION) as running:
        yield running


@pytest.fixture(scope="module")
def airflow(home: Path, local: LocalAws) -> Iterator[airflow_services.Airflow]:
    variables = variables_of(home / "startup.sh", home)
    folders = {"DAGS": home / "dags", "PLUGINS": home / "plugins"}
    with airflow_services.airflow(
        home,
        local.endpoint_url,
        python=str(PYTHON),
        PYTHONPATH="",
        **{f"AIRFLOW__CORE__{name}_FOLDER": str(folder) for name, folder in folders.items()},
        **variables,
    ) as running:
        yield running


def test_the_versions_are_those_of_the_image_and_nothing_conflicts() -> None:
    program = (
        "import sys; from importlib.metadata import version; print(sys.version_info[:2], "
        "version('apache-airflow'), version('apache-airflow-providers-amazon'))"
    )
    ended = subprocess.run([PYTHON, "-c", program], check=True, capture_output=True, text=True)
    assert ended.stdout == "(3, 12) 3.3.1 9.34.0\n"
    subprocess.run([PYTHON, "-m", "pip", "--disable-pip-version-check", "check"], check=True)


def test_all_dags_of_the_package_are_loaded(airflow: airflow_services.Airflow) -> None:
    for dag_id in ("emr_reaper", "sales_segmentation", "segments_changed", "word_count"):
        airflow.wait_for_dag(dag_id)
    assert airflow.api("GET", "/importErrors")["import_errors"] == []


def test_a_run_on_the_local_aws_succeeds_and_leaves_no_cluster(
    airflow: airflow_services.Airflow, local: LocalAws, home: Path
) -> None:
    file = home / "sales.csv"
    customers = sales.write(file, 500, customers=50).customers
    uri = aws.provide(local, file, BUCKET, "raw/sales.csv")
    airflow.wait_for_dag("sales_segmentation")
    run = airflow.trigger("sales_segmentation", input=uri, run_date="2026-01-31", k_max=3, n_init=1)
    assert run.wait_for_end() == "success", run.tasks()
    assert run.return_value("verify_row_counts")["customer_segments"] == customers
    assert aws.active_clusters(local) == []
    reports = local.client("s3").list_objects_v2(
        Bucket=BUCKET, Prefix="reports/run_date=2026-01-31/index.html"
    )
    assert reports["KeyCount"] == 1


def test_the_plugin_is_loaded_from_the_plugins_folder(airflow: airflow_services.Airflow) -> None:
    plugins = airflow.api("GET", "/plugins")["plugins"]
    assert [p["source"] for p in plugins if p["name"] == "emr_pipeline"] == [
        "$PLUGINS_FOLDER/emr_pipeline_view.py"
    ]
