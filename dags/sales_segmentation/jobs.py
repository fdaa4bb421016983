"""The Spark jobs of the pipeline with their flags, and the cluster that runs them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from emr_pipeline.settings import Settings
from emr_pipeline.specs import ClusterSpec, StepSpec

FOLDER = Path(__file__).parents[2] / "spark"

CODE_VERSION = "{{ ti.xcom_pull('stage_jobs') }}"

BOOTSTRAP = f"jobs/{CODE_VERSION}/bootstrap.sh"
"""The key of the script that each node runs before Spark starts."""


def cluster(settings: Settings) -> ClusterSpec:
    """Return the cluster of a run, with templates for the params."""
    return ClusterSpec(
        release_label="{{ params.release_label }}",
        core_nodes="{{ params.core_nodes }}",
        spot_share="{{ params.spot_share }}",
        task_nodes="{{ params.task_nodes }}",
        bootstrap_actions={"python": [settings.s3(BOOTSTRAP), settings.s3("wheels")]},
    )


@dataclass(frozen=True)
class Job:
    """A script in ``spark/``. Its task, its step and its metrics file have the same name."""

    name: str
    datasets: tuple[str, ...]
    """The datasets that it publishes; its metrics file has the number of rows of each."""
    flags: dict[str, str]
    """The flags that not all jobs have, with templates for the params as values."""
    folders: tuple[str, ...] = ("processed", "metrics", "models")
    """The top folders of the bucket that the job reads or writes; each is the flag with its name."""

    def step(self, settings: Settings) -> StepSpec:
        """Return the EMR step, with templates for the values that only the run knows."""
        code = settings.s3("jobs", CODE_VERSION)
        folders = {folder: settings.s3(folder) for folder in self.folders}
        flags = {
            "run-date": "{{ run_date(dag_run, params) }}",
            "code-version": CODE_VERSION,
            **folders,
            **self.flags,
        }
        return StepSpec(
            self.name,
            f"{code}/{self.name}.py",
            flags=flags,
            py_files=[f"{code}/segmentation.zip"],
            execution_roles=settings.execution_roles,
            inputs=[flags["input"]] if "input" in flags else [],
            outputs=[settings.s3("processed", dataset) for dataset in self.datasets],
        )


PREPROCESS = Job(
    "preprocess",
    ("sales", "rejected_sales", "customer_features"),
    {
        "input": "{{ params.input }}",
        "mapping": "{{ mapping(ti) }}",
        "max-rejected-share": "{{ params.max_rejected_share }}",
    },
    ("processed", "metrics"),
)
PCA = Job(
    "pca",
    ("explained_variance", "component_loadings", "customer_components"),
    {
        "feature-set": "{{ params.feature_set }}",
        "given-categories": "{{ params.given_categories }}",
        "outliers": "{{ params.outliers }}",
        "variance-to-keep": "{{ params.variance_to_keep }}",
    },
)
ASSIGNMENT = ("customer_segments", "customer_rfm", "segment_migration", "feature_drift")
"""The datasets that do not describe a fit: kmeans and score publish them."""

KMEANS = Job(
    "kmeans",
    ("model_selection", "segment_profiles", "segment_features", "segment_rules", *ASSIGNMENT),
    {
        "k-min": "{{ params.k_min }}",
        "k-max": "{{ params.k_max }}",
        "k": "{{ params.k or 'auto' }}",
        "min-segment-share": "{{ params.min_segment_share }}",
        "n-init": "{{ params.n_init }}",
        "seed": "{{ params.seed }}",
        "cluster-on": "{{ params.cluster_on }}",
    },
)
SCORE = Job("score", ASSIGNMENT, {"model-run-date": "{{ params.score_with }}"})

JOBS = (PREPROCESS, PCA, KMEANS, SCORE)
