"""Runs the steps of a cluster as processes.

https://docs.aws.amazon.com/emr/latest/ReleaseGuide/emr-commandrunner.html
"""

from __future__ import annotations

import re
import shlex
from datetime import datetime
from pathlib import Path

from localaws.emr import monitoring
from localaws.emr.cluster_registry import ClusterRegistry
from localaws.emr.containers import DriverContainer
from localaws.emr.fault_hooks import ClusterFaultHooks
from localaws.emr.log_files import CONTROLLER, LogFiles
from localaws.emr.model import SHUTDOWN_STATES, Cluster
from localaws.emr.node import SPARK_COMMANDS, CommandError, Node
from localaws.emr.steps import CancelOption, Failure, Step, StepState
from localaws.s3.store import Store
from localaws.spark import class_archive, logs, process, submit

_SCRIPT_RUNNER = re.compile(r"s3[an]?://.+/script-runner\.jar|(.*/)?script-runner\.jar")


class StepRunner:
    def __init__(
        self,
        cluster: Cluster,
        registry: ClusterRegistry,
        store: Store,
        node: Node,
        endpoint_url: str,
        fault_hooks: ClusterFaultHooks,
        event_logs: Path,
        s3a_jars: Path | None,
    ) -> None:
        self._cluster, self._registry, self._store, self._node = cluster, registry, store, node
        self._endpoint_url, self._event_logs, self._fault_hooks = endpoint_url, event_logs, fault_hooks
        self._s3a = submit.s3a(s3a_jars, endpoint_url) if s3a_jars else {}
        self._configurations = cluster.request.get("Configurations", [])
        log_uri = cluster.request.get("LogUri")
        self._log_root = f"{log_uri.rstrip('/')}/{cluster.id}" if log_uri else None

    def run(self, step: Step) -> Failure | None:
        """Run the step and archive its logs. Return the failure; None if the step succeeded."""
        started = self._registry.clock()
        prefix = self._log_root and f"{self._log_root}/steps/{step.id}"
        files = LogFiles(self._store, self._node.folder / step.id, prefix, self._registry.clock)
        failure, cause = None, files.folder / CONTROLLER
        try:
            with monitoring.copied_logs(self._cluster.request, self._cluster.id, step.id, files.folder):
                failure, cause = self._run_command(step, files)
        except (CommandError, submit.SparkMissingError) as error:
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
        container = DriverContainer.of(words, self._configurations)
        files.record(f"Ensure step {step.id} jar file {step.jar}")
        files.record(f"startExec {shlex.join(step.args)!r}")
        output = files.folder
        if container:
            output = container.folder(files.folder)
            output.mkdir(parents=True)
            files.add("stdout", "stderr", folder=output, prefix=container.uri(self._log_root))
        files.record(f"On this machine: {shlex.join(command)}")
        with files.growing():
            code = process.run(
                command,
                self._node.environment(self._configurations, self._endpoint_url),
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
            spark = submit.find_spark()
        except submit.SparkMissingError:
            return  # a step that needs Spark fails later
        class_archive.make_in_background(spark)
        buckets = {bucket: self._store.bucket_path(bucket) for bucket in self._store.buckets()}
        self._node.configure(self._configurations, buckets, self._event_logs, self._s3a)

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
        return f"took {(self._registry.clock() - started).total_seconds():.0f} seconds"
