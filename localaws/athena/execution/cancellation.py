"""Cancelling a running query, on request or after a timeout."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from threading import Lock, Thread, Timer
from time import sleep

import duckdb

from localaws.athena.errors import BY_USER, QUERY_TIMEOUT, SYSTEM, QueryCancelled, QueryFailed

_INTERRUPT_INTERVAL = 0.05  # seconds


class Cancellation:
    """Through this object another thread can end a running query."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._end: QueryCancelled | QueryFailed | None = None
        self._interrupt: Callable[[], None] | None = None

    def request(self) -> None:
        self._end_with(QueryCancelled(BY_USER))

    def _time_out(self) -> None:
        self._end_with(QueryFailed("Query timeout", QUERY_TIMEOUT, SYSTEM))

    def _end_with(self, end: QueryCancelled | QueryFailed) -> None:
        with self._lock:
            self._end = self._end or end
        Thread(target=self._interrupt_repeatedly, daemon=True).start()

    def _interrupt_repeatedly(self) -> None:
        """Repeat the interrupt, because DuckDB ignores one that arrives just before its query starts."""
        while True:
            with self._lock:
                if self._interrupt is None:
                    return
                self._interrupt()
            sleep(_INTERRUPT_INTERVAL)

    def check(self) -> None:
        """Raises QueryCancelled after a request, and QueryFailed after the timeout."""
        if self._end is not None:
            raise self._end

    @contextmanager
    def interrupting(self, interrupt: Callable[[], None], limit: timedelta) -> Iterator[None]:
        """A context in which a request or a timeout calls ``interrupt``, from another thread.

        ``limit`` is the timeout. An InterruptException of DuckDB becomes the exception that ``check`` raises.
        """
        timer = Timer(limit.total_seconds(), self._time_out)
        timer.daemon = True
        with self._lock:
            self._interrupt = interrupt
        timer.start()
        try:
            self.check()
            yield
        except duckdb.InterruptException:
            self.check()
            raise
        finally:
            timer.cancel()
            with self._lock:
                self._interrupt = None
