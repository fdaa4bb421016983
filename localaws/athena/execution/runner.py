"""Runs executions in a few threads, from QUEUED to their end."""

from __future__ import annotations

import io
import logging
import time
from queue import SimpleQueue
from threading import Lock, Thread
from typing import IO
from urllib.parse import urlsplit

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
from localaws.athena.execution.engine import Engine
from localaws.athena.execution.query_execution import QueryExecution
from localaws.athena.results.files import CsvIndex, CsvRows, metadata_file, text_file, write_csv
from localaws.athena.results.result import Result, RunningQuery
from localaws.faults.kinds import QueryDelayed, QueryFails, QueryFault
from localaws.faults.plan import FaultPlan
from localaws.s3.store import Store, UnsafeKeyError

_STOP_EVERY = 0.05  # seconds between two looks whether a delayed query shall end
_LOG = logging.getLogger(__name__)


class Runner:
    """Daemon threads: a query that still runs when the process ends does not hold it up.

    Results go straight into the files behind S3: row by row, whatever their size.
    """

    def __init__(self, engine: Engine, store: Store, plan: FaultPlan, threads: int = 4) -> None:
        self._engine, self._store, self._plan = engine, store, plan
        self._waiting: SimpleQueue[QueryExecution] = SimpleQueue()
        self._state = Lock()
        for number in range(threads):
            Thread(target=self._work, name=f"athena-{number}", daemon=True).start()

    def submit(self, execution: QueryExecution) -> None:
        self._waiting.put(execution)

    def stop(self, execution: QueryExecution) -> None:
        """Cancel an execution at once; one that has ended stays as it is.

        What runs for it is interrupted: DuckDB may need some seconds more to leave a sort.
        """
        with self._state:
            if not execution.is_final:
                execution.cancelled(BY_USER)
        execution.cancellation.request()

    def _work(self) -> None:
        while True:
            execution = self._waiting.get()
            with self._state:
                runs = execution.start()
            if runs:
                self._run(execution)

    def _run(self, execution: QueryExecution) -> None:
        outcome = self._outcome(execution)
        with self._state:
            if execution.is_final:  # stopped in the meantime
                return
            if isinstance(outcome, Result):
                execution.succeed(outcome)
            elif isinstance(outcome, QueryFailed):
                execution.fail(outcome)
            else:
                execution.cancelled(str(outcome))

    def _outcome(self, execution: QueryExecution) -> Result | QueryFailed | QueryCancelled:
        try:
            self._suffer(execution)
            result = self._engine.run(
                execution.prepared, execution.database, execution.cancellation, execution.scan_limit
            )
            return self._written(execution, result)
        except (QueryFailed, QueryCancelled) as end:
            return end
        except Exception as error:  # noqa: BLE001 - whatever it is, the query must end
            _LOG.exception("query %s broke the engine", execution.id)
            return QueryFailed(f"GENERIC_INTERNAL_ERROR: {error!r}", ENGINE_ERROR, SYSTEM)

    def _suffer(self, execution: QueryExecution) -> None:
        """Apply the faults that are planned for the query. Raises QueryFailed, QueryCancelled."""

        def matches(fault: QueryFault) -> bool:
            return fault.containing in execution.text

        if delay := self._plan.trigger(QueryDelayed, f"query {execution.id}", matches):
            end = time.monotonic() + delay.seconds
            while time.monotonic() < end:
                execution.cancellation.check()
                time.sleep(_STOP_EVERY)
        if failure := self._plan.trigger(QueryFails, f"query {execution.id}", matches):
            raise QueryFailed(
                failure.reason,
                ENGINE_ERROR if failure.retryable else USER_ERROR,
                SYSTEM if failure.retryable else USER,
                failure.retryable,
            )

    def _written(self, execution: QueryExecution, result: Result | RunningQuery) -> Result:
        """The result once it is in S3, all of it or, if the query ends otherwise, nothing."""
        address = urlsplit(execution.output)
        bucket, key = address.netloc, address.path.lstrip("/")
        try:
            if isinstance(result, Result):
                self._store.write(bucket, key, io.BytesIO(text_file(result.rows)))
                written = result
            else:
                with self._store.writing(bucket, key) as file:
                    index = write_csv(file, result.columns, result.batches)
                    execution.cancellation.check()
                rows = self._rows(bucket, key, index)
                written = Result(result.columns, rows, has_header=True, scanned_bytes=result.scanned_bytes)
            if result.columns:
                metadata = metadata_file(execution.id, result.columns)
                self._store.write(bucket, f"{key}.metadata", io.BytesIO(metadata))
        except (OSError, UnsafeKeyError) as error:
            raise QueryFailed(
                f"Unable to write the query result to {execution.output}: {error}", RESULT_NOT_WRITTEN, SYSTEM
            ) from None
        return written

    def _rows(self, bucket: str, key: str, index: CsvIndex) -> CsvRows:
        path, stat = self._store.object_path(bucket, key), self._store.stat(bucket, key)

        def open_file() -> IO[bytes]:
            if self._store.stat(bucket, key) != stat:
                raise FileNotFoundError(f"s3://{bucket}/{key} is gone or has changed")
            return path.open("rb")

        return CsvRows(open_file, index)
