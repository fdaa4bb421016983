"""A lock that at most one unfinished run holds: an object on S3 that names the run.

It is not released: it is free when its run has ended, so a crashed run leaves no lock behind.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from airflow.providers.amazon.aws.hooks.s3 import S3Hook
from airflow.providers.common.compat.sdk import AirflowFailException
from airflow.sdk import Context
from botocore.exceptions import ClientError

from emr_pipeline.settings import Settings

TRIES = 10
"""How often the lock is read again if another run changes it at the same moment."""


@dataclass(frozen=True)
class RunLock:
    """The ``pre_execute`` of the task from which on a run writes; fails if another unfinished run has the lock.

    ``key`` returns the key of the lock in the bucket; runs with the same key would write the same files.
    """

    settings: Settings
    key: Callable[[Context], str]

    def __call__(self, context: Context) -> None:
        s3, key = S3Hook(aws_conn_id=self.settings.aws_conn_id).conn, self.key(context)
        if holder := acquire(s3, self.settings.bucket, key, context):
            raise AirflowFailException(
                f"run {holder} has not ended and writes the same files (lock s3://{self.settings.bucket}/{key}); "
                "clear this task and its downstream tasks when that run has ended"
            )


def acquire(s3: Any, bucket: str, key: str, context: Context) -> str:
    """Take the lock for this run. Return the id of the unfinished run that has it instead, or an empty string.

    S3 writes the object only if no other run has written it since it was read:
    https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html
    """
    run = {"dag_id": context["dag"].dag_id, "run_id": context["run_id"]}
    for _ in range(TRIES):
        holder, condition = _read(s3, bucket, key)
        if holder == run:
            return ""
        if holder and is_unfinished(context, **holder):
            return holder["run_id"]
        try:
            s3.put_object(Bucket=bucket, Key=key, Body=json.dumps(run).encode(), **condition)
        except ClientError as error:
            if error.response["Error"]["Code"] not in ("PreconditionFailed", "ConditionalRequestConflict"):
                raise
        else:
            return ""
    raise AirflowFailException(
        f"the lock s3://{bucket}/{key} changes all the time; clear this task to try again"
    )


def _read(s3: Any, bucket: str, key: str) -> tuple[dict[str, str], dict[str, str]]:
    """Return the run that the lock names, {} if there is no lock, and the condition for writing it."""
    try:
        found = s3.get_object(Bucket=bucket, Key=key)
    except ClientError as error:
        if error.response["Error"]["Code"] != "NoSuchKey":
            raise
        return {}, {"IfNoneMatch": "*"}
    return json.loads(found["Body"].read()), {"IfMatch": found["ETag"]}


def is_unfinished(context: Context, dag_id: str, run_id: str) -> bool:
    """Return whether Airflow has this run, and it has not ended."""
    ti: Any = context["ti"]
    return bool(ti.get_dr_count(dag_id=dag_id, run_ids=[run_id], states=["queued", "running"]))
