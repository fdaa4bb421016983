"""Saving the changes of resources."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from localaws import StartError
from localaws.state.database import Database
from localaws.state.saving import Resources, Saver, Source


@dataclass
class Light:
    on: bool = False
    broken: bool = False


def test_only_changes_are_written_and_final_resources_are_not_looked_at_again(tmp_path: Path) -> None:
    database, lights, encoded = Database(tmp_path), {"a": Light(), "b": Light(broken=True)}, []

    def encode(light: Light) -> bytes:
        encoded.append(light)
        return str(light.on).encode()

    source = Resources("light", lambda: dict(lights), encode=encode, is_final=lambda light: light.broken)
    source.save(database)
    assert database.load("light") == {"a": b"False", "b": b"False"}
    encoded.clear()
    database.remove()
    source.save(database)
    assert (encoded, database.load("light")) == ([lights["a"]], {})
    lights["a"].on = True
    source.save(database)
    assert database.load("light") == {"a": b"True"}
    del lights["a"]
    source.save(database)
    assert database.load("light") == {}


def test_a_document_that_cannot_be_read_names_the_file_and_the_document(tmp_path: Path) -> None:
    database = Database(tmp_path)
    database.save("light", {"a": b'{"on": true}', "b": b'{"on'})
    with pytest.raises(StartError, match=rf"{database.path}: light b: .*move it away"):
        Resources[Light]("light", dict).load_as(database, Light)


def test_one_source_that_fails_does_not_stop_the_others(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    class Failing(Source):
        def save(self, database: Database, is_last: bool = False) -> None:
            raise OSError("disk full")

    database = Database(tmp_path)
    saver = Saver(database, [Failing(), Resources("light", lambda: {"a": Light()})])
    saver.stop()
    assert set(database.load("light")) == {"a"}
    assert "disk full" in caplog.text
