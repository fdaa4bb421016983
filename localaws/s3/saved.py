"""The saved state of S3: the settings of buckets, and the metadata and versions of objects, without the contents.

The contents are in files. The rest is in classes of moto, so it is saved as pickles (see localaws.state.moto_backends).
"""

from __future__ import annotations

import pickle
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from moto.s3.models import FakeBucket, FakeDeleteMarker, FakeKey, MultipartDict, s3_backends
from moto.s3.utils import _VersionedKeyStore

from localaws.s3.store import FileStat
from localaws.state.moto_backends import Pickler

BUCKETS, OBJECTS = "moto s3 bucket", "moto s3 object"
"""The kinds of the documents. The id of an object is ``<bucket>/<key>``."""

Version = FakeKey | FakeDeleteMarker
Tags = Mapping[str, Any]


@dataclass(frozen=True)
class SavedObject:
    """``stat`` is that of the object's file, None if there is none; ``tags`` are those of the versions, by ARN."""

    stat: FileStat | None
    versions: list[Version]
    tags: dict[str, Any]


class _Pickler(Pickler):
    def reducer_override(self, obj: Any) -> Any:
        if type(obj) is FakeKey:
            attributes = {
                name: each for name, each in vars(obj).items() if name not in ("_value_buffer", "lock")
            }
            return _key, (attributes,)
        return super().reducer_override(obj)


def dump_object(saved: SavedObject) -> bytes:
    return _Pickler.dumps((saved.stat and tuple(saved.stat), saved.versions, saved.tags))


def load_object(document: bytes) -> SavedObject:
    """The versions have no contents yet."""
    stat, versions, tags = pickle.loads(document)
    return SavedObject(stat and FileStat(*stat), versions, tags)


def dump_bucket(bucket: FakeBucket, tags: Tags) -> bytes:
    attributes = {name: each for name, each in vars(bucket).items() if name not in ("keys", "multiparts")}
    return _Pickler.dumps((attributes, tags))


def load_bucket(document: bytes) -> tuple[FakeBucket, Tags]:
    """The bucket has no objects yet."""
    attributes, tags = pickle.loads(document)
    bucket: Any = FakeBucket.__new__(FakeBucket)
    vars(bucket).update(attributes, keys=_VersionedKeyStore(), multiparts=MultipartDict())
    s3_backends.bucket_accounts[bucket.name] = (bucket.partition, bucket.account_id)
    return bucket, tags


def _key(attributes: dict[str, Any]) -> FakeKey:
    key = FakeKey("", b"", "", "us-east-1")
    vars(key).update(attributes)
    return key
