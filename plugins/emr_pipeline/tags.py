"""The tags of a run's cluster, by which Airflow finds it and its cost is allocated."""

from __future__ import annotations

from emr_pipeline.settings import Settings


def run_tags(dag_id: str, run_id: str, settings: Settings) -> dict[str, str]:
    """Return the tags of a run's cluster.

    AmazonEMRServicePolicy_v2 requires ``for-use-with-amazon-emr-managed-policies``:
    https://docs.aws.amazon.com/emr/latest/ManagementGuide/emr-managed-iam-policies.html
    """
    return {
        "dag_id": dag_id,
        "run_id": run_id,
        **deployment_tags(settings),
        "for-use-with-amazon-emr-managed-policies": "true",
    }


def deployment_tags(settings: Settings) -> dict[str, str]:
    """Return the tags that distinguish the clusters of this Airflow from those of another in the same account."""
    return {"project": settings.project, "bucket": settings.bucket}
