"""The folder with the S3 objects."""

from __future__ import annotations

import io
from pathlib import Path
from typing import IO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from localaws.s3.store import Store, UnsafeKeyError


@pytest.fixture
def store(tmp_path: Path) -> Store:
    store = Store(tmp_path / "s3")
    store.add_bucket("bucket")
    return store


def put(store: Store, key: str, content: bytes = b"x") -> None:
    store.write("bucket", key, io.BytesIO(content))


@pytest.mark.parametrize(
    ("uri", "path"),
    [
        ("s3://bucket", "bucket"),
        ("s3://bucket/", "bucket"),
        ("s3://bucket/a/b.csv", "bucket/a/b.csv"),
        ("s3a://bucket/a/", "bucket/a"),
        ("s3://bucket/run_date=2024-01-01/päth with space", "bucket/run_date=2024-01-01/päth with space"),
    ],
)
def test_path_returns_the_file_of_the_object(store: Store, uri: str, path: str) -> None:
    assert store.path(uri) == store.root / path


@pytest.mark.parametrize(
    "uri",
    [
        "/etc/passwd",
        "file:///etc/passwd",
        "s3://",
        "s3:///key",
        "s3://../key",
        "s3://.incoming/key",
        "s3://bucket/../other/key",
        "s3://bucket/a/./b",
        "s3://bucket//a",
        "s3://bucket/a\0b",
        "s3://bucket/" + "n" * 256,
    ],
)
def test_a_uri_that_cannot_be_a_file_is_rejected(store: Store, uri: str) -> None:
    with pytest.raises(UnsafeKeyError):
        store.path(uri)


@given(st.text(alphabet="a./\\~\0 ", min_size=1, max_size=12))
def test_no_key_points_outside_its_bucket(key: str) -> None:
    store = Store.__new__(Store)
    store.root = Path("/state/s3")
    try:
        path = store.object_path("bucket", key)
    except UnsafeKeyError:
        return
    assert ".." not in path.parts
    assert path.is_relative_to("/state/s3/bucket")
    assert path != Path("/state/s3/bucket")


def test_a_linked_folder_is_rejected_and_a_linked_file_is_an_object(store: Store, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "big.csv").write_bytes(b"12345")
    (store.root / "bucket" / "folder").symlink_to(outside)
    (store.root / "bucket" / "big.csv").symlink_to(outside / "big.csv")
    with pytest.raises(UnsafeKeyError, match="link"):
        put(store, "folder/x")
    assert {key: s.size for key, s in store.objects("bucket").items()} == {"big.csv": 5}
    store.remove("bucket", "big.csv")
    assert (outside / "big.csv").exists()


def test_a_name_cannot_be_object_and_prefix(store: Store) -> None:
    put(store, "a/b")
    for key in ("a", "a/b/c"):
        with pytest.raises(UnsafeKeyError, match="the same name"):
            put(store, key)


def test_an_object_replaces_an_empty_folder(store: Store) -> None:
    (store.root / "bucket" / "a" / "left").mkdir(parents=True)
    put(store, "a")
    assert list(store.objects("bucket")) == ["a"]


def test_listing_uses_the_key_prefix_not_the_folder(store: Store) -> None:
    for key in ("p/ab", "p/abc/d", "p/b", "q"):
        put(store, key)
    assert sorted(store.objects("bucket", "p/a")) == ["p/ab", "p/abc/d"]
    assert sorted(store.objects("bucket")) == ["p/ab", "p/abc/d", "p/b", "q"]
    assert store.objects("bucket", "missing/x") == store.objects("bucket", "../") == {}


def test_a_failed_write_keeps_the_old_content_and_leaves_no_file(store: Store) -> None:
    class FullDisk(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            raise OSError(28, "No space left on device")

    put(store, "a", b"old")
    broken: IO[bytes] = FullDisk()
    with pytest.raises(OSError, match="No space"):
        store.write("bucket", "a", broken)
    assert (store.root / "bucket" / "a").read_bytes() == b"old"
    assert not list((store.root / ".incoming").iterdir())


def test_removing_the_last_object_removes_its_folders_but_not_the_bucket(store: Store) -> None:
    put(store, "a/b/c")
    put(store, "a/d")
    store.remove("bucket", "a/b/c")
    assert sorted(p.name for p in (store.root / "bucket" / "a").iterdir()) == ["d"]
    store.remove("bucket", "a/d")
    store.remove("bucket", "never/was")
    assert not list((store.root / "bucket").iterdir())


def test_a_bucket_with_files_is_not_removed(store: Store) -> None:
    put(store, "a")
    store.remove_bucket("bucket")
    assert store.buckets() == ["bucket"]
    store.remove("bucket", "a")
    store.remove_bucket("bucket")
    assert store.buckets() == []
