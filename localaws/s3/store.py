"""The S3 objects as plain files: ``<root>/<bucket>/<key>``.

The folder is the source of truth: Spark and Athena read and write it directly, objects survive a restart, and a large
file can be copied or linked into it. Only keys that are safe relative paths can be stored. Other keys are rejected
(UnsafeKeyError), so that no key can point outside its bucket.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import uuid
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, NamedTuple
from urllib.parse import urlsplit

BUCKET_NAME = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
# Incomplete files, and the versions of objects; no bucket can have these names.
INCOMING, VERSIONS = ".incoming", ".versions"
MAX_NAME_BYTES = 255  # of one path segment on common file systems


class UnsafeKeyError(ValueError):
    """The bucket or key cannot be stored as a file; the message says why."""


class FileStat(NamedTuple):
    """Attributes of a file that change when its content changes."""

    size: int
    modified: int  # nanoseconds since the epoch
    inode: int


class Store:
    def __init__(self, root: Path) -> None:
        self.root = root
        shutil.rmtree(root / INCOMING, ignore_errors=True)
        (root / INCOMING).mkdir(parents=True)

    def path(self, uri: str) -> Path:
        """Return the path of the file or folder for ``s3://bucket/key-or-prefix``, which need not exist.

        Raises UnsafeKeyError if ``uri`` is not an S3 URI or its key cannot be a file.
        """
        bucket, _, key = uri.partition("://")[2].partition("/")
        if urlsplit(uri).scheme not in {"s3", "s3a", "s3n"}:
            raise UnsafeKeyError(f"{uri!r} is not a URI like s3://bucket/key")
        return self.object_path(bucket, key.rstrip("/")) if key else self.bucket_path(bucket)

    def object_path(self, bucket: str, key: str) -> Path:
        """Return the path of the object's file, which need not exist. Raises UnsafeKeyError."""
        names = key.split("/")
        if any(name in {"", ".", ".."} or "\0" in name for name in names):
            raise UnsafeKeyError(f"the key {key!r} has an empty, '.' or '..' part, so it cannot be a file")
        if any(len(os.fsencode(name)) > MAX_NAME_BYTES for name in names):
            raise UnsafeKeyError(f"the key {key!r} has a part of more than {MAX_NAME_BYTES} bytes")
        folder = self.bucket_path(bucket)
        path = folder.joinpath(*names)
        if any(parent.is_symlink() for parent in path.parents if parent.is_relative_to(folder)):
            raise UnsafeKeyError(f"the key {key!r} contains a symbolic link to another folder")
        return path

    def check_writable(self, bucket: str, key: str) -> None:
        """Raise UnsafeKeyError if ``key`` cannot be stored together with the existing keys."""
        path = self.object_path(bucket, key)
        for parent in path.relative_to(self.bucket_path(bucket)).parents:
            if parent.name and (self.bucket_path(bucket) / parent).is_file():
                raise UnsafeKeyError(
                    f"the key {key!r} is below the object {str(parent)!r}: the same name cannot be a file and a folder"
                )
        if path.is_dir() and any(_files(path)):
            raise UnsafeKeyError(
                f"the key {key!r} is also the prefix of other objects: the same name cannot be a file and a folder"
            )

    # Buckets

    def buckets(self) -> list[str]:
        folders = (f for f in self.root.iterdir() if f.is_dir() and not f.is_symlink())
        return sorted(f.name for f in folders if BUCKET_NAME.fullmatch(f.name))

    def bucket_paths(self) -> dict[str, Path]:
        """Return the folder of each bucket by its name."""
        return {bucket: self.bucket_path(bucket) for bucket in self.buckets()}

    def add_bucket(self, bucket: str) -> None:
        self.bucket_path(bucket).mkdir(exist_ok=True)

    def remove_bucket(self, bucket: str) -> None:
        """Remove the bucket's folder if it contains no file."""
        folder = self.bucket_path(bucket)
        if folder.is_dir() and not any(_files(folder)):
            shutil.rmtree(folder)

    # Objects

    def stat(self, bucket: str, key: str) -> FileStat | None:
        """Return the attributes of the object's file; None if there is no such file."""
        try:
            return _file_stat(self.object_path(bucket, key))
        except UnsafeKeyError:
            return None

    def objects(self, bucket: str, prefix: str = "") -> dict[str, FileStat]:
        """Return key -> file attributes for each object of the bucket whose key starts with ``prefix``."""
        folder = self.bucket_path(bucket)
        try:
            start = self.object_path(bucket, prefix.rpartition("/")[0]) if "/" in prefix else folder
        except UnsafeKeyError:
            return {}
        keys = {path.relative_to(folder).as_posix(): path for path in _files(start)}
        found = {key: _file_stat(path) for key, path in keys.items() if key.startswith(prefix)}
        return {key: stat for key, stat in found.items() if stat}

    def write(self, bucket: str, key: str, content: IO[bytes]) -> FileStat:
        """Write the object atomically. Raises UnsafeKeyError, OSError (disk full)."""
        with self.writing(bucket, key) as file:
            shutil.copyfileobj(content, file, 1 << 20)
        status = self.object_path(bucket, key).stat()
        return FileStat(status.st_size, status.st_mtime_ns, status.st_ino)

    @contextmanager
    def writing(self, bucket: str, key: str) -> Iterator[IO[bytes]]:
        """Yield a file that becomes the object when the block ends; if the block raises, nothing is changed.

        Raises UnsafeKeyError, OSError (disk full, bucket removed).
        """
        self.check_writable(bucket, key)
        path, incoming = self.object_path(bucket, key), self.root / INCOMING / uuid.uuid4().hex
        try:
            with incoming.open("wb") as file:
                yield file
            if not self.bucket_path(bucket).is_dir():
                raise FileNotFoundError(f"the bucket {bucket} does not exist")
            if path.is_dir():  # contains only empty folders, as check_writable has verified
                shutil.rmtree(path)
            path.parent.mkdir(parents=True, exist_ok=True)
            incoming.replace(path)
        finally:
            incoming.unlink(missing_ok=True)

    def remove(self, bucket: str, key: str) -> None:
        """Remove the object's file and the folders that become empty. A missing file is not an error."""
        folder, path = self.bucket_path(bucket), self.object_path(bucket, key)
        path.unlink(missing_ok=True)
        for parent in path.parents:
            if parent == folder:
                return
            try:
                parent.rmdir()
            except OSError:  # not empty, or already removed
                return

    # Versions of objects in buckets with versioning

    def version_path(self, bucket: str, key: str, version: str) -> Path:
        return self._versions(bucket, key) / version

    def keep_version(self, bucket: str, key: str, version: str) -> Path:
        """Copy the object's file as a version, and return the path of the copy."""
        path = self.version_path(bucket, key, version)
        path.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(self.object_path(bucket, key), path)
        return path

    def remove_versions(self, bucket: str, key: str, kept: Collection[str]) -> None:
        """Remove the copies of all versions of the object that are not ``kept``."""
        folder = self._versions(bucket, key)
        if folder.is_dir():
            for path in folder.iterdir():
                if path.name not in kept:
                    path.unlink()
            if not kept:
                folder.rmdir()

    def _versions(self, bucket: str, key: str) -> Path:
        return self.root / VERSIONS / bucket / hashlib.sha256(key.encode()).hexdigest()

    def bucket_path(self, bucket: str) -> Path:
        if not BUCKET_NAME.fullmatch(bucket):
            raise UnsafeKeyError(f"{bucket!r} is not a bucket name: 3 to 63 of a-z, 0-9, '.' and '-'")
        return self.root / bucket


def _file_stat(path: Path) -> FileStat | None:
    try:
        status = path.stat()
    except OSError:
        return None
    return FileStat(status.st_size, status.st_mtime_ns, status.st_ino) if path.is_file() else None


def _files(folder: Path) -> Iterator[Path]:
    """Yield the files below ``folder``, including symbolic links to files but not to folders."""
    try:
        entries = list(os.scandir(folder))
    except (FileNotFoundError, NotADirectoryError):
        return
    for entry in entries:
        if entry.is_dir(follow_symlinks=False):
            yield from _files(Path(entry.path))
        elif entry.is_file():
            yield Path(entry.path)
