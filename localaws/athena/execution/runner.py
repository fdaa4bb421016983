"""Runs query executions in threads, from QUEUED to their final state."""

from __future__ import annotations

import io
import logging
import time
from collections.abc import Sequence
from queue import SimpleQueue
from threading import Condition, Thread
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

_CHECK_INTERVAL = 0.05  # seconds between two checks whether a delayed query was cancelled
_LOG = logging.getLogger(__name__)


class Runner:
    """Its threads are daemon threads, so a running query does not delay the end of the process.

    Results of any size are written directly to the files behind S3, batch by batch.
    """

    def __init__(self, engine: Engine, store: Store, plan: FaultPlan, threads: int = 4) -> None:
        self._engine, self._store, self._plan = engine, store, plan
        self._waiting: SimpleQueue[QueryExecution | None] = SimpleQueue()
        self._threads = threads
        self._state = Condition()
        for number in range(threads):
            Thread(target=self._work, name=f"athena-{number}", daemon=True).start()

    def submit(self, execution: QueryExecution) -> None:
        self._waiting.put(execution)

    def stop(self, execution: QueryExecution) -> None:
        """Set an execution to CANCELLED at once, unless its state is final.

        Its query in DuckDB is interrupted. In a sort, DuckDB may need some seconds until it ends.
        """
        with self._state:
            if not execution.is_final:
                execution.cancel(BY_USER)
                self._state.notify_all()
        execution.cancellation.request()

    def wait(self, execution: QueryExecution, seconds: float) -> None:
        """Wait for the end of an execution, at most ``seconds``."""
        with self._state:
            self._state.wait_for(lambda: execution.is_final, seconds)

    def close(self) -> None:
        """Let the threads end after the queries that are running."""
        for _ in range(self._threads):
            self._waiting.put(None)

    def _work(self) -> None:
        while True:
            execution = self._waiting.get()
            if execution is None:
                return
            with self._state:
                runs = execution.start()
            if runs:
                self._run(execution)
            execution.release()

    def _run(self, execution: QueryExecution) -> None:
        outcome = self._outcome(execution)
        with self._state:
            if execution.is_final:  # cancelled in the meantime
                return
            if isinstance(outcome, Result):
                execution.succeed(outcome)
            elif isinstance(outcome, QueryFailed):
                execution.fail(outcome)
            else:
                execution.cancel(str(outcome))
            self._state.notify_all()

    def _outcome(self, execution: QueryExecution) -> Result | QueryFailed | QueryCancelled:
        try:
            self._apply_faults(execution)
            result = self._engine.run(
                execution.prepared,
                execution.database,
                execution.cancellation,
                execution.scan_limit,
                execution.workgroup,
                execution.destination,
            )
            return self._write(execution, result)
        except (QueryFailed, QueryCancelled) as end:
            return end
        except Exception as error:  # noqa: BLE001 - the query must get a final state
            _LOG.exception("unexpected error in query %s", execution.id)
            return QueryFailed(f"GENERIC_INTERNAL_ERROR: {error!r}", ENGINE_ERROR, SYSTEM)

    def _apply_faults(self, execution: QueryExecution) -> None:
        """Apply the faults that are planned for the query. Raises QueryFailed or QueryCancelled."""

        def matches(fault: QueryFault) -> bool:
            return fault.containing in execution.text

        if delay := self._plan.trigger(QueryDelayed, f"query {execution.id}", matches):
            end = time.monotonic() + delay.seconds
            while time.monotonic() < end:
                execution.cancellation.check()
                time.sleep(_CHECK_INTERVAL)
        if failure := self._plan.trigger(QueryFails, f"query {execution.id}", matches):
            raise QueryFailed(
                failure.reason,
                ENGINE_ERROR if failure.retryable else USER_ERROR,
                SYSTEM if failure.retryable else USER,
                failure.retryable,
            )

    def _write(self, execution: QueryExecution, result: Result | RunningQuery) -> Result:
        """Write the result to S3 and return it. If the query does not succeed, nothing is written."""
        address = urlsplit(execution.output)
        bucket, key = address.netloc, address.path.lstrip("/")
        try:
            if execution.prepared.statement.output in ("table", "files") and isinstance(result, Result):
                manifest = execution.destination.manifest.removeprefix(f"s3://{bucket}/")
                self._store.write(bucket, manifest, io.BytesIO("\n".join(result.files).encode()))
                written = result
            elif isinstance(result, Result):
                self._store.write(bucket, key, io.BytesIO(text_file(result.rows)))
                written = result
            else:
                with self._store.writing(bucket, key) as file:
                    index = write_csv(file, result.columns, result.batches)
                    execution.cancellation.check()
                stat = self._store.stat(bucket, key)
                rows = self.csv_rows(execution.output, index, stat or ())
                written = Result(result.columns, rows, has_header=True, scanned_bytes=result.scanned_bytes)
            if result.columns:
                metadata = metadata_file(execution.id, result.columns)
                self._store.write(bucket, f"{key}.metadata", io.BytesIO(metadata))
        except (OSError, UnsafeKeyError) as error:
            raise QueryFailed(
                f"Unable to write the query result to {execution.output}: {error}", RESULT_NOT_WRITTEN, SYSTEM
            ) from None
        return written

    def csv_rows(self, uri: str, index: CsvIndex, version: Sequence[int]) -> CsvRows:
        """Return the rows of a result file on S3. ``version`` is the FileStat of the file when it was written."""
        address = urlsplit(uri)
        bucket, key = address.netloc, address.path.lstrip("/")

        def open_file() -> IO[bytes]:
            if self._store.stat(bucket, key) != tuple(version):
                raise FileNotFoundError(f"{uri} was deleted or has changed")
            return self._store.object_path(bucket, key).open("rb")

        return CsvRows(open_file, index, version)
