"""Two-way synchronization between moto's buckets and keys and the Store's folder."""

from __future__ import annotations

import hashlib
import shutil
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.s3.models import FakeKey, S3Backend, s3_backends

from localaws.s3.cors import Rule
from localaws.s3.store import FileStat, Store, UnsafeKeyError

REGION = "us-east-1"
CHUNK = 2**20


@dataclass(frozen=True)
class _SyncedObject:
    """An object that is the same in the folder and in moto."""

    stat: FileStat
    key: FakeKey


class Mirror:
    """Synchronizes moto with the Store's folder. Not thread-safe: the caller must hold a lock."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._known: dict[str, dict[str, _SyncedObject]] = {}

    @property
    def _backend(self) -> S3Backend:
        return s3_backends[DEFAULT_ACCOUNT_ID]["aws"]

    def load_buckets(self) -> None:
        """Synchronize new and removed buckets between moto and the store."""
        for bucket in set(self._known) - set(self._backend.buckets):
            del self._known[bucket]
            self._store.remove_bucket(bucket)
        for bucket in self._store.buckets():
            if bucket not in self._backend.buckets:
                self._backend.create_bucket(bucket, REGION)
        for bucket in self._backend.buckets:
            self._store.add_bucket(bucket)
            self._known.setdefault(bucket, {})

    def cors_rules(self, bucket: str) -> Sequence[Rule] | None:
        """Return the rules of PutBucketCors, empty if there are none; None if the bucket does not exist."""
        found = self._backend.buckets.get(bucket)
        return found.cors if found else None

    def load(self, bucket: str, prefix: str) -> None:
        """Load all changes below ``prefix`` from the folder into moto."""
        if bucket not in self._known:
            return
        files, known = self._store.objects(bucket, prefix), self._known[bucket]
        for key in files.keys() | {key for key in known if key.startswith(prefix)}:
            self._load(bucket, key, files.get(key))

    def load_object(self, bucket: str, key: str) -> None:
        """Load the change of one object from the folder into moto."""
        if bucket in self._known:
            self._load(bucket, key, self._store.stat(bucket, key))

    def _load(self, bucket: str, key: str, stat: FileStat | None) -> None:
        known = self._known[bucket].get(key)
        if known and not stat:
            del self._known[bucket][key]
            self._backend.delete_object(bucket, key)
        elif stat and (not known or known.stat != stat):
            self._known[bucket][key] = _SyncedObject(stat, self._add(bucket, key, stat))

    def _add(self, bucket: str, name: str, stat: FileStat) -> FakeKey:
        """Add an object to moto for an existing file."""
        target, path = self._backend.buckets[bucket], self._store.object_path(bucket, name)
        key = FakeKey(
            name=name,
            value=b"",
            account_id=DEFAULT_ACCOUNT_ID,
            region_name=REGION,
            etag=f"{hashlib.md5(repr(stat).encode()).hexdigest()}-1",
            is_versioned=target.is_versioned,
            version_id=str(uuid.uuid4()) if target.is_versioned else "null",
            bucket_name=bucket,
        )
        if target.is_versioned:
            with path.open("rb") as file:
                shutil.copyfileobj(file, key._value_buffer, CHUNK)
        else:
            _use_file_as_buffer(path, key)
        key.contentsize = stat.size
        key.last_modified = datetime.fromtimestamp(stat.modified / 1e9, UTC).replace(tzinfo=None)
        target.keys.setlist(name, [*(target.keys.getlist(name, []) if target.is_versioned else []), key])
        return key

    def save(self, bucket: str) -> None:
        """Write all changes of moto's keys to the folder. Raises OSError, and then leaves the object unchanged."""
        if bucket not in self._known:
            return
        known, keys = self._known[bucket], self._backend.buckets[bucket].keys
        current = {name: key for name in list(keys) if isinstance(key := keys.get(name), FakeKey)}
        for name in known.keys() - current.keys():
            del known[name]
            self._store.remove(bucket, name)
        for name, key in current.items():
            if not name.endswith("/") and (name not in known or known[name].key is not key):
                try:
                    known[name] = _SyncedObject(self._write(bucket, name, key), key)
                except (OSError, UnsafeKeyError):
                    # Remove it from moto; the next load restores the previous object from the folder.
                    known.pop(name, None)
                    keys.setlist(name, keys.getlist(name)[:-1])
                    if not keys.getlist(name):
                        keys.pop(name)
                    raise

    def _write(self, bucket: str, name: str, key: FakeKey) -> FileStat:
        _ = key.etag  # moto computes it from the bytes and caches it; the bytes are removed below
        key._value_buffer.seek(0)
        stat = self._store.write(bucket, name, key._value_buffer)
        if not key._is_versioned:
            _use_file_as_buffer(self._store.object_path(bucket, name), key)
            if key.multipart:
                key.multipart.dispose()  # the bytes of the parts
        return stat


def _use_file_as_buffer(path: Path, key: FakeKey) -> None:
    """Replace the buffer that holds the bytes of moto's key by the file."""
    key._value_buffer.close()
    key._value_buffer = cast(Any, _FileBuffer(path))


class _FileBuffer:
    """The buffer of a moto FakeKey, backed by a file. moto only seeks to 0 and reads all."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def seek(self, offset: int) -> None:
        assert offset == 0

    def read(self) -> bytes:
        return self._path.read_bytes()

    def close(self) -> None:
        """Do nothing: the file stays when moto's key is removed."""
