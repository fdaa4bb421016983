"""The datasets of the tasks and the parent run of Spark, for Airflow's OpenLineage provider.

The provider calls ``get_openlineage_facets_on_start`` and ``..._on_complete`` of an operator. Nothing of it is imported
before: without the provider this module costs nothing.
https://airflow.apache.org/docs/apache-airflow-providers-openlineage/stable/guides/developer.html
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from copy import copy
from typing import Any

from airflow.providers.common.compat.sdk import conf
from airflow.sdk import Context

from emr_pipeline.logs import split_uri


def lineage(inputs: Iterable[str] = (), outputs: Iterable[str] = ()) -> Any:
    """Return the OperatorLineage of a task that reads and writes these S3 URIs."""
    from airflow.providers.openlineage.extractors import OperatorLineage

    return OperatorLineage(
        inputs=[_dataset(uri) for uri in inputs], outputs=[_dataset(uri) for uri in outputs]
    )


def _dataset(uri: str) -> Any:
    """https://openlineage.io/docs/spec/naming/#dataset-naming"""
    from airflow.providers.common.compat.openlineage.facet import Dataset

    bucket, key = split_uri(uri)
    return Dataset(namespace=f"s3://{bucket}", name=key.rstrip("/") or "/")


def with_parent_run(properties: Mapping[str, Any], context: Context) -> dict[str, Any]:
    """Return Spark properties with the first try of the task as the parent run of the Spark application.

    As in Airflow's own operators, this needs ``[openlineage] spark_inject_parent_job_info``. The run does not depend on
    the try, because EMR Serverless refuses a repeated client token if the properties differ.
    """
    if not conf.getboolean("openlineage", "spark_inject_parent_job_info", fallback=False):
        return dict(properties)
    from airflow.providers.common.compat.openlineage.utils.spark import (
        inject_parent_job_information_into_spark_properties,
    )

    first = copy(context["ti"])
    first.try_number = 1
    injected: dict[str, Any] = inject_parent_job_information_into_spark_properties(
        dict(properties), {**context, "ti": first}
    )
    return injected
