"""The end of each log of a step, as EMR has uploaded them to S3. A target knows their folder and their names."""

from __future__ import annotations

import gzip
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any, Protocol

TAIL_BYTES = 256 * 1024
"""Only this end of a log is kept; it contains the cause of a failure."""

LARGEST_BYTES = 64 * 1024 * 1024
"""A larger S3 object is not read: a page would take too long."""

DRIVER_LOGS = ("stderr", "stdout")


class Objects(Protocol):
    """The methods of S3Hook that are used here."""

    def list_keys(self, bucket_name: str, prefix: str) -> list[str]: ...

    def get_key(self, key: str, bucket_name: str) -> Any: ...


@dataclass(frozen=True)
class Log:
    """The end of a log; ``cut`` if the beginning is missing, ``too_large`` if the log was not read."""

    name: str
    address: str
    text: str
    cut: bool = False
    too_large: bool = False


def split_uri(uri: str) -> tuple[str, str]:
    """Return the bucket and the key, or prefix, of an S3 URI."""
    bucket, _, key = uri.partition("://")[2].partition("/")
    return bucket, key


def read_logs(
    objects: Objects, folder: str, names: Collection[str], container: str = "", title: str = ""
) -> Iterator[Log]:
    """Yield the logs of these ``names`` below a folder, an S3 URI; a key must contain ``container``.

    ``title`` precedes the name of each log.
    """
    bucket, prefix = split_uri(folder)
    for key in objects.list_keys(bucket_name=bucket, prefix=prefix) or []:
        name = key.rsplit("/", 1)[-1].split(".")[0]
        if name in names and container in key:
            response = objects.get_key(key, bucket).get()
            address, named = f"s3://{bucket}/{key}", f"{title}{name}"
            if response.get("ContentLength", 0) > LARGEST_BYTES:
                yield Log(named, address, "", too_large=True)
            else:
                yield Log(named, address, *_tail(response["Body"], packed=key.endswith(".gz")))


def _tail(body: Any, packed: bool) -> tuple[str, bool]:
    stream = gzip.GzipFile(fileobj=body) if packed else body
    tail, cut = b"", False
    while chunk := stream.read(TAIL_BYTES):
        cut = cut or len(tail) + len(chunk) > TAIL_BYTES
        tail = (tail + chunk)[-TAIL_BYTES:]
    if cut:
        tail = tail.partition(b"\n")[2] or tail
    return tail.decode(errors="replace"), cut
