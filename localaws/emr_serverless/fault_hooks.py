"""The hooks at which the planned faults of an application and its job runs are applied."""

from __future__ import annotations

from datetime import timedelta

from localaws.emr_serverless.model import Application, JobRun
from localaws.faults.kinds import ApplicationFailsToStart, ApplicationStartsSlowly, ClusterFault
from localaws.faults.plan import FaultPlan
from localaws.spark.fault_hooks import ProcessFaultHooks


class ApplicationFaultHooks:
    def __init__(self, plan: FaultPlan, application: Application) -> None:
        self._plan, self._application = plan, application

    def start_delay(self) -> timedelta:
        fault = self._plan.trigger(ApplicationStartsSlowly, self._application.id, self._matches)
        return timedelta(seconds=fault.seconds) if fault else timedelta()

    def start_failure(self) -> str:
        fault = self._plan.trigger(ApplicationFailsToStart, self._application.id, self._matches)
        return fault.message if fault else ""

    def of(self, job_run: JobRun) -> ProcessFaultHooks:
        """The faults of a step are those of a job run: the tags are those of the application or of the job run."""
        tags = {**self._application.tags, **job_run.tags}
        return ProcessFaultHooks(
            self._plan,
            f"job run {job_run.name} ({job_run.id})",
            lambda fault: fault.step == job_run.name and fault.matches_cluster(self._application.name, tags),
        )

    def _matches(self, fault: ClusterFault) -> bool:
        return fault.matches_cluster(self._application.name, self._application.tags)
