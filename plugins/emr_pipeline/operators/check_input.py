"""The check of a run's input, before a cluster is paid for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from airflow.providers.amazon.aws.hooks.s3 import S3Hook
from airflow.providers.amazon.aws.utils.mixins import aws_template_fields
from airflow.providers.common.compat.sdk import AirflowFailException
from airflow.sdk import Context

from emr_pipeline.input_files import InputError, InputFiles
from emr_pipeline.operators.base import IdempotentAwsOperator


class CheckInputOperator(IdempotentAwsOperator):
    """Returns the number of bytes of the input, or says in one sentence why no cluster should be paid for it.

    ``uri`` names a CSV file, a folder or a pattern, as docs/input.md says. Each file must have the ``columns`` in its
    header, in any order and any case; more are no fault. ``params_error`` is the error that a template
    finds in the params of the run, or empty. ``models`` is the S3 folder of models that the run needs, or empty.
    """

    aws_hook_class = S3Hook
    template_fields = aws_template_fields("uri", "params_error", "models")

    def __init__(
        self, *, uri: str, columns: Sequence[str], params_error: str = "", models: str = "", **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.uri = uri
        self.columns = columns
        self.params_error = params_error
        self.models = models

    def reconcile(self, context: Context) -> int:
        if self.params_error:
            raise AirflowFailException(self.params_error)
        if self.models and not self.hook.list_keys(*S3Hook.parse_s3_url(self.models), max_items=1):
            raise AirflowFailException(
                f"there are no models at {self.models}; score with the date of a run that has fitted some"
            )
        # Not by S3Hook.parse_s3_url, which takes a ? for the beginning of a query.
        bucket, _, key = self.uri.removeprefix("s3://").partition("/")
        files = InputFiles(self.hook.conn, bucket)
        try:
            sizes = files.find(key)
            for name, size in sizes.items():
                files.check_header(name, size, self.columns)
        except InputError as problem:
            raise AirflowFailException(str(problem)) from None
        self.log.info("%d files, %d bytes at %s", len(sizes), sum(sizes.values()), self.uri)
        return sum(sizes.values())
