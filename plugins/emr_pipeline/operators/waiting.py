"""The operator half of waiting: defer to a triggerer, or run the same watch in the worker."""

from __future__ import annotations

import asyncio
import time
from abc import abstractmethod
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from functools import cached_property
from typing import Any, TypeVar

from airflow.providers.amazon.aws.hooks.s3 import S3Hook
from airflow.providers.amazon.aws.operators.base_aws import AwsBaseOperator
from airflow.providers.common.compat.sdk import AirflowException, AirflowFailException, conf
from airflow.sdk import Context
from airflow.sdk.bases.operator import TRIGGER_FAIL_REPR, TriggerFailureReason
from airflow.sdk.exceptions import TaskDeferralError, TaskDeferralTimeout
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from emr_pipeline.waiting import Event, Subject, WatchTrigger, is_transient

T = TypeVar("T")

PATIENT_CLIENT = {"retries": {"mode": "adaptive", "max_attempts": 10}}
"""EMR's and Athena's request limits are shared by the whole account; botocore then slows down by itself."""

MAKE_ATTEMPTS = 6
"""With twice the wait after each failure, about half a minute."""

LOOK_FIRST = 5.0
"""Seconds that a worker waits before it defers. What ends within a second or two must not be deferred: Airflow may take
the task's first half for its end and fail a task that has been resumed already."""

TRIGGERER_GRACE = timedelta(minutes=5)
"""How much longer than its own deadline a deferred task may last before Airflow gives up on the triggerer."""


@contextmanager
def refusals_are_final() -> Iterator[None]:
    """Turn what AWS refuses for good (permissions, validation) into a failure that Airflow does not retry."""
    try:
        yield
    except ClientError as error:
        if is_transient(error):
            raise
        raise AirflowFailException(f"AWS refused {error.operation_name}: {error}") from error


def in_one_line(error: Exception) -> str:
    """Return the message of an error in one line, with its class unless it was written for a person."""
    message = " ".join(str(error).split())
    written = isinstance(error, AirflowException | ClientError) and message
    return message if written else f"{type(error).__name__}: {message}"


class IdempotentAwsOperator(AwsBaseOperator[Any]):
    """An AWS operator whose client backs off under throttling, which does not retry a refusal, and whose failure is
    said in one line of the task's log before any traceback."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{"botocore_config": PATIENT_CLIENT, **kwargs})

    def execute(self, context: Context) -> Any:
        with self.failures_in_one_line():
            return self.reconcile(context)

    @contextmanager
    def failures_in_one_line(self) -> Iterator[None]:
        """Log what a failure says to a person, in a line of its own and with the exception's notes below it.

        Airflow logs the exception too, but as the last line of a traceback of its own frames.
        """
        try:
            with refusals_are_final():
                yield
        except Exception as error:
            self.log.error("%s", in_one_line(error))
            for note in getattr(error, "__notes__", ()):
                self.log.error("%s", note)
            raise

    @abstractmethod
    def reconcile(self, context: Context) -> Any:
        """Make it so and return the task's value; may run again after any interruption."""

    @cached_property
    def s3(self) -> S3Hook:
        """S3 through the same connection, for what lies there beside the service that the operator is for."""
        return S3Hook(aws_conn_id=self.aws_conn_id, region_name=self.region_name)

    @cached_property
    def single_shot(self) -> Any:
        """A client that never repeats a call by itself, for calls that make something at each repetition."""
        config = Config(retries={"total_max_attempts": 1})
        return self.aws_hook_class(
            aws_conn_id=self.aws_conn_id, region_name=self.region_name, config=config
        ).conn

    def find_or_create(self, find: Callable[[], T | None], make: Callable[[], T]) -> T:
        """Return what ``find`` finds, else what ``make`` makes with ``single_shot``.

        RunJobFlow and AddJobFlowSteps have no client token, and an error or a lost connection does not tell whether
        the call took effect: so it is looked for again before it is made again.
        """
        for attempt in range(MAKE_ATTEMPTS):
            if (found := find()) is not None:
                return found
            try:
                return make()
            except (ClientError, BotoCoreError) as error:
                if not is_transient(error) or attempt == MAKE_ATTEMPTS - 1:
                    raise
                self.log.warning("Will look whether it took effect: %s", error)
                time.sleep(2**attempt)
        raise AssertionError("unreachable: the last attempt returns or raises")


class WaitingOperator(IdempotentAwsOperator):
    """An operator that starts or finds something on AWS and then waits for its end.

    Subclasses call ``watch`` last in ``reconcile`` and judge the event in ``finish``. Whether the wait is deferred is
    Airflow's ``operators.default_deferrable`` unless said otherwise; either way it is the trigger that waits.
    """

    def __init__(
        self,
        *,
        deadline: timedelta,
        deferrable: bool = conf.getboolean("operators", "default_deferrable", fallback=False),
        **kwargs: Any,
    ) -> None:
        """``deadline`` bounds the wait; Airflow's own ``execution_timeout`` does not reach into a deferral."""
        super().__init__(**kwargs)
        self.deadline = deadline
        self.deferrable = deferrable
        self._watched: WatchTrigger | None = None

    def watch(self, context: Context, trigger: type[WatchTrigger], **subject: Any) -> Any:
        """Wait until ``trigger`` fires for ``subject`` and return what ``finish`` makes of its event."""

        def until(deadline: float) -> WatchTrigger:
            where = {"aws_conn_id": self.aws_conn_id, "region_name": self.region_name}
            return trigger(subject=subject, deadline=deadline, **where)

        now = time.time()
        self._watched = until(now + self.deadline.total_seconds())
        if self.deferrable:
            first_look = asyncio.run(until(min(now + LOOK_FIRST, self._watched.deadline)).watch())
            if not first_look.get("overdue"):
                return self.finish(context, first_look)
            timeout = self.deadline + TRIGGERER_GRACE
            self.defer(trigger=self._watched, method_name="resume", timeout=timeout)
        return self.finish(context, asyncio.run(self._watched.watch()))

    def resume(self, context: Context, event: Event) -> Any:
        """Airflow comes back here from the triggerer."""
        return self.finish(context, event)

    def resume_execution(self, next_method: str, next_kwargs: dict[str, Any] | None, context: Context) -> Any:
        """Go on after a deferral; raise TaskDeferralTimeout or TaskDeferralError when the triggerer has failed."""
        with self.failures_in_one_line():
            if next_method == TRIGGER_FAIL_REPR:
                raise _trigger_failure(**next_kwargs or {})
            return super().resume_execution(next_method, next_kwargs, context)

    @abstractmethod
    def finish(self, context: Context, event: Event) -> Any:
        """Judge the event, which also holds the subject, and return the task's value or raise."""

    @abstractmethod
    def cancel(self, subject: Subject) -> None:
        """Do what the trigger's ``cancel`` does, with the client that ``hook`` has already.

        Airflow asks for it in a signal handler, in the middle of a watch: there no other loop can run, and a client
        made anew would take too much of the five seconds until the process is killed.
        """

    def on_kill(self) -> None:
        if self._watched is not None:
            self.cancel(self._watched.subject)


def _trigger_failure(error: str = "", traceback: Sequence[str] | None = None, **_: Any) -> AirflowException:
    """Return what to raise for a trigger that has failed, with its traceback as a note."""
    if error == TriggerFailureReason.TRIGGER_TIMEOUT:
        return TaskDeferralTimeout("the triggerer has not ended the wait in time; see whether it runs")
    text = "".join(traceback or ()).strip()
    reason = text.splitlines()[-1] if text else error or "it gives no reason"
    failure = TaskDeferralError(f"the triggerer has failed while it waited: {reason}")
    if text:
        failure.add_note(text)
    return failure
