"""The file of the saved state."""

from __future__ import annotations

import sqlite3
import stat
from pathlib import Path

import pytest

from localaws import StartError
from localaws.state.database import NAME, Database


@pytest.fixture
def database(tmp_path: Path) -> Database:
    return Database(tmp_path)


def test_documents_are_loaded_in_the_order_in_which_they_were_first_saved(database: Database) -> None:
    database.save("cluster", {"b": b"1", "a": b"2"})
    database.save("step", {"a": b"other"})
    database.save("cluster", {"b": b"3", "c": b"4"})
    database.save("cluster", {"a": None})
    assert [*database.load("cluster").items()] == [("b", b"3"), ("c", b"4")]
    database.remove("clu*")
    assert (database.load("cluster"), database.load("step")) == ({}, {"a": b"other"})


def test_only_the_user_may_read_it(database: Database) -> None:
    assert stat.S_IMODE(database.path.stat().st_mode) == 0o600


@pytest.mark.parametrize("damage", ["no database", "a page", "another format"])
def test_a_file_that_cannot_be_read_is_refused_by_name(tmp_path: Path, damage: str) -> None:
    database = Database(tmp_path)
    database.save("cluster", {str(number): bytes(1000) for number in range(100)})
    database.close()
    path = tmp_path / NAME
    if damage == "no database":
        path.write_bytes(b"truncated")
    elif damage == "a page":
        content = bytearray(path.read_bytes())
        content[8192:8292] = b"x" * 100
        path.write_bytes(content)
    else:
        with sqlite3.connect(path) as connection:
            connection.execute("PRAGMA user_version = 99")
    with pytest.raises(StartError, match=f"cannot read the saved state {path}: .*move it away"):
        Database(tmp_path)


def test_a_full_disk_is_an_os_error_and_changes_nothing(database: Database) -> None:
    database.save("cluster", {"a": b"1"})
    database._connection.execute("PRAGMA max_page_count = 10")
    with pytest.raises(OSError, match=r"cannot write .*state\.sqlite: database or disk is full"):
        database.save("cluster", {"a": b"2", "b": bytes(100_000)})
    assert database.load("cluster") == {"a": b"1"}
