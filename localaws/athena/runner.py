"""Runs executions in a few threads, from QUEUED to their end."""

from __future__ import annotations

import logging
import time
from queue import SimpleQueue
from threading import Lock, Thread
from typing import Any
from urllib.parse import urlsplit

from botocore.exceptions import BotoCoreError, ClientError

from localaws.athena.engine import Engine
from localaws.athena.errors import (
    BY_USER,
    ENGINE_ERROR,
    RESULT_NOT_WRITTEN,
    SYSTEM,
    USER,
    USER_ERROR,
    QueryCancelled,
    QueryFailed,
)
from localaws.athena.model import Execution
from localaws.athena.result import Result
from localaws.athena.result_files import metadata_file, result_file
from localaws.faults.kinds import QueryDelayed, QueryFails, QueryFault
from localaws.faults.plan import FaultPlan

_STOP_EVERY = 0.05  # seconds between two looks whether a delayed query shall end
_LOG = logging.getLogger(__name__)


class Runner:
    """Daemon threads: a query that still runs when the process ends does not hold it up."""

    def __init__(self, engine: Engine, s3: Any, plan: FaultPlan, threads: int = 4) -> None:
        self._engine, self._s3, self._plan = engine, s3, plan
        self._waiting: SimpleQueue[Execution] = SimpleQueue()
        self._state = Lock()
        for number in range(threads):
            Thread(target=self._work, name=f"athena-{number}", daemon=True).start()

    def submit(self, execution: Execution) -> None:
        self._waiting.put(execution)

    def stop(self, execution: Execution) -> None:
        """Cancel an execution. One that runs is interrupted and ends soon; one that has ended stays as it is."""
        with self._state:
            if execution.state == "QUEUED":
                execution.cancelled(BY_USER)
        execution.cancellation.request()

    def _work(self) -> None:
        while True:
            execution = self._waiting.get()
            with self._state:
                runs = execution.start()
            if runs:
                self._run(execution)

    def _run(self, execution: Execution) -> None:
        try:
            self._suffer(execution)
            result = self._engine.run(
                execution.prepared, execution.database, execution.cancellation, execution.scan_limit
            )
            self._write(execution, result)
            execution.cancellation.check()
            execution.succeed(result)
        except QueryCancelled as cancelled:
            execution.cancelled(str(cancelled))
        except QueryFailed as failure:
            execution.fail(failure)
        except Exception as error:  # noqa: BLE001 - whatever it is, the query must end
            _LOG.exception("query %s broke the engine", execution.id)
            execution.fail(QueryFailed(f"GENERIC_INTERNAL_ERROR: {error!r}", ENGINE_ERROR, SYSTEM))

    def _suffer(self, execution: Execution) -> None:
        """Let the faults strike that are planned for the query. Raises QueryFailed, QueryCancelled."""

        def concerns(fault: QueryFault) -> bool:
            return fault.containing in execution.text

        if delay := self._plan.strike(QueryDelayed, f"query {execution.id}", concerns):
            end = time.monotonic() + delay.seconds
            while time.monotonic() < end:
                execution.cancellation.check()
                time.sleep(_STOP_EVERY)
        if failure := self._plan.strike(QueryFails, f"query {execution.id}", concerns):
            raise QueryFailed(
                failure.reason,
                ENGINE_ERROR if failure.retryable else USER_ERROR,
                SYSTEM if failure.retryable else USER,
                failure.retryable,
            )

    def _write(self, execution: Execution, result: Result) -> None:
        address = urlsplit(execution.output)
        key = address.path.lstrip("/")
        try:
            self._s3.put_object(Bucket=address.netloc, Key=key, Body=result_file(result))
            if result.columns:
                metadata = metadata_file(execution.id, result)
                self._s3.put_object(Bucket=address.netloc, Key=f"{key}.metadata", Body=metadata)
        except (ClientError, BotoCoreError) as error:
            raise QueryFailed(
                f"Unable to write the query result to {execution.output}: {error}", RESULT_NOT_WRITTEN, SYSTEM
            ) from None
