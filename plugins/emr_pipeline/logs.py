"""The end of each log of a step, as EMR has uploaded them to S3.

https://docs.aws.amazon.com/emr/latest/ManagementGuide/emr-manage-view-web-log-files.html: the logs of a step are below
``steps/<step id>/``. With ``--deploy-mode cluster``, the driver's logs are those of the application's first container.
"""

from __future__ import annotations

import gzip
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Protocol

TAIL_BYTES = 256 * 1024
"""Only this end of a log is kept; it contains the cause of a failure."""

LARGEST_BYTES = 64 * 1024 * 1024
"""A larger S3 object is not read: a page would take too long."""

STEP_LOGS = ("controller", "stderr", "stdout", "syslog")
DRIVER_LOGS = ("stderr", "stdout")

_APPLICATION = re.compile(r"\bapplication_\d+_\d+\b")


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


def step_folder(log_uri: str, cluster_id: str, step_id: str) -> str:
    """Return the S3 URI of the folder of the step's logs."""
    bucket, root = _root(log_uri, cluster_id)
    return f"s3://{bucket}/{root}/steps/{step_id}/"


def step_logs(objects: Objects, log_uri: str, cluster_id: str, step_id: str) -> list[Log]:
    """Return the logs of the step, and of the drivers of the applications that they name; empty before the upload."""
    bucket, root = _root(log_uri, cluster_id)
    logs = list(_logs(objects, bucket, f"{root}/steps/{step_id}/", STEP_LOGS))
    applications = {name for log in logs for name in _APPLICATION.findall(log.text)}
    for application in sorted(applications):
        folder = f"{root}/containers/{application}/"
        logs += _logs(objects, bucket, folder, DRIVER_LOGS, container="_000001/")
    return logs


def _root(log_uri: str, cluster_id: str) -> tuple[str, str]:
    bucket, _, prefix = re.sub(r"^s3[an]?://", "", log_uri).partition("/")
    return bucket, "/".join(part for part in (prefix.strip("/"), cluster_id) if part)


def _logs(
    objects: Objects, bucket: str, folder: str, names: tuple[str, ...], container: str = ""
) -> Iterator[Log]:
    for key in objects.list_keys(bucket_name=bucket, prefix=folder) or []:
        name = key.rsplit("/", 1)[-1].split(".")[0]
        if name in names and container in key:
            response = objects.get_key(key, bucket).get()
            address, title = f"s3://{bucket}/{key}", f"driver {name}" if container else name
            if response.get("ContentLength", 0) > LARGEST_BYTES:
                yield Log(title, address, "", too_large=True)
            else:
                yield Log(title, address, *_tail(response["Body"], packed=key.endswith(".gz")))


def _tail(body: Any, packed: bool) -> tuple[str, bool]:
    stream = gzip.GzipFile(fileobj=body) if packed else body
    tail, cut = b"", False
    while chunk := stream.read(TAIL_BYTES):
        cut = cut or len(tail) + len(chunk) > TAIL_BYTES
        tail = (tail + chunk)[-TAIL_BYTES:]
    if cut:
        tail = tail.partition(b"\n")[2] or tail
    return tail.decode(errors="replace"), cut
