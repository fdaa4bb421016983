"""The cause of a failed step is read from its logs: an error message of the job, an exception or the exit code."""

from __future__ import annotations

import gzip
import io
from typing import Any

import pytest

from emr_pipeline.failure import LINES, REFUSAL, cause_in, most_specific_cause
from emr_pipeline.logs import Log

TRACEBACK = """26/01/31 INFO SparkContext: starting
Traceback (most recent call last):
  File "pca.py", line 9, in <module>
    main()
ValueError: no variance
26/01/31 INFO ShutdownHookManager: bye
"""

DRIVER = """Traceback (most recent call last):
  File "/mnt/tmp/job.py", line 5, in <module>
    work()
  File "/usr/lib/spark/python/lib/pyspark.zip/pyspark/rdd.py", line 1833, in collect
  File "/usr/lib/spark/python/lib/py4j-src.zip/py4j/protocol.py", line 326, in get_return_value
py4j.protocol.Py4JJavaError: An error occurred while calling o33.count.
"""

LOST = (
    "Job aborted due to stage failure: Task 1 in stage 0.0 failed 4 times, most recent failure: "
    "Lost task 1.3 in stage 0.0 (TID 4) (ip-10-0-0-7.ec2.internal executor 2): "
)

WORKER = """Traceback (most recent call last):
  File "/usr/lib/spark/python/lib/pyspark.zip/pyspark/worker.py", line 1247, in main
    process()
  File "/mnt/tmp/job.py", line 4, in share
    return 1 / (x - 3)
           ~~^~~~~~~~~
ZeroDivisionError: division by zero

\tat org.apache.spark.api.python.BasePythonRunner$ReaderIterator.handlePythonException(PythonRunner.scala:572)
\tat java.base/java.lang.Thread.run(Unknown Source)
"""

DIVISION_IN_RDD_MAP = f"""{DRIVER}: org.apache.spark.SparkException: {LOST}\
org.apache.spark.api.python.PythonException: {WORKER}
Driver stacktrace:
\tat org.apache.spark.scheduler.DAGScheduler.failJobAndIndependentStages(DAGScheduler.scala:2898)
Caused by: org.apache.spark.api.python.PythonException: {WORKER}\t... 1 more

"""

CORRUPT_PARQUET = f"""{DRIVER}: org.apache.spark.SparkException: {LOST}\
java.lang.RuntimeException: s3://lake/part-0.parquet is not a Parquet file. Expected magic number at tail
\tat org.apache.parquet.hadoop.ParquetFileReader.readFooter(ParquetFileReader.java:565)

Driver stacktrace:
\tat org.apache.spark.scheduler.DAGScheduler.failJobAndIndependentStages(DAGScheduler.scala:2898)
Caused by: java.lang.RuntimeException: s3://lake/part-0.parquet is not a Parquet file. Expected magic number at tail
\tat org.apache.parquet.hadoop.ParquetFileReader.readFooter(ParquetFileReader.java:565)
\tat java.base/java.lang.Thread.run(Unknown Source)

"""

BAD_CAST = f"""{DRIVER}: org.apache.spark.SparkException: {LOST}\
org.apache.spark.SparkException: [TASK_WRITE_FAILED] Task failed while writing rows to s3://lake/out.
\tat org.apache.spark.sql.errors.QueryExecutionErrors$.taskFailedWhileWritingRowsError(QueryExecutionErrors.scala:775)
Caused by: org.apache.spark.SparkNumberFormatException: [CAST_INVALID_INPUT] The value 'abc' cannot be cast to "INT".
== SQL(line 1, position 1) ==
cast(x as int)
^^^^^^^^^^^^^^

\tat org.apache.spark.sql.catalyst.util.UTF8StringUtils$.toIntExact(UTF8StringUtils.scala:34)
\t... 17 more
"""

WORKER_KILLED = f"""{DRIVER}: org.apache.spark.SparkException: {LOST}\
org.apache.spark.SparkException: Python worker exited unexpectedly (crashed)
\tat org.apache.spark.scheduler.Task.run(Task.scala:141)
Caused by: java.io.EOFException
\t... 32 more

Driver stacktrace:
\tat org.apache.spark.scheduler.DAGScheduler.failJobAndIndependentStages(DAGScheduler.scala:2898)
Caused by: org.apache.spark.SparkException: Python worker exited unexpectedly (crashed)
\tat org.apache.spark.scheduler.Task.run(Task.scala:141)
\t... 1 more
Caused by: java.io.EOFException
\tat java.base/java.io.DataInputStream.readInt(Unknown Source)
\t... 32 more

"""

EXECUTOR_LOST = f"""{DRIVER}: org.apache.spark.SparkException: {LOST}\
ExecutorLostFailure (executor 2 exited caused by one of the running tasks) Reason: Container killed by YARN.
Driver stacktrace:
\tat org.apache.spark.scheduler.DAGScheduler.failJobAndIndependentStages(DAGScheduler.scala:2898)
"""

UDF = """Traceback (most recent call last):
  File "/mnt/tmp/job.py", line 6, in <module>
    frame.select(to_int("x")).show()
  File "/usr/lib/spark/python/lib/pyspark.zip/pyspark/errors/exceptions/captured.py", line 185, in deco
pyspark.errors.exceptions.captured.PythonException:\x20
  An exception was thrown from the Python worker. Please see the stack trace below.
Traceback (most recent call last):
  File "/mnt/tmp/job.py", line 5, in to_int
    return int(x)
           ^^^^^^
ValueError: invalid literal for int() with base 10: 'a'

"""

WRONG_COLUMN = """Traceback (most recent call last):
  File "/mnt/tmp/job.py", line 3, in <module>
    frame.select("custmer_id").show()
pyspark.errors.exceptions.captured.AnalysisException: [UNRESOLVED_COLUMN] `custmer_id` cannot be resolved.;
'Project ['custmer_id]
+- LogicalRDD [customer_id#0], false

"""

CHAINED = """Traceback (most recent call last):
  File "/mnt/tmp/job.py", line 3, in read
    {}["a"]
KeyError: 'a'

The above exception was the direct cause of the following exception:

Traceback (most recent call last):
  File "/mnt/tmp/job.py", line 6, in <module>
    read()
RuntimeError: no answer
from the server
"""

SYNTAX = """  File "/mnt/tmp/job.py", line 1
    def f(:
          ^
SyntaxError: invalid syntax
"""

OUT_OF_MEMORY = """26/11/27 08:51:10 INFO SparkContext: SparkContext is stopping with exitCode 52.
26/11/27 08:51:10 WARN TaskSetManager: Lost task 1.0 in stage 0.0 (TID 1) (ip-10-0-0-7.ec2.internal executor driver): \
java.lang.OutOfMemoryError: Java heap space
\tat java.base/java.nio.HeapByteBuffer.<init>(Unknown Source)
\tat java.base/java.lang.Thread.run()

26/11/27 08:51:10 WARN TaskSetManager: Lost task 0.0 in stage 0.0 (TID 0) (ip-10-0-0-7.ec2.internal executor driver): \
org.apache.spark.TaskKilledException
\tat org.apache.spark.TaskContextImpl.killTaskIfInterrupted(TaskContextImpl.scala:268)

26/11/27 08:51:10 ERROR TaskSetManager: Task 1 in stage 0.0 failed 1 times; aborting job
"""

RETRIED = f"""26/11/27 08:52:43 WARN TaskSetManager: Lost task 1.0 in stage 0.0 (TID 1) (ip executor 1): \
org.apache.spark.api.python.PythonException: {WORKER}
26/11/27 08:52:44 INFO TaskSetManager: Finished task 1.1 in stage 0.0 (TID 2) in 5 ms on ip (executor 2) (1/1)
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


def test_the_error_message_of_the_job_is_the_cause() -> None:
    cause = cause_in(
        "noise\npreprocess.py: error: no valid line in s3://lake/raw/; check the file\nbye\n", "here"
    )
    assert (cause.kind, cause.sentence) == (REFUSAL, "no valid line in s3://lake/raw/; check the file")


def test_a_traceback_ends_with_its_exception() -> None:
    cause = cause_in(TRACEBACK, "here")
    assert cause.sentence == "ValueError: no variance"
    assert cause.excerpt[0] == "Traceback (most recent call last):"
    assert len(cause.excerpt) == 4


def test_the_last_java_cause_is_the_root_exception() -> None:
    text = "Exception in thread main\nCaused by: a.Wrapper: outer\n\tat x\nCaused by: b.Root: disk full\n\tat y\n"
    assert cause_in(text, "here").sentence == "b.Root: disk full"


def test_a_java_exception_without_a_cause_is_the_root_exception() -> None:
    text = 'Exception in thread "main" org.apache.spark.SparkException: Application failed\n\tat x\n'
    assert cause_in(text, "here").sentence.endswith("org.apache.spark.SparkException: Application failed")


def test_an_unknown_cause_shows_the_last_forty_lines() -> None:
    cause = cause_in("\n".join(f"line {i}" for i in range(100)), "here")
    assert cause.sentence == ""
    assert cause.excerpt == tuple(f"line {i}" for i in range(60, 100))


@pytest.mark.parametrize(
    ("text", "sentence", "also"),
    [
        (DIVISION_IN_RDD_MAP, "ZeroDivisionError: division by zero", "    return 1 / (x - 3)"),
        (
            CORRUPT_PARQUET,
            "java.lang.RuntimeException: s3://lake/part-0.parquet is not a Parquet file. "
            "Expected magic number at tail",
            "    work()",
        ),
        (
            BAD_CAST,
            "org.apache.spark.SparkNumberFormatException: [CAST_INVALID_INPUT] The value 'abc' cannot be cast "
            'to "INT".',
            "cast(x as int)",
        ),
        (
            WORKER_KILLED,
            "org.apache.spark.SparkException: Python worker exited unexpectedly (crashed)",
            "    work()",
        ),
        (
            EXECUTOR_LOST,
            f"org.apache.spark.SparkException: {LOST}ExecutorLostFailure (executor 2 exited caused by one of "
            "the running tasks) Reason: Container killed by YARN.",
            "    work()",
        ),
        (UDF, "ValueError: invalid literal for int() with base 10: 'a'", "    return int(x)"),
        (
            WRONG_COLUMN,
            "pyspark.errors.exceptions.captured.AnalysisException: [UNRESOLVED_COLUMN] `custmer_id` cannot be "
            "resolved.;",
            "'Project ['custmer_id]",
        ),
        (CHAINED, "RuntimeError: no answer", "from the server"),
        (SYNTAX, "SyntaxError: invalid syntax", "    def f(:"),
        (OUT_OF_MEMORY, "java.lang.OutOfMemoryError: Java heap space", "\tat java.base/java.lang.Thread.run()"),
        (RETRIED, "ZeroDivisionError: division by zero", "    return 1 / (x - 3)"),
    ],
    ids=[
        "division in rdd.map", "corrupt Parquet", "bad cast", "worker killed", "executor lost", "UDF",
        "wrong column", "chained", "syntax", "out of memory", "logged only",
    ],
)  # fmt: skip
def test_the_cause_is_the_exception_of_the_worker_or_the_root_exception_of_java(
    text: str, sentence: str, also: str
) -> None:
    cause = cause_in(f"26/11/27 08:52:30 INFO SparkContext: starting\n{text}", "here")
    assert cause.sentence == sentence
    assert also in cause.excerpt
    assert any(sentence in line for line in cause.excerpt)
    assert len(cause.excerpt) <= LINES


def test_the_cause_comes_before_the_drivers_traceback() -> None:
    excerpt = cause_in(CORRUPT_PARQUET, "here").excerpt
    assert excerpt[0].startswith("Caused by: java.lang.RuntimeException: s3://lake/part-0.parquet")
    assert excerpt[-1].startswith("py4j.protocol.Py4JJavaError: ")


def ended(code: int, stderr: str = "", stdout: str = "") -> list[Log]:
    """Return the logs of a step that has ended with this exit code."""
    controller = f"2026-11-27T08:54:31.000Z INFO waitProcessCompletion ended with exit code {code}\n"
    texts = {"controller": controller, "stderr": stderr, "stdout": stdout}
    return [Log(name, name, text) for name, text in texts.items()]


def test_the_exception_of_a_task_that_was_retried_is_not_the_cause() -> None:
    cause = most_specific_cause(ended(1, RETRIED, WRONG_COLUMN))
    assert cause is not None
    assert "`custmer_id` cannot be resolved" in cause.sentence
    assert cause.address == "stdout"
    cause = most_specific_cause(ended(137, RETRIED))
    assert cause is not None
    assert "was killed" in cause.sentence


@pytest.mark.parametrize(
    ("code", "stdout", "sentence"),
    [
        (1, "7 lines\nno input\n", 'the step ended with exit code 1; the last line of its output is "no input"'),
        (3, "", "the step ended with exit code 3 and without output"),
        (137, "100 lines\n", "the step was killed (exit code 137), which usually means that memory ran out"),
        (143, "100 lines\n", "the step was ended by signal 15 (exit code 143)"),
    ],
    ids=["sys.exit with a message", "sys.exit with a number", "killed", "terminated"],
)  # fmt: skip
def test_without_an_exception_the_exit_code_is_the_cause(code: int, stdout: str, sentence: str) -> None:
    cause = most_specific_cause(ended(code, "26/11/27 08:54:31 INFO SparkContext: stopped\n", stdout))
    assert cause is not None
    assert cause.sentence == sentence
