"""Runs the steps of a cluster as processes.

https://docs.aws.amazon.com/emr/latest/ReleaseGuide/emr-commandrunner.html
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

from localaws.emr import monitoring
from localaws.emr.containers import DriverContainer
from localaws.emr.fault_hooks import ClusterFaultHooks
from localaws.emr.log_files import CONTROLLER, ClusterLogs, LogFiles
from localaws.emr.model import SHUTDOWN_STATES, Cluster
from localaws.emr.node import SPARK_COMMANDS, CommandError, Node
from localaws.emr.steps import CancelOption, Failure, Step, StepState
from localaws.s3.store import Store
from localaws.spark import class_archive, logs, process
from localaws.spark.installation import SparkMissingError, find_spark

_SCRIPT_RUNNER = re.compile(r"s3[an]?://.+/script-runner\.jar|(.*/)?script-runner\.jar")


class StepRunner:
    """``s3a`` are the settings of the S3A connector; empty if the steps do not use it."""

    def __init__(
        self,
        cluster: Cluster,
        node: Node,
        logs: ClusterLogs,
        fault_hooks: ClusterFaultHooks,
        store: Store,
        event_logs: Path,
        s3a: Mapping[str, str],
    ) -> None:
        self._cluster, self._node, self._logs, self._fault_hooks = cluster, node, logs, fault_hooks
        self._store, self._event_logs, self._s3a = store, event_logs, s3a

    def run(self, step: Step) -> Failure | None:
        """Run the step and archive its logs. Return the failure; None if the step succeeded."""
        started = self._logs.clock()
        files = self._logs.create(step.id, f"steps/{step.id}")
        failure, cause = None, files.folder / CONTROLLER
        try:
            with monitoring.copied_logs(self._cluster.request, self._cluster.id, step.id, files.folder):
                failure, cause = self._run_command(step, files)
        except (CommandError, SparkMissingError) as error:
            failure = Failure("Illegal Argument.", str(error))
        except OSError as error:
            failure = Failure("Unknown Error", f"the local EMR could not run the step: {error}")
        took = self._duration(started)
        if failure:
            files.record(f"Step failed, {took}: {failure.message}", "WARN")
        else:
            files.record(f"Step succeeded, {took}")
        archived = files.archive()
        if failure:
            return Failure(failure.reason, failure.message, files.uri(cause) if archived else None)
        return None

    def _run_command(self, step: Step, files: LogFiles) -> tuple[Failure | None, Path]:
        """Return the failure, and the log with its cause."""
        self._configure(step)
        words = self._words(step)
        command = self._node.command(words)
        container = DriverContainer.of(words, self._cluster.request.get("Configurations", []))
        files.record(f"Ensure step {step.id} jar file {step.jar}")
        files.record(f"startExec {shlex.join(step.args)!r}")
        output = files.folder
        if container:
            output = container.folder(files.folder)
            output.mkdir(parents=True)
            files.add("stdout", "stderr", folder=output, prefix=container.uri(self._logs.uri))
        files.record(f"On this machine: {shlex.join(command)}")
        with files.growing():
            code = process.run(
                command,
                self._node.environment(),
                self._node.work,
                output,
                self._fault_hooks.of(step),
                lambda: self._stop_request(step),
            )
        files.record(f"waitProcessCompletion ended with exit code {code}")
        if container:
            (files.folder / "stderr").write_text(container.client_log(code), "utf-8")
            if code:
                return Failure("Unknown Error", container.failure), files.folder / "stderr"
        return self._failure(output, code, words[0]) if code else (None, output / "stderr")

    def _configure(self, step: Step) -> None:
        """Write the configuration for each step: buckets may have been created since the last one."""
        try:
            class_archive.make_in_background(find_spark())
        except SparkMissingError:
            return  # a step that needs Spark fails later
        self._node.configure(self._store.bucket_paths(), self._event_logs, self._s3a)

    def _words(self, step: Step) -> list[str]:
        """Return the command of the step, as on a node. Raises CommandError."""
        if step.jar == "command-runner.jar":
            words = list(step.args)
        elif _SCRIPT_RUNNER.fullmatch(step.jar):
            if not step.args:
                raise CommandError("script-runner.jar needs the S3 URI of a script as its first argument")
            words = [str(self._node.script(step.args[0])), *step.args[1:]]
        else:
            raise CommandError(
                f"not supported by the local EMR: the JAR {step.jar}. A step must be command-runner.jar with a command,"
                " such as spark-submit, or script-runner.jar with a script"
            )
        request = self._cluster.request
        names = {application["Name"].lower() for application in request.get("Applications", [])}
        needs_spark = words and words[0].rpartition("/")[2] in SPARK_COMMANDS
        if needs_spark and "spark" not in names and not request["ReleaseLabel"].startswith("emr-spark-"):
            raise CommandError(
                f"{words[0]} is not on the cluster: add Spark to the Applications of RunJobFlow"
            )
        return words

    def _stop_request(self, step: Step) -> process.Stop | None:
        if self._cluster.state in SHUTDOWN_STATES:
            return process.Stop.KILL  # as when EMR terminates the instances
        if step.state is StepState.CANCEL_PENDING:
            graceful = step.cancel_option is CancelOption.SEND_INTERRUPT
            return process.Stop.TERMINATE if graceful else process.Stop.KILL
        return None

    def _failure(self, output: Path, code: int, command: str) -> tuple[Failure, Path]:
        stdout, stderr = logs.tail(output / "stdout"), logs.tail(output / "stderr")
        if command.rpartition("/")[2] in SPARK_COMMANDS:
            cause = logs.root_cause(stdout, stderr, code)
        else:
            cause = logs.last_line(stderr)
        message = cause.message if cause else f"{command} ended with exit code {code}"
        return Failure("Unknown Error", message), output / (cause.log if cause else "stderr")

    def _duration(self, started: datetime) -> str:
        return f"took {(self._logs.clock() - started).total_seconds():.0f} seconds"
