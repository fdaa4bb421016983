"""EMR Serverless's API operations: one method each, from the request's members to the response's members.

Operations without a method are rejected as "not supported by the local AWS". Source of the behaviour:
https://docs.aws.amazon.com/emr-serverless/latest/APIReference/
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import TypeVar

from localaws.emr_serverless import serializers
from localaws.emr_serverless.application_registry import ApplicationRegistry
from localaws.emr_serverless.dashboards import Dashboards
from localaws.emr_serverless.errors import conflict, not_found, validation_error
from localaws.emr_serverless.model import Application, ApplicationState, Attempt, JobRun, new_id
from localaws.emr_serverless.request import (
    cancel_grace,
    check_engine,
    check_job_run,
    check_settings,
    spark_properties,
)
from localaws.emr_serverless.workers import workers_of
from localaws.protocol import JSON

PAGE_SIZE = 50
_ARN = re.compile(r".*:/applications/(?P<application>\w+)(/jobruns/(?P<job_run>\w+))?")
T = TypeVar("T", Application, JobRun, Attempt)


class EmrServerlessApi:
    def __init__(
        self,
        registry: ApplicationRegistry,
        phase: timedelta,
        check_role: Callable[[str], None],
        launch: Callable[[Application], None],
        dashboards: Dashboards,
    ) -> None:
        """``phase`` is the duration of CREATING, STARTING and STOPPING. ``check_role`` raises if IAM does not have the
        role; ``launch`` starts running a new application.
        """
        self._registry, self._phase, self._check_role, self._launch = registry, phase, check_role, launch
        self._dashboards = dashboards
        self._answers: dict[tuple[str, str], tuple[JSON, JSON]] = {}

    # Applications

    def create_application(self, request: JSON) -> JSON:
        def create(settings: JSON) -> JSON:
            tags = settings.pop("tags", {})
            settings["type"] = check_engine(settings["type"])
            check_settings(settings)
            application = Application(new_id(), settings, self._registry.clock(), self._phase, dict(tags))
            self._registry.add(application)
            self._launch(application)
            arn = serializers.application_arn(application)
            return {"applicationId": application.id, "arn": arn, "name": settings.get("name")}

        return self._once("CreateApplication", request, create)

    def get_application(self, request: JSON) -> JSON:
        with self._registry.transaction():
            return {"application": serializers.application(self._application(request))}

    def list_applications(self, request: JSON) -> JSON:
        states = request.get("states") or set(ApplicationState) - {ApplicationState.TERMINATED}
        with self._registry.transaction():
            found = [a for a in self._registry.newest_first() if a.state in states]
            page, token = _page(found, request, [a.id for a in found])
            return {"applications": [serializers.application_summary(a) for a in page], "nextToken": token}

    def update_application(self, request: JSON) -> JSON:
        def update(members: JSON) -> JSON:
            application_id = members.pop("applicationId")
            check_settings(members)
            with self._registry.transaction() as now:
                application = self._registry.application(application_id)
                application.update(members, now)
                return {"application": serializers.application(application)}

        return self._once("UpdateApplication", request, update)

    def start_application(self, request: JSON) -> None:
        with self._registry.transaction() as now:
            self._application(request).start(now)

    def stop_application(self, request: JSON) -> None:
        with self._registry.transaction() as now:
            self._application(request).stop(now)

    def delete_application(self, request: JSON) -> None:
        with self._registry.transaction() as now:
            self._application(request).terminate(now)

    # Job runs

    def start_job_run(self, request: JSON) -> JSON:
        def start(members: JSON) -> JSON:
            check_job_run(members)
            self._check_role(members["executionRoleArn"])
            application_id, tags = members.pop("applicationId"), members.pop("tags", {})
            with self._registry.transaction() as now:
                application = self._registry.application(application_id)
                workers_of(spark_properties(application.settings, members))
                settings = dict(application.settings)
                job_run = JobRun(new_id(), application, members, settings, now, dict(tags))
                application.submit(job_run, now)
            return {
                "applicationId": application_id,
                "jobRunId": job_run.id,
                "arn": serializers.job_run_arn(job_run),
            }

        return self._once("StartJobRun", request, start)

    def get_job_run(self, request: JSON) -> JSON:
        with self._registry.transaction():
            return {"jobRun": serializers.job_run(*self._attempt(request))}

    def list_job_runs(self, request: JSON) -> JSON:
        states, mode = request.get("states"), request.get("mode", "BATCH")
        after, before = request.get("createdAtAfter"), request.get("createdAtBefore")
        with self._registry.transaction():
            found = [
                j
                for j in reversed(self._application(request).job_runs.values())
                if (not states or j.state in states)
                and (not after or j.created > after)
                and (not before or j.created < before)
                and mode == "BATCH"
            ]
            page, token = _page(found, request, [j.id for j in found])
            return {"jobRuns": [serializers.job_run_summary(j) for j in page], "nextToken": token}

    def list_job_run_attempts(self, request: JSON) -> JSON:
        with self._registry.transaction():
            job_run = self._job_run(request)
            found = job_run.attempts[::-1]
            page, token = _page(found, request, [str(attempt.number) for attempt in found])
            attempts = [serializers.attempt_summary(job_run, attempt) for attempt in page]
            return {"jobRunAttempts": attempts, "nextToken": token}

    def cancel_job_run(self, request: JSON) -> JSON:
        grace = cancel_grace(request)
        with self._registry.transaction() as now:
            job_run = self._job_run(request)
            job_run.cancel(grace, now)
        return {"applicationId": job_run.application.id, "jobRunId": job_run.id}

    def get_dashboard_for_job_run(self, request: JSON) -> JSON:
        return {"url": self._dashboards.url(*self._attempt(request))}

    # Tags

    def tag_resource(self, request: JSON) -> None:
        with self._registry.transaction():
            self._tags(request).update(request["tags"])

    def untag_resource(self, request: JSON) -> None:
        with self._registry.transaction():
            tags = self._tags(request)
            for key in request["tagKeys"]:
                tags.pop(key, None)

    def list_tags_for_resource(self, request: JSON) -> JSON:
        with self._registry.transaction():
            return {"tags": dict(self._tags(request))}

    def _application(self, request: JSON) -> Application:
        return self._registry.application(request["applicationId"])

    def _job_run(self, request: JSON) -> JobRun:
        return self._registry.job_run(request["applicationId"], request["jobRunId"])

    def _attempt(self, request: JSON) -> tuple[JobRun, Attempt]:
        """Return the job run and the attempt that the request names, by default the latest one."""
        job_run = self._job_run(request)
        number = request.get("attempt", job_run.attempt.number)
        if number > len(job_run.attempts):
            raise not_found("Attempt", f"{number} of job run {job_run.id}")
        return job_run, job_run.attempts[number - 1]

    def _tags(self, request: JSON) -> dict[str, str]:
        match = _ARN.fullmatch(request["resourceArn"])
        if not match:
            raise validation_error(
                f"{request['resourceArn']!r} is not the ARN of an application or a job run."
            )
        if match["job_run"]:
            return self._registry.job_run(match["application"], match["job_run"]).tags
        return self._registry.application(match["application"]).tags

    def _once(self, operation: str, request: JSON, work: Callable[[JSON], JSON]) -> JSON:
        """Return the answer of an earlier call with the same clientToken and members; otherwise do the work."""
        members = {name: value for name, value in request.items() if name != "clientToken"}
        key = (operation, request["clientToken"])
        with self._registry.transaction():
            if key in self._answers:
                first, answer = self._answers[key]
                if first != members:
                    raise conflict(f"The clientToken {key[1]} was used with other parameters.")
                return answer
            answer = work(dict(members))
            self._answers[key] = (members, answer)
            return answer


def _page(items: Sequence[T], request: JSON, ids: Sequence[str]) -> tuple[Sequence[T], str | None]:
    """Return the page after the item whose id is ``nextToken``, and the next token. Raises ValidationException."""
    token, size = request.get("nextToken"), request.get("maxResults", PAGE_SIZE)
    if token and token not in ids:
        raise validation_error(f"The nextToken {token!r} is not valid.")
    start = ids.index(token) + 1 if token else 0
    end = start + size
    return items[start:end], ids[end - 1] if end < len(items) else None
