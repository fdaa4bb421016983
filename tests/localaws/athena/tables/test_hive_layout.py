"""The partition folders and data files of a table."""

from __future__ import annotations

from pathlib import Path

import pytest

from localaws.athena.tables.hive_layout import data_files, partition_folders, partition_value


def touch(path: Path, content: str = "x") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content)


def test_data_files_are_found_at_any_depth_without_markers(tmp_path: Path) -> None:
    for name in (
        "b.parquet",
        "a/c.parquet",
        "_SUCCESS",
        ".b.crc",
        "_temporary/d.parquet",
        "a/.hidden/e.parquet",
    ):
        touch(tmp_path / name)
    touch(tmp_path / "marker", "")
    assert data_files(tmp_path) == [tmp_path / "a/c.parquet", tmp_path / "b.parquet"]
    assert data_files(tmp_path / "nowhere") == []


def test_partitions_follow_the_declared_order(tmp_path: Path) -> None:
    for name in ("y=1/m=2/f", "y=1/m=1/f", "m=1/y=1/f", "y=1/f", "y=a:b/m=1/f", "Y=2/m=1/f", "y=3/m=/f"):
        touch(tmp_path / name)
    (tmp_path / "y=4/m=1").mkdir(parents=True)
    assert list(partition_folders(tmp_path, ["y", "m"])) == [("y=1", "m=1"), ("y=1", "m=2")]


def test_a_key_that_begins_with_an_underscore_is_skipped(tmp_path: Path) -> None:
    touch(tmp_path / "_y=1/f")
    assert list(partition_folders(tmp_path, ["_y"])) == []


@pytest.mark.parametrize(("folder", "value"), [("a=1", "1"), ("a=x%3Ay", "x:y"), ("a=b=c", "b=c")])
def test_partition_value(folder: str, value: str) -> None:
    assert partition_value(folder) == value
