"""The upload of the job code, before the cluster starts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from airflow.providers.amazon.aws.hooks.s3 import S3Hook
from airflow.providers.amazon.aws.utils.mixins import aws_template_fields
from airflow.sdk import Context

from emr_pipeline import package
from emr_pipeline.operators.base import IdempotentAwsOperator


class StageJobsOperator(IdempotentAwsOperator):
    """Uploads the job code to ``<destination>/<version>/``, unless it exists, and returns the version."""

    aws_hook_class = S3Hook
    template_fields = aws_template_fields("destination")

    def __init__(self, *, folder: Path, destination: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.folder = folder
        self.destination = destination

    def reconcile(self, context: Context) -> str:
        code = package.build(self.folder)
        bucket, prefix = S3Hook.parse_s3_url(f"{self.destination}/{code.version}/")
        existing = set(self.hook.list_keys(bucket, prefix=prefix) or [])
        for name, content in code.files.items():
            if f"{prefix}{name}" not in existing:
                # Another run may have uploaded the same content in the meantime: replace it.
                self.hook.load_bytes(content, key=f"{prefix}{name}", bucket_name=bucket, replace=True)
        size = sum(map(len, code.files.values()))
        count = f"{len(code.files)} files with {size:,} bytes"
        self.log.info("Job code %s: %s at %s/%s/", code.version, count, self.destination, code.version)
        return code.version
