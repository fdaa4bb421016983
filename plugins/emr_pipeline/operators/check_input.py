"""The check of a run's input, before a cluster is created."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from typing import Any

from airflow.providers.amazon.aws.hooks.s3 import S3Hook
from airflow.providers.amazon.aws.utils.mixins import aws_template_fields
from airflow.providers.common.compat.sdk import AirflowFailException
from airflow.sdk import Context
from botocore.exceptions import ClientError

from emr_pipeline.input_files import InputError, InputFiles
from emr_pipeline.lineage import lineage
from emr_pipeline.mapping import MAX_BYTES, SEPARATORS, InputColumns, MappingError, flag
from emr_pipeline.operators.base import IdempotentAwsOperator


def no_precondition(context: Context, s3: S3Hook) -> str:
    """Return no error."""
    return ""


class CheckInputOperator(IdempotentAwsOperator):
    """Returns the size of the input in bytes; fails without a retry if the input cannot be used.

    ``uri`` is a CSV file, a folder or a pattern, as docs/input.md defines it. The header of each file must contain the
    ``columns``, in any order, in upper or lower case; it may contain others. ``mapping`` says how the files differ, as
    docs/your-own-file.md defines it: YAML, or the address of a YAML file, or an empty string. The XCom ``mapping`` is
    then the flag of the Spark job. ``precondition`` is called before any file is read. It returns what else is wrong
    with the run, such as its params, in one sentence, or an empty string.
    """

    aws_hook_class = S3Hook
    template_fields = aws_template_fields("uri", "mapping")

    def __init__(
        self,
        *,
        uri: str,
        columns: InputColumns,
        mapping: str = "",
        precondition: Callable[[Context, S3Hook], str] = no_precondition,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.uri = uri
        self.columns = columns
        self.mapping = mapping
        self.precondition = precondition

    def reconcile(self, context: Context) -> int:
        if error := self.precondition(context, self.hook):
            raise AirflowFailException(error)
        # S3Hook.parse_s3_url would take a ? as the start of a query string.
        bucket, _, key = self.uri.removeprefix("s3://").partition("/")
        files = InputFiles(self.hook.conn, bucket)
        try:
            mapping = self._read_mapping()
            separator = SEPARATORS[mapping.get("separator", ",")]
            encoding = mapping.get("encoding", "utf-8")
            sizes = files.find(key)
            for name, size in sizes.items():
                files.check_header(name, size, self.columns.header(mapping), separator, encoding)
        except (InputError, MappingError) as error:
            raise AirflowFailException(str(error)) from None
        if mapping:
            self.log.info("Mapping: %s", mapping)
            context["ti"].xcom_push(key="mapping", value=flag(mapping))
        total = sum(sizes.values())
        self.log.info("Input %s: %s bytes, files: %d", self.uri, f"{total:,}", len(sizes))
        return total

    def _read_mapping(self) -> dict[str, Any]:
        address = self.mapping.strip()
        if not address:
            return {}
        if not address.startswith("s3://"):
            return self.columns.parse(self.mapping, "mapping")
        bucket, _, key = address.removeprefix("s3://").partition("/")
        try:
            response = self.hook.conn.get_object(Bucket=bucket, Key=key)
        except ClientError as error:
            raise MappingError(
                f"the mapping {address} cannot be read: {error.response['Error']['Message']}; correct the address, or "
                "write the mapping itself into the param"
            ) from None
        with closing(response["Body"]) as body:
            content = body.read(MAX_BYTES + 1)
        if len(content) > MAX_BYTES:
            raise MappingError(
                f"the mapping {address} has more than {MAX_BYTES:,} bytes: it is not a mapping"
            )
        try:
            text = content.decode("utf-8-sig")
        except UnicodeDecodeError:
            raise MappingError(f"the mapping {address} is not text in UTF-8: save it in UTF-8") from None
        return self.columns.parse(text, address)

    def get_openlineage_facets_on_start(self) -> Any:
        return lineage(inputs=[self.uri])
