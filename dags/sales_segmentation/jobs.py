"""The Spark jobs of the pipeline: which script, and which flags it gets from the run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from emr_pipeline.settings import Settings
from emr_pipeline.step import spark_step

FOLDER = Path(__file__).parents[2] / "spark"

RUN_DATE = "{{ run_date(dag_run, params) }}"

CODE_VERSION = "{{ ti.xcom_pull('stage_jobs') }}"

CLUSTER_ID = "{{ ti.xcom_pull('create_cluster') or '' }}"

BOOTSTRAP = f"jobs/{CODE_VERSION}/bootstrap.sh"
"""What each node runs before Spark starts."""

CLUSTER = {name: f"{{{{ params.{name} }}}}" for name in ("release_label", "core_nodes", "spot_share")}
"""What a run chooses of its cluster."""


def run_date(dag_run: Any, params: Mapping[str, Any]) -> str:
    """Return the day a run stands for: what the form says, else the logical date, else the day it was triggered."""
    return str(params["run_date"] or (dag_run.logical_date or dag_run.run_after).date())


@dataclass(frozen=True)
class Job:
    """A script of the job folder; its name is also the task's, the step's and the metrics file's."""

    name: str
    flags: dict[str, str]
    """Flags beside those all jobs take, with the run's params as values."""
    folders: tuple[str, ...] = ("processed", "metrics")
    """Top folders of the bucket that the job reads or writes, each a flag of that name."""

    def step(self, settings: Settings) -> dict[str, Any]:
        """Return the EMR step, with Jinja where a value is known only in the run."""
        code = settings.s3("jobs", CODE_VERSION)
        folders = {folder: settings.s3(folder) for folder in self.folders}
        flags = {"run-date": RUN_DATE, "code-version": CODE_VERSION, **folders, **self.flags}
        return spark_step(self.name, f"{code}/{self.name}.py", f"{code}/segmentation.zip", flags)

    def metrics(self, settings: Settings) -> str:
        """Return where the job leaves its metrics."""
        return settings.s3("metrics", f"run_date={RUN_DATE}", f"{self.name}.json")


JOBS = (
    Job(
        "preprocess",
        {"input": "{{ params.input }}", "max-rejected-share": "{{ params.max_rejected_share }}"},
    ),
    Job(
        "pca",
        {
            "feature-set": "{{ params.feature_set }}",
            "variance-to-keep": "{{ params.variance_to_keep }}",
        },
        ("processed", "metrics", "models"),
    ),
    Job(
        "kmeans",
        {
            "k-min": "{{ params.k_min }}",
            "k-max": "{{ params.k_max }}",
            "k": "{{ params.k or 'auto' }}",
            "starts": "{{ params.starts }}",
            "seed": "{{ params.seed }}",
            "cluster-on": "{{ params.cluster_on }}",
        },
        ("processed", "metrics", "models"),
    ),
)
