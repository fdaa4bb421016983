"""The publication of a run's report on S3."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import PurePosixPath
from typing import Any

from airflow.providers.amazon.aws.hooks.athena import AthenaHook
from airflow.providers.amazon.aws.hooks.s3 import S3Hook
from airflow.providers.amazon.aws.utils.mixins import aws_template_fields
from airflow.sdk import Context
from botocore.exceptions import BotoCoreError, ClientError

from emr_pipeline.cost import ClusterCost
from emr_pipeline.extra_links import KEY_FIGURES
from emr_pipeline.operators.athena import read_answer
from emr_pipeline.operators.base import TargetOperator
from emr_pipeline.prices import load_prices
from emr_pipeline.report_data import ReportData

CONTENT_TYPES = {
    ".csv": "text/csv; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".md": "text/markdown; charset=utf-8",
    ".png": "image/png",
    ".svg": "image/svg+xml",
}
"""The types of files that a report may contain."""


class PublishReportOperator(TargetOperator):
    """Publishes a report about query results, job metrics and the cost of the cluster; returns the S3 URI of its page.

    ``render`` returns the content of each file by its name. The files replace those in the folder ``destination``, and
    ``page`` is one of them. ``key_figures`` returns one line of text, which is pushed as the XCom ``key_figures``.

    ``questions`` are the names of the query results, in the order of ``query_ids``. ``metrics`` maps each job to the
    URI of its metrics file. Metrics and costs that cannot be read are missing in the report; the task does not fail.
    ``facts`` are passed to the report. The event of an outlet contains them, the key figures and the page's address.
    """

    aws_hook_class = S3Hook
    template_fields = aws_template_fields(
        "query_ids", "metrics", "facts", "cluster_id", "destination", "target"
    )

    def __init__(
        self,
        *,
        questions: Sequence[str],
        query_ids: Any,
        metrics: Any,
        facts: Any,
        cluster_id: str,
        render: Callable[[ReportData], Mapping[str, bytes]],
        key_figures: Callable[[ReportData], str],
        destination: str,
        page: str = "index.html",
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.questions = questions
        self.query_ids = query_ids
        self.metrics: Mapping[str, str] = metrics
        self.facts: Mapping[str, Any] = facts
        self.cluster_id = cluster_id
        self.render_report = render
        self.key_figures = key_figures
        self.destination = destination
        self.page = page

    def reconcile(self, context: Context) -> str:
        data = self._report_data(context)
        files = self.render_report(data)
        self._publish(files)
        key_figures = self.key_figures(data)
        size = sum(map(len, files.values()))
        self.log.info("%d files with %s bytes at %s/", len(files), f"{size:,}", self.destination)
        self.log.info("%s", key_figures)
        context["ti"].xcom_push(key=KEY_FIGURES, value=key_figures)
        address = f"{self.destination}/{self.page}"
        for outlet in self.outlets:
            context["outlet_events"][outlet].extra = {
                **self.facts,
                "key_figures": key_figures,
                "address": address,
            }
        return address

    def _report_data(self, context: Context) -> ReportData:
        athena = AthenaHook(aws_conn_id=self.aws_conn_id, region_name=self.region_name)
        now = datetime.now(UTC)
        started, cluster = context["dag_run"].start_date, self._read_cost(now)
        # Iteration over the XComs of a mapped task ends with a request that Airflow logs as an error; a slice does not.
        query_ids = self.query_ids[:]
        seconds = (now - started).total_seconds() if started else None
        if seconds and cluster and seconds < cluster.seconds:
            seconds = None  # The run was cleared after its cluster had ended, so it has a new start date.
        return ReportData(
            answers={
                question: read_answer(athena, query_id)
                for question, query_id in zip(self.questions, query_ids, strict=True)
            },
            metrics=self._read_metrics(),
            facts=self.facts,
            seconds=seconds,
            cluster=cluster,
            prices=load_prices(self.hook.conn.meta.region_name),
        )

    def _read_metrics(self) -> dict[str, Any]:
        metrics = {}
        for job, uri in self.metrics.items():
            bucket, key = S3Hook.parse_s3_url(uri)
            try:
                metrics[job] = json.loads(self.hook.read_key(key, bucket))
            except (BotoCoreError, ClientError, ValueError) as error:
                self.log.warning("The report has no metrics of %s, %s: %s", job, uri, error)
        return metrics

    def _read_cost(self, now: datetime) -> ClusterCost | None:
        try:
            return self.emr.cost(self.cluster_id, now)
        except (BotoCoreError, ClientError) as error:
            self.log.warning("The report has no cost of cluster %s: %s", self.cluster_id, error)
            return None

    def _publish(self, files: Mapping[str, bytes]) -> None:
        """Upload the files, the page last, then delete the other files of an earlier report."""
        bucket, folder = S3Hook.parse_s3_url(f"{self.destination}/")
        for name in sorted(files, key=lambda name: name == self.page):
            content_type = CONTENT_TYPES[PurePosixPath(name).suffix]
            self.hook.conn.put_object(
                Bucket=bucket, Key=f"{folder}{name}", Body=files[name], ContentType=content_type
            )
        existing = self.hook.list_keys(bucket, prefix=folder) or []
        if obsolete := sorted(set(existing) - {f"{folder}{name}" for name in files}):
            self.hook.delete_objects(bucket, obsolete)
