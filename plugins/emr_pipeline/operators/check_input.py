"""The check of a run's input, before a cluster is created."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from airflow.providers.amazon.aws.hooks.s3 import S3Hook
from airflow.providers.amazon.aws.utils.mixins import aws_template_fields
from airflow.providers.common.compat.sdk import AirflowFailException
from airflow.sdk import Context

from emr_pipeline.input_files import InputError, InputFiles
from emr_pipeline.lineage import lineage
from emr_pipeline.operators.base import IdempotentAwsOperator


def no_precondition(context: Context, s3: S3Hook) -> str:
    """Return no error."""
    return ""


class CheckInputOperator(IdempotentAwsOperator):
    """Returns the size of the input in bytes; fails without a retry if the input cannot be used.

    ``uri`` is a CSV file, a folder or a pattern, as docs/input.md defines it. The header of each file must contain the
    ``columns``, in any order, in upper or lower case; it may contain others. ``precondition`` is called before any file
    is read. It returns what else is wrong with the run, such as its params, in one sentence, or an empty string.
    """

    aws_hook_class = S3Hook
    template_fields = aws_template_fields("uri")

    def __init__(
        self,
        *,
        uri: str,
        columns: Sequence[str],
        precondition: Callable[[Context, S3Hook], str] = no_precondition,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.uri = uri
        self.columns = columns
        self.precondition = precondition

    def reconcile(self, context: Context) -> int:
        if error := self.precondition(context, self.hook):
            raise AirflowFailException(error)
        # S3Hook.parse_s3_url would take a ? as the start of a query string.
        bucket, _, key = self.uri.removeprefix("s3://").partition("/")
        files = InputFiles(self.hook.conn, bucket)
        try:
            sizes = files.find(key)
            for name, size in sizes.items():
                files.check_header(name, size, self.columns)
        except InputError as error:
            raise AirflowFailException(str(error)) from None
        self.log.info("%d files, %d bytes at %s", len(sizes), sum(sizes.values()), self.uri)
        return sum(sizes.values())

    def get_openlineage_facets_on_start(self) -> Any:
        return lineage(inputs=[self.uri])
