"""Two-way synchronization between moto's buckets and keys and the Store's folder."""

from __future__ import annotations

import hashlib
import uuid
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.s3.models import FakeBucket, FakeKey, S3Backend, s3_backends

from localaws.s3.addressing import split_path
from localaws.s3.cors import Rule
from localaws.s3.large_bodies import take_joined_content
from localaws.s3.saved import (
    BUCKETS,
    OBJECTS,
    SavedObject,
    dump_bucket,
    dump_object,
    load_bucket,
    load_object,
)
from localaws.s3.store import FileStat, Store, UnsafeKeyError
from localaws.state.database import Database

REGION = "us-east-1"


@dataclass(frozen=True)
class _SyncedObject:
    """An object that is the same in the folder and in moto."""

    stat: FileStat
    key: FakeKey


class Mirror:
    """Synchronizes moto with the Store's folder. Not thread-safe: the caller must hold a lock."""

    def __init__(self, store: Store, database: Database) -> None:
        """Restore the saved state. Raises StartError if it cannot be read."""
        self._store, self._database = store, database
        self._known: dict[str, dict[str, _SyncedObject]] = {}
        self._changed: set[tuple[str, str]] = set()
        self._version_ids: dict[str, dict[str, tuple[str, ...]]] = {}
        self._saved_buckets: dict[str, bytes] = {}
        self._saved_objects: defaultdict[str, set[str]] = defaultdict(set)
        self._restore()

    @property
    def _backend(self) -> S3Backend:
        return s3_backends[DEFAULT_ACCOUNT_ID]["aws"]

    def load_buckets(self) -> None:
        """Synchronize new and removed buckets between moto and the store."""
        for bucket in set(self._known) - set(self._backend.buckets):
            del self._known[bucket]
            self._store.remove_bucket(bucket)
            self._forget(bucket)
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

    def written_key(self, bucket: str, key: str, arguments: Mapping[str, str]) -> FakeKey:
        """Return the key that PutObject, or the part that UploadPart with these arguments, has just written."""
        found = self._backend.buckets[bucket]
        if upload := arguments.get("uploadId"):
            return found.multiparts[upload].parts[int(arguments["partNumber"])]
        newest: FakeKey = found.keys.getlist(key)[-1]
        return newest

    def checksum_parts(self, bucket: str, key: str, version: str | None) -> int | None:
        """Return the number of parts of an object whose checksum is one of the checksums of its parts."""
        found = self._backend.get_object(bucket, key, version_id=version)
        return found.checksum_parts if found and found.checksum_type == "COMPOSITE" else None

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
            self._changed.add((bucket, key))
        elif stat and (not known or known.stat != stat):
            if self._backend.buckets[bucket].is_versioned or key in self._saved_objects[bucket]:
                self._changed.add((bucket, key))
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
            path = self._store.keep_version(bucket, name, key.version_id)
        _use_file_as_buffer(path, key)
        key.contentsize = stat.size
        key.last_modified = datetime.fromtimestamp(stat.modified / 1e9, UTC).replace(tzinfo=None)
        target.keys.setlist(name, [*(target.keys.getlist(name, []) if target.is_versioned else []), key])
        return key

    def save(self, bucket: str, key: str = "") -> None:
        """Write the changes of moto's key, or of all keys, to the folder.

        Raises OSError, and then leaves the object unchanged.
        """
        if bucket not in self._known:
            return
        known, keys = self._known[bucket], self._backend.buckets[bucket].keys
        names = [key] if key else [*keys.keys() | known.keys()]
        self._changed.add((bucket, key))
        current = {name: found for name in names if isinstance(found := keys.get(name), FakeKey)}
        for name in names:
            if name in known and name not in current:
                del known[name]
                self._store.remove(bucket, name)
                self._changed.add((bucket, name))
        for name, found in current.items():
            if not name.endswith("/") and (name not in known or known[name].key is not found):
                self._changed.add((bucket, name))
                try:
                    known[name] = _SyncedObject(self._write(bucket, name, found), found)
                except (OSError, UnsafeKeyError):
                    # Remove it from moto; the next load restores the previous object from the folder.
                    known.pop(name, None)
                    keys.setlist(name, keys.getlist(name)[:-1])
                    if not keys.getlist(name):
                        keys.pop(name)
                    raise

    def _write(self, bucket: str, name: str, key: FakeKey) -> FileStat:
        take_joined_content(key)
        _ = key.etag  # moto computes it from the bytes and caches it; the bytes are removed below
        path = self._store.object_path(bucket, name)
        for older in self._backend.buckets[bucket].keys.getlist(name)[:-1]:
            if isinstance(older, FakeKey) and getattr(older._value_buffer, "path", None) == path:
                # A version from before versioning was enabled
                _use_file_as_buffer(self._store.keep_version(bucket, name, older.version_id), older)
        key._value_buffer.seek(0)
        stat = self._store.write(bucket, name, key._value_buffer)
        if key._is_versioned:
            path = self._store.keep_version(bucket, name, key.version_id)
        _use_file_as_buffer(path, key)
        key.contentsize = stat.size
        if key.multipart:
            key.multipart.dispose()  # the bytes of the parts
        return stat

    # The saved state

    def persist(self, bucket: str) -> None:
        """Save the settings of the bucket and the metadata of the objects that have changed."""
        if found := self._backend.buckets.get(bucket):
            document = dump_bucket(found, self._backend.tagger.tags.get(found.arn, {}))
            if self._saved_buckets.get(bucket) != document:
                self._database.save(BUCKETS, {bucket: document})
                self._saved_buckets[bucket] = document
            if found.versioning_status:
                self._find_changed_versions(bucket, found)
        changes = {
            f"{bucket}/{name}": self._object_document(bucket, name)
            for bucket, name in self._changed
            if name and bucket in self._known
        }
        self._changed.clear()
        self._database.save(OBJECTS, changes)

    def _find_changed_versions(self, bucket: str, found: FakeBucket) -> None:
        """Note the objects with versions that were added or removed."""
        before = self._version_ids.get(bucket, {})
        now = {name: tuple(v.version_id for v in found.keys.getlist(name)) for name in list(found.keys)}
        self._version_ids[bucket] = now
        self._changed |= {
            (bucket, name) for name in now.keys() | before.keys() if now.get(name) != before.get(name)
        }

    def _object_document(self, bucket: str, name: str) -> bytes | None:
        versions = self._backend.buckets[bucket].keys.getlist(name, [])
        self._store.remove_versions(bucket, name, [version.version_id for version in versions])
        if not versions:
            self._saved_objects[bucket].discard(name)
            return None
        self._saved_objects[bucket].add(name)
        known = self._known[bucket].get(name)
        arns = [version.arn for version in versions if isinstance(version, FakeKey)]
        tags = {arn: self._backend.tagger.tags[arn] for arn in arns if arn in self._backend.tagger.tags}
        return dump_object(SavedObject(known.stat if known else None, versions, tags))

    def _forget(self, bucket: str) -> None:
        self._database.save(BUCKETS, {bucket: None})
        self._database.save(
            OBJECTS, {f"{bucket}/{name}": None for name in self._saved_objects.pop(bucket, ())}
        )
        self._saved_buckets.pop(bucket, None)
        self._version_ids.pop(bucket, None)

    def _restore(self) -> None:
        existing = set(self._store.buckets())
        try:
            for name, document in self._database.load(BUCKETS).items():
                if name in existing:
                    bucket, tags = load_bucket(document)
                    self._backend.buckets[name], self._known[name] = bucket, {}
                    self._backend.tagger.tags[bucket.arn] = dict(tags)
                    self._saved_buckets[name] = document
            for key, document in self._database.load(OBJECTS).items():
                self._restore_object(*split_path(key), load_object(document))
        except Exception as error:
            raise self._database.unreadable(f"S3: {error!r}") from error

    def _restore_object(self, bucket: str, name: str, saved: SavedObject) -> None:
        """Restore the metadata of an object, unless another program has changed the file since then."""
        self._saved_objects[bucket].add(name)
        if bucket not in self._known:
            return
        target = self._backend.buckets[bucket]
        stat = None if name.endswith("/") else self._store.stat(bucket, name)
        if not target.versioning_status and stat != saved.stat:
            return
        for version in saved.versions:
            if isinstance(version, FakeKey) and not name.endswith("/"):
                copy = self._store.version_path(bucket, name, version.version_id)
                path = copy if copy.exists() else self._store.object_path(bucket, name)
                _use_file_as_buffer(path, version)
        target.keys.setlist(name, saved.versions)
        self._backend.tagger.tags.update(saved.tags)
        newest = saved.versions[-1]
        if saved.stat and isinstance(newest, FakeKey):
            self._known[bucket][name] = _SyncedObject(saved.stat, newest)


def _use_file_as_buffer(path: Path, key: FakeKey) -> None:
    """Replace the buffer that holds the bytes of moto's key by the file."""
    key._value_buffer.close()
    key._value_buffer = cast(Any, _FileBuffer(path))


class _FileBuffer:
    """The buffer of a moto FakeKey, backed by a file. moto only seeks to 0 and reads all."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def seek(self, offset: int) -> None:
        assert offset == 0

    def read(self) -> bytes:
        return self.path.read_bytes()

    def close(self) -> None:
        """Do nothing: the file stays when moto's key is removed."""
