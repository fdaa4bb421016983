"""Keeps moto's buckets and keys and the folder of the Store the same."""

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
    """An object that folder and moto agree on."""

    stat: FileStat
    key: FakeKey


class Mirror:
    """Keeps moto's buckets and keys and the Store's folder the same. Not thread-safe: its caller locks."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._known: dict[str, dict[str, _SyncedObject]] = {}

    @property
    def _backend(self) -> S3Backend:
        return s3_backends[DEFAULT_ACCOUNT_ID]["aws"]

    def load_buckets(self) -> None:
        """Carry new and removed buckets over, in both directions (CloudFormation makes them inside moto)."""
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
        """Return the rules of PutBucketCors, none of them if there are none, None if there is no such bucket."""
        found = self._backend.buckets.get(bucket)
        return found.cors if found else None

    def load(self, bucket: str, prefix: str) -> None:
        """Show moto every change in the folder below ``prefix``."""
        if bucket not in self._known:
            return
        files, known = self._store.objects(bucket, prefix), self._known[bucket]
        for key in files.keys() | {key for key in known if key.startswith(prefix)}:
            self._load(bucket, key, files.get(key))

    def load_object(self, bucket: str, key: str) -> None:
        """Show moto whether this one object has changed in the folder."""
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
        """Give moto an object for a file that is already there."""
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
        """Write every change of moto's keys to the folder. Raises OSError; the object is then as before."""
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
                    # Forget it; the next look at the folder brings back what was there.
                    known.pop(name, None)
                    keys.setlist(name, keys.getlist(name)[:-1])
                    if not keys.getlist(name):
                        keys.pop(name)
                    raise

    def _write(self, bucket: str, name: str, key: FakeKey) -> FileStat:
        _ = key.etag  # moto computes it from the bytes it is about to lose, and remembers it
        key._value_buffer.seek(0)
        stat = self._store.write(bucket, name, key._value_buffer)
        if not key._is_versioned:
            _use_file_as_buffer(self._store.object_path(bucket, name), key)
            if key.multipart:
                key.multipart.dispose()  # the parts' bytes
        return stat


def _use_file_as_buffer(path: Path, key: FakeKey) -> None:
    """Let the file stand in for the buffer that moto's key keeps its bytes in."""
    key._value_buffer.close()
    key._value_buffer = cast(Any, _FileBuffer(path))


class _FileBuffer:
    """Stands in for the buffer of moto's FakeKey, which seeks to 0 and reads the whole."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def seek(self, offset: int) -> None:
        assert offset == 0

    def read(self) -> bytes:
        return self._path.read_bytes()

    def close(self) -> None:
        """The file outlives moto's key."""
