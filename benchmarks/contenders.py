"""The implementations that are measured, from sales lines to segments, each as command lines."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pyarrow.dataset as ds

from localaws.spark import submit
from localaws.spark.installation import find_spark

PROJECT = Path(__file__).parents[1]
SPARK = PROJECT / "spark"
JOBS = ("preprocess", "pca", "kmeans")
RUN_DATE = "2026-01-31"

PROJECT_MEMORY = "2g"
"""Java heap of the driver of this project's jobs, at every scale."""

NOTEBOOK_MEMORY = "8g"
"""Java heap of the notebook's driver, which also holds a copy of all lines."""

COMPARED_K = 4

Commands = list[list[str]]


@dataclass(frozen=True)
class Contender:
    """An implementation; ``commands`` returns its command lines for an input file and an empty output folder."""

    name: str
    title: str
    commands: Callable[[Path, Path], Commands]


def _submit(memory: str, scratch: Path, *program: str) -> list[str]:
    settings = {
        "spark.log.level": "WARN",
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        "spark.driver.host": "127.0.0.1",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.local.dir": str(scratch),
    }
    conf = [part for name, value in settings.items() for part in ("--conf", f"{name}={value}")]
    options = ["--master", "local[*]", "--driver-memory", memory, *conf]
    return [str(find_spark().submit), *options, *program]


def flags(feature_set: str, n_init: int, source: Path, output: Path) -> dict[str, list[str]]:
    """Return the flags of each of this project's jobs."""
    common = {
        "run-date": RUN_DATE,
        "processed": (output / "processed").as_uri(),
        "metrics": (output / "metrics").as_uri(),
        "code-version": "benchmark",
    }
    models = {"models": (output / "models").as_uri()}
    own = {
        "preprocess": {"input": source.as_uri(), "mapping": "none", "max-rejected-share": "0.05"},
        "pca": models
        | {"feature-set": feature_set, "variance-to-keep": "0.9"}
        | {"given-categories": "profile", "outliers": "winsorise"},
        "kmeans": models
        | {"k-min": "2", "k-max": "10", "k": "auto", "n-init": str(n_init), "seed": "7"}
        | {"min-segment-share": "0.02"}
        | {"cluster-on": "features" if feature_set == "notebook" else "components"},
    }
    return {job: [f"--{name}={value}" for name, value in (common | own[job]).items()] for job in JOBS}


def _package(output: Path) -> str:
    return shutil.make_archive(str(output / "segmentation"), "zip", SPARK, "segmentation")


def _steps(source: Path, output: Path) -> Commands:
    """Return the commands as the local AWS runs steps, with its Java options and its class archive."""
    spark, by_job = find_spark(), flags("notebook", 1, source, output)
    submit.configure(spark, [], {}, output, output)
    options = ["--driver-memory", PROJECT_MEMORY, "--py-files", _package(output)]
    return [submit.command(spark, output, [*options, str(SPARK / f"{job}.py"), *by_job[job]]) for job in JOBS]


def _session(feature_set: str, n_init: int) -> Callable[[Path, Path], Commands]:
    def commands(source: Path, output: Path) -> Commands:
        code = ",".join([_package(output), *(str(SPARK / f"{job}.py") for job in JOBS)])
        by_job = json.dumps(flags(feature_set, n_init, source, output))
        program = str(PROJECT / "benchmarks" / "one_session.py")
        return [_submit(PROJECT_MEMORY, output, "--py-files", code, program, by_job)]

    return commands


def _notebook(source: Path, output: Path) -> Commands:
    program = str(PROJECT / "benchmarks" / "notebook.py")
    return [_submit(NOTEBOOK_MEMORY, output, program, str(source), str(output))]


def _module(name: str) -> Callable[[Path, Path], Commands]:
    return lambda source, output: [[sys.executable, "-m", f"benchmarks.{name}", str(source), str(output)]]


BASELINE = "session"
"""The contender to which the others are compared."""

CONTENDERS = (
    Contender("notebook", "the study's notebook", _notebook),
    Contender("pandas", "pandas and scikit-learn", _module("pandas_sklearn")),
    Contender("duckdb", "DuckDB and scikit-learn", _module("duckdb_sklearn")),
    Contender("steps", "this project, one spark-submit per step", _steps),
    Contender("session", "this project, one session", _session("notebook", 1)),
    Contender(
        "extended",
        "this project, one session, defaults (extended features, 3 starts)",
        _session("extended", 3),
    ),
)


def environment(scratch: Path) -> dict[str, str]:
    """Return the environment of all contenders: the project's Java and Python, only the loopback interface."""
    return submit.environment(find_spark(), scratch) | {"PYTHONPATH": str(PROJECT)}


def wssse(output: Path) -> float:
    """Return the contender's within-cluster sum of squares for ``COMPARED_K``, to verify that all do the same work."""
    if (output / "wssse.json").exists():
        return float(json.loads((output / "wssse.json").read_text())[str(COMPARED_K)])
    table = ds.dataset(output / "processed" / "model_selection" / f"run_date={RUN_DATE}").to_table()
    return float(table.filter(ds.field("k") == COMPARED_K)["wssse"][0].as_py())


def stages(output: Path) -> dict[str, dict[str, float]]:
    """Return the seconds by job and stage from the metrics files; empty for contenders without them."""
    folder = output / "metrics" / f"run_date={RUN_DATE}"
    return {
        job: json.loads((folder / f"{job}.json").read_text())["seconds"]
        for job in JOBS
        if (folder / f"{job}.json").exists()
    }
