"""Runs applications: one thread advances their states, and one thread for each job run runs spark-submit.

Unexpected errors (no Spark, a full disk, a bug) end as a FAILED job run.
"""

from __future__ import annotations

import logging
import shutil
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from threading import Event, Lock, Thread

from localaws.emr_serverless import monitoring
from localaws.emr_serverless.application_registry import ApplicationRegistry
from localaws.emr_serverless.fault_hooks import ApplicationFaultHooks
from localaws.emr_serverless.model import Application, Attempt, JobRun, JobRunState
from localaws.emr_serverless.request import configurations, spark_properties, submit_words
from localaws.faults.plan import FaultPlan
from localaws.s3.store import Store
from localaws.spark import class_archive, logs, process, submit
from localaws.spark.installation import SparkMissingError, find_spark

POLL_SECONDS = 0.1  # interval at which the time is checked
STOP_SECONDS = 15.0
MAX_DETAILS = 256  # characters of stateDetails
# A worker's heap is a matter of its size on AWS; here the driver gets the memory of this machine.
IGNORED_PROPERTIES = frozenset({"spark.driver.memory"})
DRIVER_ENVIRONMENT = "spark.emr-serverless.driverEnv."
log = logging.getLogger(__name__)


class Runner:
    """``root`` is the folder for live logs and temporary files: ``<application>/<job run>/<attempt>/``.

    ``event_logs`` is the folder for the event logs of Spark.
    """

    def __init__(
        self, registry: ApplicationRegistry, store: Store, root: Path, event_logs: Path, plan: FaultPlan
    ) -> None:
        self._registry, self._store, self._plan = registry, store, plan
        self._root, self._event_logs = root, event_logs
        self._stopped = Event()
        self._lock = Lock()
        self._clock: Thread | None = None
        self._threads: list[Thread] = []

    def launch(self, application: Application) -> None:
        hooks = ApplicationFaultHooks(self._plan, application)
        application.start_delay, application.start_failure = hooks.start_delay, hooks.start_failure
        with self._lock:
            if self._clock is None:
                self._clock = Thread(target=self._advance, name="emr-serverless", daemon=True)
                self._clock.start()

    def stop(self) -> None:
        """End all processes of job runs."""
        self._stopped.set()
        for thread in [*filter(None, [self._clock]), *self._threads]:
            thread.join(STOP_SECONDS)

    def _advance(self) -> None:
        while not self._stopped.wait(POLL_SECONDS):
            with self._registry.locked() as now:
                ready = [job_run for a in self._registry.newest_first() for job_run in a.advance(now)]
            for job_run in ready:
                thread = Thread(
                    target=self._run, args=(job_run, job_run.attempt), name=job_run.id, daemon=True
                )
                self._threads = [*filter(Thread.is_alive, self._threads), thread]
                thread.start()

    def _run(self, job_run: JobRun, attempt: Attempt) -> None:
        folder = monitoring.folder(self._root, job_run, attempt)
        event_logs = self._event_logs if monitoring.has_event_log(job_run) else None
        runner = _AttemptRunner(job_run, attempt, self._store, folder, event_logs, self._stopped)
        try:
            failure = runner.run(ApplicationFaultHooks(self._plan, job_run.application))
        except SparkMissingError as error:
            failure = str(error)
        except Exception as error:
            log.exception("%s: the runner failed", job_run.id)
            failure = f"The local EMR Serverless failed: {error}"
        finally:
            shutil.rmtree(folder / "work", ignore_errors=True)
        with self._registry.locked() as now:
            job_run.finish(failure and _cut(failure), now)


class _AttemptRunner:
    def __init__(
        self,
        job_run: JobRun,
        attempt: Attempt,
        store: Store,
        folder: Path,
        event_logs: Path | None,
        stopped: Event,
    ) -> None:
        self._job_run, self._attempt, self._store, self._stopped = job_run, attempt, store, stopped
        self._event_logs = event_logs
        self._folder, self._conf, self._work = folder, folder / "conf", folder / "work"

    def run(self, hooks: ApplicationFaultHooks) -> str | None:
        """Run spark-submit and archive its logs. Return why it failed; None if it succeeded."""
        request, settings = self._job_run.request, self._job_run.settings
        for folder in (self._conf, self._work):
            folder.mkdir(parents=True)
        for name in monitoring.FILES:
            (self._folder / name).touch()
        spark, buckets = find_spark(), self._store.bucket_paths()
        class_archive.make_in_background(spark)
        properties = spark_properties(settings, request)
        self._unpack_archives(properties.get("spark.archives", ""), buckets)
        given = configurations(settings, request)
        submit.configure(spark, given, buckets, self._conf, self._work, self._event_logs)
        arguments = submit.submit_arguments(submit_words(request), IGNORED_PROPERTIES)
        command = submit.command(spark, self._conf, arguments)
        environment = submit.environment(spark, self._work) | _driver_environment(properties)
        with monitoring.copied_logs(self._job_run, self._attempt, self._folder):
            code = process.run(
                command, environment, self._work, self._folder, hooks.of(self._job_run), self._stop_request
            )
        self._archive()
        return self._failure(code) if code else None

    def _unpack_archives(self, archives: str, buckets: Mapping[str, Path]) -> None:
        """Unpack the archives, ``s3://…/file.zip#name``, into the working directory of the driver.

        Spark does this for executors. It also reports an archive that does not exist.
        https://docs.aws.amazon.com/emr/latest/EMR-Serverless-UserGuide/using-python-libraries.html
        """
        for uri, _, name in (archive.strip().partition("#") for archive in archives.split(",")):
            bucket, _, key = uri.partition("://")[2].partition("/")
            file = buckets.get(bucket, self._work) / key
            if file.is_file():
                shutil.unpack_archive(file, self._work / (name or file.name))

    def _stop_request(self) -> process.Stop | None:
        if self._stopped.is_set():
            return process.Stop.KILL
        if self._job_run.state is JobRunState.CANCELLING:
            graceful = self._job_run.cancel_grace != timedelta()
            return process.Stop.TERMINATE if graceful else process.Stop.KILL
        return None

    def _failure(self, code: int) -> str:
        stdout, stderr = (logs.tail(self._folder / name) for name in monitoring.FILES)
        cause = logs.root_cause(stdout, stderr, code)
        where = "Job failed, please check complete logs in configured logging destination."
        return f"{where} ExitCode: {code}." + (f" Last few exceptions: {cause.message}" if cause else "")

    def _archive(self) -> None:
        """Write the driver's logs to S3; a failure to do so does not fail the job run."""
        prefix = monitoring.archive_prefix(self._job_run, self._attempt)
        if prefix is None:
            return
        try:
            logs.archive(
                self._store, {self._folder / name: f"{prefix}/{name}.gz" for name in monitoring.FILES}
            )
        except (OSError, ValueError) as error:
            log.error("%s: cannot archive the logs at %s: %s", self._job_run.id, prefix, error)


def _driver_environment(properties: Mapping[str, str]) -> dict[str, str]:
    """Return the environment variables that a job run sets, except for the choice of the Python."""
    return {
        key.removeprefix(DRIVER_ENVIRONMENT): value
        for key, value in properties.items()
        if key.startswith(DRIVER_ENVIRONMENT)
        and not key.endswith(("PYSPARK_PYTHON", "PYSPARK_DRIVER_PYTHON"))
    }


def _cut(text: str) -> str:
    return text if len(text) <= MAX_DETAILS else f"{text[: MAX_DETAILS - 3]}..."
