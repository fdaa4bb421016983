"""What happens on S3 around the cluster: job code goes up, the input is looked at, the report is left."""

from __future__ import annotations

import csv
import fnmatch
import io
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from airflow.providers.amazon.aws.hooks.athena import AthenaHook
from airflow.providers.amazon.aws.hooks.s3 import S3Hook
from airflow.providers.amazon.aws.utils.mixins import aws_template_fields
from airflow.providers.common.compat.sdk import AirflowFailException
from airflow.sdk import Context

from emr_pipeline import package
from emr_pipeline.operators.athena import read_answer
from emr_pipeline.operators.waiting import PatientOperator

HEADER_BYTES = 64 * 1024
"""No header of a table is longer."""

Answers = dict[str, list[dict[str, str]]]


class StageJobsOperator(PatientOperator):
    """Puts the job code under ``<destination>/<version>/`` unless it is there, and returns the version."""

    aws_hook_class = S3Hook
    template_fields = aws_template_fields("destination")

    def __init__(self, *, folder: Path, destination: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.folder = folder
        self.destination = destination

    def reconcile(self, context: Context) -> str:
        code = package.build(self.folder)
        bucket, prefix = S3Hook.parse_s3_url(f"{self.destination}/{code.version}/")
        there = set(self.hook.list_keys(bucket, prefix=prefix) or [])
        for name, content in code.files.items():
            if f"{prefix}{name}" not in there:
                self.hook.load_bytes(content, key=f"{prefix}{name}", bucket_name=bucket)
        self.log.info("Job code %s is at %s/%s/", code.version, self.destination, code.version)
        return code.version


class CheckInputOperator(PatientOperator):
    """Returns the number of bytes of the input, or says in one sentence why no cluster should be paid for it.

    ``uri`` names a CSV file, a folder (with a final slash) or a pattern in the last part of the key. Each file must
    have the ``columns`` in its header, in any order; more are no fault. ``objection`` is a sentence against the run's
    choices, which a template finds in the run, or nothing.
    """

    aws_hook_class = S3Hook
    template_fields = aws_template_fields("uri", "objection")

    def __init__(self, *, uri: str, columns: Sequence[str], objection: str = "", **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.uri = uri
        self.columns = columns
        self.objection = objection

    def reconcile(self, context: Context) -> int:
        if self.objection:
            raise AirflowFailException(self.objection)
        bucket, pattern = S3Hook.parse_s3_url(self.uri)
        if pattern.endswith("/"):
            pattern += "*.csv"
        listed = self.hook.get_file_metadata(pattern.split("*")[0], bucket)
        sizes = {item["Key"]: item["Size"] for item in listed if fnmatch.fnmatch(item["Key"], pattern)}
        if not sizes:
            raise AirflowFailException(
                f"no input: there is no object {self.uri}; upload the sales lines as CSV"
            )
        for key, size in sizes.items():
            if size == 0:
                raise AirflowFailException(f"s3://{bucket}/{key} is empty; upload it again or remove it")
            self._check_header(bucket, key)
        self.log.info("%d files, %d bytes at %s", len(sizes), sum(sizes.values()), self.uri)
        return sum(sizes.values())

    def _check_header(self, bucket: str, key: str) -> None:
        start = self.hook.conn.get_object(Bucket=bucket, Key=key, Range=f"bytes=0-{HEADER_BYTES - 1}")
        text = start["Body"].read().decode("utf-8-sig", errors="replace")
        header = [name.strip() for name in next(csv.reader(io.StringIO(text)), [])]
        if missing := [column for column in self.columns if column not in header]:
            raise AirflowFailException(
                f"s3://{bucket}/{key} has no column {', '.join(missing)}; its header is {','.join(header)[:200]}"
            )


class PublishReportOperator(PatientOperator):
    """Puts what ``render`` makes of the queries' answers at ``destination``, logs it and returns its address.

    ``questions`` name the answers, in the order of ``query_ids``. The event of an outlet carries the ``facts`` and the
    address.
    """

    aws_hook_class = S3Hook
    template_fields = aws_template_fields("query_ids", "destination", "facts")

    def __init__(
        self,
        *,
        questions: Sequence[str],
        query_ids: Any,
        facts: Mapping[str, str],
        render: Callable[[Answers, Mapping[str, str]], str],
        destination: str,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.questions = questions
        self.query_ids = query_ids
        self.facts = facts
        self.render_report = render
        self.destination = destination

    def reconcile(self, context: Context) -> str:
        athena = AthenaHook(aws_conn_id=self.aws_conn_id, region_name=self.region_name)
        answers = {
            question: read_answer(athena, query_id)
            for question, query_id in zip(self.questions, self.query_ids, strict=True)
        }
        report = self.render_report(answers, self.facts)
        bucket, key = S3Hook.parse_s3_url(self.destination)
        self.hook.load_string(report, key=key, bucket_name=bucket, replace=True)
        self.log.info("%s\n%s", self.destination, report)
        for outlet in self.outlets:
            context["outlet_events"][outlet].extra = {**self.facts, "address": self.destination}
        return self.destination
