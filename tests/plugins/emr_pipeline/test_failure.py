"""The cause of a failed step is found in its logs: a refusal, a traceback, Java's root cause, or the last lines."""

from __future__ import annotations

import gzip
import io
from typing import Any

import pytest

from emr_pipeline.failure import REFUSAL, cause_of, explain

TRACEBACK = """26/01/31 INFO SparkContext: starting
Traceback (most recent call last):
  File "pca.py", line 9, in <module>
    main()
ValueError: no variance
26/01/31 INFO ShutdownHookManager: bye
"""


class Objects:
    """S3 as a dict of keys and texts."""

    def __init__(self, texts: dict[str, str]) -> None:
        self.texts = texts

    def list_keys(self, bucket_name: str, prefix: str) -> list[str]:
        return [key for key in sorted(self.texts) if key.startswith(prefix)]

    def get_key(self, key: str, bucket_name: str) -> Any:
        body = io.BytesIO(gzip.compress(self.texts[key].encode()))
        return type("Key", (), {"get": lambda _: {"Body": body}})()


def test_a_refusal_is_the_sentence_of_the_job() -> None:
    cause = explain(
        "noise\npreprocess.py: error: no valid line in s3://lake/raw/; check the file\nbye\n", "here"
    )
    assert (cause.kind, cause.sentence) == (REFUSAL, "no valid line in s3://lake/raw/; check the file")


def test_a_traceback_ends_with_its_exception() -> None:
    cause = explain(TRACEBACK, "here")
    assert cause.sentence == "ValueError: no variance"
    assert cause.excerpt[0] == "Traceback (most recent call last):"
    assert len(cause.excerpt) == 4


def test_of_several_java_causes_the_last_is_the_root() -> None:
    text = "Exception in thread main\nCaused by: a.Wrapper: outer\n\tat x\nCaused by: b.Root: disk full\n\tat y\n"
    assert explain(text, "here").sentence == "Caused by: b.Root: disk full"


def test_a_java_exception_without_a_cause_is_its_own_root() -> None:
    text = 'Exception in thread "main" org.apache.spark.SparkException: Application failed\n\tat x\n'
    assert explain(text, "here").sentence.endswith("org.apache.spark.SparkException: Application failed")


def test_an_unknown_cause_shows_the_last_forty_lines() -> None:
    cause = explain("\n".join(f"line {i}" for i in range(100)), "here")
    assert cause.sentence == ""
    assert cause.excerpt == tuple(f"line {i}" for i in range(60, 100))


@pytest.mark.parametrize("log_uri", ["s3://lake/logs/", "s3n://lake/logs", "s3a://lake/logs/"])
def test_in_cluster_mode_the_driver_tells_more_than_the_step(log_uri: str) -> None:
    objects = Objects(
        {
            "logs/j-1/steps/s-1/stderr.gz": "Submitted application_1700000000000_0001\nfailed\n",
            "logs/j-1/containers/application_1700000000000_0001/container_1_0001_01_000001/stderr.gz": TRACEBACK,
            "logs/j-1/containers/application_1700000000000_0001/container_1_0001_01_000002/stderr.gz": "executor",
        }
    )
    cause = cause_of(objects, log_uri, "j-1", "s-1")
    assert cause is not None
    assert cause.sentence == "ValueError: no variance"
    assert cause.address.endswith("container_1_0001_01_000001/stderr.gz")


def test_there_is_no_cause_before_emr_has_put_the_jobs_own_output() -> None:
    assert cause_of(Objects({}), "s3://lake/logs/", "j-1", "s-1") is None
    controller = Objects({"logs/j-1/steps/s-1/controller.gz": "INFO startExec"})
    assert cause_of(controller, "s3://lake/logs/", "j-1", "s-1") is None
