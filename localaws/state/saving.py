"""Saves the changes of the resources in the background."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager, nullcontext
from threading import Event, Lock, Thread
from typing import Any, Generic, Protocol, TypeVar

from localaws.state.database import Database
from localaws.state.documents import from_json, to_json

INTERVAL_SECONDS = 0.5
"""A killed server loses at most the changes of this time."""

T = TypeVar("T")
log = logging.getLogger(__name__)


class Source(Protocol):
    def save(self, database: Database, is_last: bool = False) -> None:
        """Write what has changed since the last call. ``is_last``: there will be no other call."""


class Resources(Generic[T]):
    """The resources of one kind, as documents.

    ``find`` returns them by their ids; it and ``encode`` are called with ``lock`` held. ``is_final`` says that a
    resource does not change any more: it is not encoded again.
    """

    def __init__(
        self,
        kind: str,
        find: Callable[[], Mapping[str, T]],
        lock: Callable[[], AbstractContextManager[Any]] = nullcontext,
        encode: Callable[[T], bytes] = to_json,
        is_final: Callable[[T], bool] = lambda _: False,
    ) -> None:
        self._kind, self._find, self._lock, self._encode = kind, find, lock, encode
        self._is_final = is_final
        self._saved: dict[str, int] = {}
        self._final: set[str] = set()

    def save(self, database: Database, is_last: bool = False) -> None:
        changes: dict[str, bytes | None] = {}
        hashes: dict[str, int] = {}
        final = set()
        with self._lock():
            current = self._find()
            for key, resource in current.items():
                if key in self._final:
                    continue
                is_final = self._is_final(resource)
                document = self._encode(resource)
                if self._saved.get(key) != hash(document):
                    changes[key], hashes[key] = document, hash(document)
                if is_final:
                    final.add(key)
            removed = [*(self._saved.keys() - current.keys())]
        database.save(self._kind, changes | dict.fromkeys(removed))
        self._saved.update(hashes)
        self._final |= final
        for key in removed:
            del self._saved[key]
            self._final.discard(key)

    def load(self, database: Database, decode: Callable[[bytes], T]) -> dict[str, T]:
        """Return the saved resources by their ids. Raises StartError if one cannot be read."""
        found = {}
        for key, document in database.load(self._kind).items():
            try:
                found[key] = decode(document)
            except ValueError as error:
                raise database.unreadable(f"{self._kind} {key}: {error}") from error
            self._saved[key] = hash(document)
        return found

    def load_as(self, database: Database, kind: type[T]) -> dict[str, T]:
        return self.load(database, lambda document: from_json(kind, document))


class Saver:
    """Saves all sources every half second and at the end."""

    def __init__(self, database: Database, sources: Iterable[Source]) -> None:
        self._database, self._sources = database, [*sources]
        self._stopped, self._lock = Event(), Lock()
        self._thread = Thread(target=self._run, name="saver", daemon=True)
        self._thread.start()

    def add(self, sources: Iterable[Source]) -> None:
        self._sources += sources

    def stop(self) -> None:
        self._stopped.set()
        self._thread.join()
        self._save(is_last=True)

    def _run(self) -> None:
        while not self._stopped.wait(INTERVAL_SECONDS):
            self._save()

    def _save(self, is_last: bool = False) -> None:
        for source in [*self._sources]:
            try:
                source.save(self._database, is_last)
            except Exception:  # for example a full disk; the next call tries again
                log.exception("cannot save the state in %s", self._database.path)
