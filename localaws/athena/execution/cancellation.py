"""Ends a query from outside: on request, or when its time is over."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from threading import Lock, Thread, Timer
from time import sleep

import duckdb

from localaws.athena.errors import BY_USER, QUERY_TIMEOUT, SYSTEM, QueryCancelled, QueryFailed

_INTERRUPT_EVERY = 0.05  # seconds


class Cancellation:
    """Lets another thread end a running query."""

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
        Thread(target=self._interrupt_until_over, daemon=True).start()

    def _interrupt_until_over(self) -> None:
        """Repeats, because DuckDB forgets an interrupt that comes just before its query begins."""
        while True:
            with self._lock:
                if self._interrupt is None:
                    return
                self._interrupt()
            sleep(_INTERRUPT_EVERY)

    def check(self) -> None:
        """Raises QueryCancelled once a request has come, QueryFailed once the time is over."""
        if self._end is not None:
            raise self._end

    @contextmanager
    def interrupting(self, interrupt: Callable[[], None], limit: timedelta) -> Iterator[None]:
        """Inside the block, which may take ``limit``, a request calls ``interrupt`` from a thread of its own.

        DuckDB's InterruptException leaves the block as what ``check`` raises.
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
