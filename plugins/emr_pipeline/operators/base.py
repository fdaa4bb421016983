"""The base classes of the operators: for idempotent AWS calls, for targets, and for waiting operators."""

from __future__ import annotations

import asyncio
import time
from abc import abstractmethod
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from functools import cached_property
from typing import Any, TypeVar

from airflow.providers.amazon.aws.hooks.base_aws import AwsBaseHook, AwsGenericHook
from airflow.providers.amazon.aws.hooks.s3 import S3Hook
from airflow.providers.amazon.aws.operators.base_aws import AwsBaseOperator
from airflow.providers.amazon.aws.utils.mixins import aws_template_fields
from airflow.providers.common.compat.sdk import AirflowException, AirflowFailException, conf
from airflow.sdk import Context
from airflow.sdk.bases.operator import TRIGGER_FAIL_REPR, TriggerFailureReason
from airflow.sdk.exceptions import TaskDeferralError, TaskDeferralTimeout
from botocore.exceptions import BotoCoreError, ClientError

from emr_pipeline.extra_links import FAILURE
from emr_pipeline.failure import level
from emr_pipeline.hook_clients import HookClients
from emr_pipeline.specs import EMR_EC2
from emr_pipeline.targets.registry import target_class
from emr_pipeline.targets.target import Target
from emr_pipeline.triggers.base import Event, PollingTrigger, Resource, is_transient

T = TypeVar("T")

CLIENT_CONFIG = {"retries": {"mode": "adaptive", "max_attempts": 10}}
"""The account shares the request limits of EMR and Athena; in adaptive mode botocore reduces its request rate."""

CREATE_ATTEMPTS = 6
"""The wait doubles after each attempt: about half a minute in total."""

FIRST_WAIT_SECONDS = 5.0
"""Seconds that the worker waits before the task is deferred. A wait of one or two seconds must not be deferred: Airflow
may process the task's deferral after its resumption and fail it."""

TRIGGERER_GRACE = timedelta(minutes=5)
"""Added to the timeout of a deferred task: later, Airflow assumes that the triggerer has failed."""


@contextmanager
def fail_on_refusal() -> Iterator[None]:
    """Turn a permanent error of AWS (permissions, validation) into a failure that Airflow does not retry."""
    try:
        yield
    except ClientError as error:
        if is_transient(error):
            raise
        raise AirflowFailException(f"AWS refused {error.operation_name}: {error}") from error


def one_line(error: Exception) -> str:
    """Return an error's message in one line, with its class unless the message comes from this package or from AWS."""
    message = " ".join(str(error).split())
    written = isinstance(error, AirflowException | ClientError) and message
    return message if written else f"{type(error).__name__}: {message}"


class IdempotentAwsOperator(AwsBaseOperator[Any]):
    """An AWS operator that can run again after any interruption.

    Its client backs off under throttling. Errors that are not transient are not retried. The task's log has the error
    message in one line, before the traceback.
    """

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{"botocore_config": CLIENT_CONFIG, **kwargs})

    def execute(self, context: Context) -> Any:
        with self.log_failures(context):
            return self.reconcile(context)

    @contextmanager
    def log_failures(self, context: Context) -> Iterator[None]:
        """Log the message of an exception in one line, followed by its notes, and push it as an XCom.

        A note that is a record of a step's log keeps its level.

        Airflow also logs the exception, but below a traceback of its own frames.
        """
        try:
            with fail_on_refusal():
                yield
        except Exception as error:
            self.log.error("%s", one_line(error))
            try:
                context["ti"].xcom_push(key=FAILURE, value=one_line(error))
            except Exception as problem:  # noqa: BLE001 - it must not hide the error of the task
                self.log.warning("The note of the run will lack this cause: %s", problem)
            for note in getattr(error, "__notes__", ()):
                self.log.log(level(note), "%s", note)
            raise

    @abstractmethod
    def reconcile(self, context: Context) -> Any:
        """Bring about the desired state and return the task's value; must be idempotent."""

    @cached_property
    def s3(self) -> S3Hook:
        """The S3 hook of the same connection, for operators of another service."""
        return S3Hook(aws_conn_id=self.aws_conn_id, region_name=self.region_name)

    def find_or_create(self, find: Callable[[], T | None], create: Callable[[], T]) -> T:
        """Return the result of ``find``; if it is None, that of ``create``, whose call has no retries.

        RunJobFlow and AddJobFlowSteps have no client token, and after an error or a lost connection it is unknown
        whether the call took effect. Therefore ``find`` runs again before each retry of ``create``.
        """
        for attempt in range(CREATE_ATTEMPTS):
            if (found := find()) is not None:
                return found
            try:
                return create()
            except (ClientError, BotoCoreError) as error:
                if not is_transient(error) or attempt == CREATE_ATTEMPTS - 1:
                    raise
                self.log.warning("Will check whether the call took effect: %s", error)
                time.sleep(2**attempt)
        raise AssertionError("unreachable: the last attempt returns or raises")


class TargetOperator(IdempotentAwsOperator):
    """An operator that works on a target: ``target`` is the target's name."""

    # Not used: a target has the hook of its service.
    aws_hook_class: type[AwsGenericHook[Any]] = AwsBaseHook
    template_fields = aws_template_fields("target")

    def __init__(self, *, target: str = EMR_EC2, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.target = target

    @cached_property
    def emr(self) -> Target:
        """The target, with the connection of the operator."""
        return target_class(self.target)(HookClients(**self._hook_parameters))


class WaitingOperator(IdempotentAwsOperator):
    """An operator that starts or finds an AWS resource and waits until it has ended.

    Subclasses call ``wait_for`` at the end of ``reconcile`` and evaluate the event in ``finish``. The default of
    ``deferrable`` is Airflow's ``operators.default_deferrable``. A task that is not deferred runs the trigger in the
    worker.
    """

    def __init__(
        self,
        *,
        timeout: timedelta,
        deferrable: bool = conf.getboolean("operators", "default_deferrable", fallback=False),
        **kwargs: Any,
    ) -> None:
        """``timeout`` limits the wait; Airflow's ``execution_timeout`` does not include the time of a deferral."""
        super().__init__(**kwargs)
        self.timeout = timeout
        self.deferrable = deferrable
        self._trigger: PollingTrigger | None = None

    def wait_for(self, context: Context, trigger: type[PollingTrigger], **resource: Any) -> Any:
        """Wait until ``trigger`` fires for ``resource`` and return the result of ``finish`` for its event."""

        def until(deadline: float) -> PollingTrigger:
            connection = {"aws_conn_id": self.aws_conn_id, "region_name": self.region_name}
            return trigger(resource=resource, deadline=deadline, **connection)

        now = time.time()
        # Both triggers have the same nested objects: the second continues the log where the first has stopped.
        self._trigger = until(now + self.timeout.total_seconds())
        if self.deferrable:
            event = asyncio.run(until(min(now + FIRST_WAIT_SECONDS, self._trigger.deadline)).wait())
            if not event.get("timed_out"):
                return self.finish(context, event)
            timeout = self.timeout + TRIGGERER_GRACE
            self.defer(trigger=self._trigger, method_name="execute_complete", timeout=timeout)
        return self.finish(context, asyncio.run(self._trigger.wait()))

    def execute_complete(self, context: Context, event: Event) -> Any:
        """Airflow calls this method when the trigger has fired."""
        return self.finish(context, event)

    def resume_execution(self, next_method: str, next_kwargs: dict[str, Any] | None, context: Context) -> Any:
        """Resume after a deferral; raise TaskDeferralTimeout or TaskDeferralError if the triggerer has failed."""
        with self.log_failures(context):
            if next_method == TRIGGER_FAIL_REPR:
                raise _trigger_failure(**next_kwargs or {})
            return super().resume_execution(next_method, next_kwargs, context)

    @abstractmethod
    def finish(self, context: Context, event: Event) -> Any:
        """Return the task's value for the event, which also holds the resource, or raise."""

    @abstractmethod
    def cancel(self, resource: Resource) -> None:
        """Do the same as the trigger's ``cancel``, with an existing client.

        Airflow calls ``on_kill`` in a signal handler, while the trigger's event loop runs: a second loop cannot start,
        and a new client would take too much of the five seconds before the process is killed.
        """

    def on_kill(self) -> None:
        if self._trigger is not None:
            self.cancel(self._trigger.resource)


def _trigger_failure(error: str = "", traceback: Sequence[str] | None = None, **_: Any) -> AirflowException:
    """Return the exception for a failed trigger, with the trigger's traceback as a note."""
    if error == TriggerFailureReason.TRIGGER_TIMEOUT:
        return TaskDeferralTimeout("the triggerer has not fired in time; check that it is running")
    text = "".join(traceback or ()).strip()
    reason = text.splitlines()[-1] if text else error or "no reason given"
    failure = TaskDeferralError(f"the trigger failed: {reason}")
    if text:
        failure.add_note(text)
    return failure
