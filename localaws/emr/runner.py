"""Runs clusters: one thread for each cluster advances its state and runs its steps as processes.

Unexpected errors (no Spark, a full disk, a bug) end as a FAILED step or as a cluster TERMINATED_WITH_ERRORS. Planned
faults are applied by ``fault_hooks``.
"""

from __future__ import annotations

import logging
import shlex
import shutil
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from threading import Thread

from localaws.emr import monitoring
from localaws.emr.cluster_registry import ClusterRegistry
from localaws.emr.fault_hooks import ClusterFaultHooks
from localaws.emr.model import (
    SHUTDOWN_STATES,
    CancelOption,
    Cluster,
    Failure,
    Step,
    StepState,
    internal_error,
)
from localaws.faults.plan import FaultPlan
from localaws.s3.store import Store
from localaws.spark import class_archive, logs, process, submit

LOGS = ("controller", "stdout", "stderr")
POLL_SECONDS = 0.1  # interval at which the time is checked
STOP_SECONDS = 15.0
log = logging.getLogger(__name__)


class StepError(Exception):
    """The step cannot run; the message becomes the message of its failure."""


class Runner:
    """``root`` is the folder for live logs (``<cluster>/<step>/{controller,stdout,stderr}``) and temporary files.

    ``event_logs`` is the folder for the event logs of Spark.
    """

    def __init__(
        self, registry: ClusterRegistry, store: Store, root: Path, event_logs: Path, plan: FaultPlan
    ) -> None:
        self._registry, self._store, self._plan = registry, store, plan
        self._root, self._event_logs = root, event_logs
        self._threads: list[Thread] = []

    def launch(self, cluster: Cluster) -> None:
        fault_hooks = ClusterFaultHooks(self._plan, cluster)
        cluster.phase_failure, cluster.termination_delay = (
            fault_hooks.phase_failure,
            fault_hooks.termination_delay,
        )
        folder = self._root / cluster.id
        runner = _ClusterRunner(cluster, self._registry, self._store, folder, self._event_logs, fault_hooks)
        thread = Thread(target=runner.run, name=cluster.id, daemon=True)
        self._threads.append(thread)
        thread.start()

    def stop(self) -> None:
        """Terminate all clusters and end all processes of their steps."""
        self._registry.terminate_all(internal_error("The local AWS was stopped."))
        for thread in self._threads:
            thread.join(STOP_SECONDS)


class _ClusterRunner:
    def __init__(
        self,
        cluster: Cluster,
        registry: ClusterRegistry,
        store: Store,
        folder: Path,
        event_logs: Path,
        fault_hooks: ClusterFaultHooks,
    ) -> None:
        self._cluster, self._registry, self._store, self._fault_hooks = cluster, registry, store, fault_hooks
        self._folder, self._conf, self._work = folder, folder / "conf", folder / "work"
        self._event_logs = event_logs

    def run(self) -> None:
        try:
            self._prepare()
            while self._cluster.is_alive:
                self._advance()
        except Exception as error:
            log.exception("%s: the runner failed", self._cluster.id)
            self._fail_cluster(error)
        finally:
            shutil.rmtree(self._work, ignore_errors=True)

    def _prepare(self) -> None:
        self._conf.mkdir(parents=True)
        self._work.mkdir()

    def _advance(self) -> None:
        with self._registry.locked() as now:
            self._cluster.advance(now)
            step = self._cluster.start_step(now)
        if step:
            failure = self._run_step(step)
            with self._registry.locked() as now:
                self._cluster.finish_step(step, failure, now)
        else:
            self._registry.wait(POLL_SECONDS)

    def _fail_cluster(self, error: Exception) -> None:
        with self._registry.locked() as now:
            self._cluster.terminate(internal_error(f"The local EMR failed: {error}"), now)
            if step := self._cluster.running_step:
                self._cluster.finish_step(step, Failure("Unknown Error", str(error)), now)
            self._cluster.advance(now)

    def _run_step(self, step: Step) -> Failure | None:
        """Run the step and archive its logs. Return the failure; None if the step succeeded."""
        started = self._registry.clock()
        folder = self._folder / step.id
        try:
            folder.mkdir()
            for name in LOGS:
                (folder / name).touch()
            with monitoring.copied_logs(self._cluster.request, self._cluster.id, step.id, folder):
                failure = self._run_command(step, folder)
        except (StepError, submit.SparkMissingError) as error:
            failure = Failure("Illegal Argument.", str(error))
        except OSError as error:
            failure = Failure("Unknown Error", f"the local EMR could not run the step: {error}")
        self._log_controller(
            folder, f"Step {'failed' if failure else 'succeeded'}, {self._duration(started)}", failure
        )
        return self._archive_logs(step, folder, failure)

    def _run_command(self, step: Step, folder: Path) -> Failure | None:
        args = self._submit_args(step)
        spark = submit.find_spark()
        class_archive.make_in_background(spark)
        # For each step, because buckets may have been created since the last step.
        buckets = {bucket: self._store.bucket_path(bucket) for bucket in self._store.buckets()}
        configurations = self._cluster.request.get("Configurations", [])
        submit.configure(spark, configurations, buckets, self._conf, self._work, self._event_logs)
        command = submit.command(spark, self._conf, submit.submit_arguments(args))
        self._log_controller(folder, f"Ensure step {step.id} jar file {step.jar}")
        self._log_controller(folder, f"startExec {shlex.join(step.args)!r}")
        self._log_controller(folder, f"Spark {spark.version} on local[*]: {shlex.join(command)}")
        environment = submit.environment(spark, self._work)
        fault_hooks = self._fault_hooks.of(step)
        code = process.run(
            command, environment, self._work, folder, fault_hooks, lambda: self._stop_request(step)
        )
        self._log_controller(folder, f"waitProcessCompletion ended with exit code {code}")
        return self._failure(folder, code) if code else None

    def _submit_args(self, step: Step) -> list[str]:
        """Return the arguments of spark-submit. Raises StepError for steps that do not call spark-submit."""
        if step.jar != "command-runner.jar" or not step.args or step.args[0] != "spark-submit":
            raise StepError(
                "not supported by the local EMR: a step must be command-runner.jar with arguments"
                f" spark-submit ..., not {shlex.join([step.jar, *step.args[:1]])}"
            )
        request = self._cluster.request
        names = {application["Name"].lower() for application in request.get("Applications", [])}
        if "spark" not in names and not request["ReleaseLabel"].startswith("emr-spark-"):
            raise StepError("spark-submit is not on the cluster: add Spark to the Applications of RunJobFlow")
        return list(step.args[1:])

    def _stop_request(self, step: Step) -> process.Stop | None:
        if self._cluster.state in SHUTDOWN_STATES:
            return process.Stop.KILL  # as when EMR terminates the instances
        if step.state is StepState.CANCEL_PENDING:
            graceful = step.cancel_option is CancelOption.SEND_INTERRUPT
            return process.Stop.TERMINATE if graceful else process.Stop.KILL
        return None

    def _failure(self, folder: Path, code: int) -> Failure:
        stdout, stderr = logs.tail(folder / "stdout"), logs.tail(folder / "stderr")
        cause = logs.root_cause(stdout, stderr, code)
        message = cause.message if cause else f"spark-submit ended with exit code {code}"
        return Failure("Unknown Error", message, cause.log if cause else "stderr")

    def _archive_logs(self, step: Step, folder: Path, failure: Failure | None) -> Failure | None:
        """Archive the logs; return the failure with the S3 URI of the log that contains its cause."""
        log_uri = self._cluster.request.get("LogUri")
        if not log_uri:
            return failure and replace(failure, log_file=None)
        prefix = f"{log_uri.rstrip('/')}/{self._cluster.id}/steps/{step.id}"
        try:
            logs.archive(self._store, prefix, [folder / name for name in LOGS])
        except (OSError, ValueError) as error:
            log.error("%s: cannot archive the logs at %s: %s", step.id, prefix, error)
            return failure and replace(failure, log_file=None)
        return failure and replace(failure, log_file=f"{prefix}/{failure.log_file or 'controller'}.gz")

    def _log_controller(self, folder: Path, text: str, failure: Failure | None = None) -> None:
        level = "WARN" if failure else "INFO"
        message = f"{self._registry.clock():%Y-%m-%dT%H:%M:%S.%fZ} {level} {text}"
        try:
            with (folder / "controller").open("a", encoding="utf-8") as controller:
                controller.write(f"{message}: {failure.message}\n" if failure else f"{message}\n")
        except OSError as error:  # a full disk must not hide the step's failure
            log.error("%s: %s", message, error)

    def _duration(self, started: datetime) -> str:
        return f"took {(self._registry.clock() - started).total_seconds():.0f} seconds"
