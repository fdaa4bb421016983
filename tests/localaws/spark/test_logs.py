"""The log line with the cause of a failed step."""

from __future__ import annotations

from localaws.spark.logs import Cause, root_cause

INFO = "26/11/24 02:25:08 INFO ShutdownHookManager: Shutdown hook called\n"
STDERR = INFO + '{\n  "type" : "struct"\n}\n' + INFO


def test_the_exception_of_a_python_traceback_is_the_cause_not_the_plan_after_it() -> None:
    stdout = (
        "some result\n"
        "Traceback (most recent call last):\n"
        '  File "/x.py", line 3, in <module>\n'
        "    main()\n"
        "pyspark.errors.AnalysisException: [UNRESOLVED_COLUMN] no `Region`;\n"
        "'Project ['Region]\n"
        "+- Relation [a#1]\n"
    )
    cause = "pyspark.errors.AnalysisException: [UNRESOLVED_COLUMN] no `Region`;"
    assert root_cause(stdout, STDERR, 1) == Cause(cause, "stdout")


def test_the_exception_of_a_failed_worker_is_the_cause() -> None:
    stdout = (
        "Traceback (most recent call last):\n"
        '  File "/x.py", line 3, in <module>\n'
        "py4j.protocol.Py4JJavaError: An error occurred while calling o45.foreach.\n"
        ": org.apache.spark.SparkException: Job aborted due to stage failure\n"
        "Traceback (most recent call last):\n"
        '  File "/x.py", line 9, in parse\n'
        "ValueError: bad line\n"
        "\n"
        "\tat org.apache.spark.api.python.BasePythonRunner.x(PythonRunner.scala:1)\n"
    )
    assert root_cause(stdout, STDERR, 1) == Cause("ValueError: bad line", "stdout")


def test_launcher_and_java_errors_are_found_in_stderr() -> None:
    stderr = INFO + 'Exception in thread "main" java.io.IOException: gone\n\tat a.b(C.java:1)\n\t... 3 more\n'
    cause = Cause('Exception in thread "main" java.io.IOException: gone', "stderr")
    assert root_cause("some result\n", stderr, 1) == cause
    unknown = "Error: Unrecognized option: --colour\n\nUsage: spark-submit [options]\n"
    assert root_cause("", unknown, 1) == Cause("Error: Unrecognized option: --colour", "stderr")


def test_without_an_exception_the_cause_is_the_last_line_that_is_no_log_record() -> None:
    stdout = "2026-01-01 10:00:00,123 INFO preprocess 3 lines read\nthe column Region is missing\n"
    assert root_cause(stdout, STDERR, 2) == Cause("the column Region is missing", "stdout")


def test_a_killed_script_has_no_cause() -> None:
    assert root_cause("some result\n", STDERR, 137) is root_cause("", STDERR, 1) is None
