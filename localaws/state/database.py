"""The file ``state.sqlite`` in the state folder: one document for each saved resource.

SQLite writes each change completely or not at all, also when the process is killed.
"""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Mapping
from pathlib import Path
from threading import Lock

from localaws import StartError

NAME = "state.sqlite"
FORMAT = 1
"""The version of the tables and of the documents; a server with another version does not read them."""

Documents = dict[str, bytes]
Changes = Mapping[str, bytes | None]
"""The new documents by their ids; None removes a document."""


class Database:
    def __init__(self, folder: Path) -> None:
        """Open or create the file in ``folder``. Raises StartError if it is damaged or has another format."""
        self.path = folder / NAME
        self._lock = Lock()
        try:
            self.path.touch(mode=0o600)  # it has secrets: SSM parameters, keys of KMS
            self._connection = sqlite3.connect(self.path, check_same_thread=False, isolation_level=None)
            self._check()
            self._connection.execute("PRAGMA journal_mode = WAL")
            self._connection.execute("PRAGMA synchronous = NORMAL")
            self._connection.execute(
                "CREATE TABLE IF NOT EXISTS document"
                " (kind TEXT, id TEXT, content BLOB NOT NULL, UNIQUE (kind, id))"
            )
            self._connection.execute(f"PRAGMA user_version = {FORMAT}")
        except sqlite3.DatabaseError as error:
            raise self.unreadable(str(error)) from None
        except OSError as error:
            raise StartError(f"cannot write {self.path}: {error.strerror}") from None

    def _check(self) -> None:
        (problem,) = self._connection.execute("PRAGMA quick_check(1)").fetchone()
        if problem != "ok":
            raise sqlite3.DatabaseError("the database is damaged: " + " ".join(problem.split()))
        (version,) = self._connection.execute("PRAGMA user_version").fetchone()
        if version not in (0, FORMAT):
            raise sqlite3.DatabaseError(f"its format is {version}, and this version of localaws has {FORMAT}")

    def unreadable(self, reason: str) -> StartError:
        """Return the error of a file that cannot be used."""
        return StartError(
            f"cannot read the saved state {self.path}: {reason}. Restore the file, or move it away to start without"
            " the saved state; the objects of S3 are kept"
        )

    def load(self, kind: str) -> Documents:
        """Return the documents of a kind by their ids, in the order in which they were first saved."""
        with self._lock:
            rows = self._connection.execute(
                "SELECT id, content FROM document WHERE kind = ? ORDER BY rowid", [kind]
            )
            return dict(rows.fetchall())

    def save(self, kind: str, changes: Changes) -> None:
        """Write all changes in one transaction. Raises OSError, for example if the disk is full."""
        if not changes:
            return
        removed = [(kind, each) for each, content in changes.items() if content is None]
        written = [(kind, each, content) for each, content in changes.items() if content is not None]
        try:
            with self._lock, self._connection:
                self._connection.execute("BEGIN")
                self._connection.executemany("DELETE FROM document WHERE kind = ? AND id = ?", removed)
                self._connection.executemany(
                    "INSERT INTO document VALUES (?, ?, ?)"
                    " ON CONFLICT (kind, id) DO UPDATE SET content = excluded.content",
                    written,
                )
        except sqlite3.Error as error:
            raise OSError(f"cannot write {self.path}: {error}") from error

    def remove(self, kinds: str = "*") -> None:
        """Remove the documents whose kind matches the pattern, by default all."""
        with self._lock:
            self._connection.execute("DELETE FROM document WHERE kind GLOB ?", [kinds])

    def copy_to(self, path: Path) -> None:
        with self._lock:
            self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            shutil.copyfile(self.path, path)
            path.chmod(0o600)

    def close(self) -> None:
        with self._lock:
            self._connection.close()
