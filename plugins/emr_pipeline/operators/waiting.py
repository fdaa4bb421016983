"""The operator half of waiting: defer to a triggerer, or run the same watch in the worker."""

from __future__ import annotations

import asyncio
import time
from abc import abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

from airflow.providers.amazon.aws.operators.base_aws import AwsBaseOperator
from airflow.providers.common.compat.sdk import AirflowFailException, conf
from airflow.sdk import Context
from botocore.exceptions import ClientError

from emr_pipeline.waiting import Event, WatchTrigger, is_transient

PATIENT_CLIENT = {"retries": {"mode": "adaptive", "max_attempts": 10}}
"""EMR's and Athena's request limits are shared by the whole account; botocore then slows down by itself."""

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


class PatientOperator(AwsBaseOperator[Any]):
    """An AWS operator whose client backs off under throttling and which does not retry a refusal."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{"botocore_config": PATIENT_CLIENT, **kwargs})

    def execute(self, context: Context) -> Any:
        with refusals_are_final():
            return self.reconcile(context)

    @abstractmethod
    def reconcile(self, context: Context) -> Any:
        """Make it so and return the task's value; may run again after any interruption."""


class WaitingOperator(PatientOperator):
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

    def watch(self, context: Context, trigger: type[WatchTrigger], **subject: str | Sequence[str]) -> Any:
        """Wait until ``trigger`` fires for ``subject`` and return what ``finish`` makes of its event."""
        self._watched = trigger(
            subject=subject,
            deadline=time.time() + self.deadline.total_seconds(),
            aws_conn_id=self.aws_conn_id,
            region_name=self.region_name,
        )
        if self.deferrable:
            self.defer(trigger=self._watched, method_name="resume", timeout=self.deadline + TRIGGERER_GRACE)
        return self.finish(context, asyncio.run(self._watched.watch()))

    def resume(self, context: Context, event: Event) -> Any:
        """Airflow comes back here from the triggerer."""
        with refusals_are_final():
            return self.finish(context, event)

    @abstractmethod
    def finish(self, context: Context, event: Event) -> Any:
        """Judge the event, which also holds the subject, and return the task's value or raise."""

    def on_kill(self) -> None:
        if self._watched is not None:
            asyncio.run(self._watched.on_kill())
