"""What the page shows, as JSON: one method for each kind of address below ``DATA``.

Each answer is bounded: lists by ``MAX_ITEMS``, texts by ``MAX_TEXT``.
"""

from __future__ import annotations

import gzip
import zlib
from collections import Counter
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from localaws.emr.model import Cluster
from localaws.emr.steps import Step
from localaws.emr_serverless import monitoring
from localaws.emr_serverless.model import Application, JobRun
from localaws.protocol import JSON, AwsError
from localaws.s3.store import UnsafeKeyError
from localaws.services import Services

if TYPE_CHECKING:
    from localaws.athena.results.result import Result

MAX_ITEMS = 200
MAX_TEXT = 64 * 1024
"""The last bytes of a log that are shown."""

PREVIEW = 4 * 1024
"""The first bytes of an object that are shown."""

MAX_ROWS = 20
MAX_CELL = 200
EMR_LOGS = ("stdout", "stderr", "controller")


class NotFound(Exception):
    """There is nothing at this address; the message says what is missing."""


class Content:
    def __init__(self, services: Services, state: Path) -> None:
        self._services, self._state = services, state
        self._sections: dict[str, Callable[..., JSON]] = {
            "clusters": self._clusters,
            "serverless": self._serverless,
            "queries": self._queries,
            "s3": self._s3,
        }

    def get(self, path: str) -> JSON:
        """Return the content of a path such as ``clusters/<id>/<step>/stdout``. Raises NotFound."""
        section, _, rest = path.partition("/")
        if section not in self._sections:
            raise NotFound(f"There is no section {section}.")
        if section == "s3":
            return self._s3(rest)
        try:
            return self._sections[section](*rest.split("/") if rest else ())
        except TypeError:
            raise NotFound(f"There is nothing at {path}.") from None

    # EMR

    def _clusters(self, cluster_id: str = "", step_id: str = "", log: str = "stdout") -> JSON:
        registry = self._services.clusters
        with registry.locked():
            if not cluster_id:
                return _listed("clusters", map(_cluster, registry.newest_first()))
            cluster = registry.get(cluster_id)
            if cluster is None:
                raise NotFound(f"The cluster {cluster_id} does not exist.")
            if not step_id:
                steps = _listed("steps", map(_step, reversed(cluster.steps)))
                return {**_cluster(cluster), "release": cluster.request.get("ReleaseLabel"), **steps}
            found = next((step for step in cluster.steps if step.id == step_id), None)
            if found is None or log not in EMR_LOGS:
                raise NotFound(f"The step {step_id} or its log {log} does not exist.")
            members = {**_step(found), "args": [found.jar, *found.args], "logs": EMR_LOGS}
        return members | _log(self._state / "emr" / cluster_id / step_id / log)

    # EMR Serverless

    def _serverless(self, application_id: str = "", job_run_id: str = "", log: str = "stdout") -> JSON:
        registry = self._services.applications
        with registry.locked():
            if not application_id:
                return _listed("applications", map(_application, registry.newest_first()))
            application = registry.get(application_id)
            if application is None:
                raise NotFound(f"The application {application_id} does not exist.")
            if not job_run_id:
                job_runs = reversed(application.job_runs.values())
                return _application(application) | _listed("job_runs", map(_job_run, job_runs))
            job_run = application.job_runs.get(job_run_id)
            if job_run is None or log not in monitoring.FILES:
                raise NotFound(f"The job run {job_run_id} or its log {log} does not exist.")
            members = {**_job_run(job_run), "logs": monitoring.FILES}
            folder = monitoring.folder(self._state / "emr-serverless", job_run, job_run.attempt)
        return members | _log(folder / log)

    # Athena

    def _queries(self, execution_id: str = "") -> JSON:
        try:
            executions = self._services.athena().executions
            if not execution_id:
                return _listed("queries", map(_query, reversed(executions.by_id().values())))
            execution = executions.get(execution_id)
        except AwsError as error:
            raise NotFound(error.message) from None
        members = {**_query(execution), "text": execution.text, "output": execution.output}
        return members | _rows(execution.result) if execution.result else members

    # S3

    def _s3(self, path: str) -> JSON:
        store = self._services.store
        bucket, _, key = path.partition("/")
        if not bucket:
            return _listed("buckets", ({"name": name} for name in store.buckets()))
        try:
            folder = store.object_path(bucket, key.rstrip("/")) if key else store.bucket_path(bucket)
        except UnsafeKeyError as error:
            raise NotFound(str(error)) from None
        if folder.is_dir() and (not key or key.endswith("/")):
            entries = sorted(folder.iterdir(), key=lambda entry: (entry.is_file(), entry.name))
            return _listed("entries", map(_entry, entries))
        if not folder.is_file():
            raise NotFound(f"s3://{path} does not exist.")
        return {**_entry(folder), **_preview(folder)}


def _listed(name: str, items: Iterable[JSON]) -> JSON:
    """Return the first items, and whether there are more."""
    iterator = iter(items)
    first = list(islice(iterator, MAX_ITEMS))
    return {name: first, "more": next(iterator, None) is not None}


def _cluster(cluster: Cluster) -> JSON:
    return {
        "id": cluster.id,
        "name": cluster.name,
        "state": cluster.state,
        "reason": cluster.reason.message,
        "created": cluster.created,
        "ended": cluster.ended,
        "counts": Counter(step.state for step in cluster.steps),
    }


def _step(step: Step) -> JSON:
    return {
        "id": step.id,
        "name": step.name,
        "state": step.state,
        "reason": step.failure.message if step.failure else None,
        "created": step.created,
        "started": step.started,
        "ended": step.ended,
    }


def _application(application: Application) -> JSON:
    return {
        "id": application.id,
        "name": application.name,
        "state": application.state,
        "reason": application.details,
        "created": application.created,
        "counts": Counter(job_run.state for job_run in application.job_runs.values()),
    }


def _job_run(job_run: JobRun) -> JSON:
    return {
        "id": job_run.id,
        "name": job_run.name or job_run.id,
        "state": job_run.state,
        "reason": job_run.attempt.details,
        "created": job_run.created,
        "started": job_run.started,
        "ended": job_run.attempt.ended,
    }


def _query(execution: Any) -> JSON:
    return {
        "id": execution.id,
        "name": " ".join(execution.text.split())[:MAX_CELL],
        "state": execution.state,
        "reason": execution.reason,
        "workgroup": execution.workgroup,
        "database": execution.database,
        "created": execution.submitted,
        "started": execution.started,
        "ended": execution.completed,
        "scanned": execution.result.scanned_bytes if execution.result else None,
    }


def _rows(result: Result) -> JSON:
    try:
        rows = result.rows[:MAX_ROWS]
    except OSError:
        return {}
    return {
        "columns": [column.name for column in result.columns],
        "rows": [[value if value is None else value[:MAX_CELL] for value in row] for row in rows],
        "count": len(result.rows),
    }


def _entry(path: Path) -> JSON:
    status = path.stat()
    if path.is_dir():
        return {"name": f"{path.name}/"}
    return {
        "name": path.name,
        "size": status.st_size,
        "modified": datetime.fromtimestamp(status.st_mtime, UTC),
    }


def _log(path: Path) -> JSON:
    """Return the end of a log; it is empty before the program starts."""
    try:
        with path.open("rb") as file:
            size = path.stat().st_size
            file.seek(max(0, size - MAX_TEXT))
            return {"text": file.read(MAX_TEXT).decode(errors="replace"), "skipped": max(0, size - MAX_TEXT)}
    except OSError:
        return {"text": "", "skipped": 0}


def _preview(path: Path) -> JSON:
    """Return the first bytes of a file: as text, that of gzip unpacked, or else in hexadecimal."""
    with path.open("rb") as file:
        packed = file.read(2) == b"\x1f\x8b"
    try:
        with gzip.open(path) if packed else path.open("rb") as file:
            start = file.read(PREVIEW)
    except (OSError, EOFError, zlib.error):
        start = b""
    if b"\0" in start or _is_binary(start):
        text = "\n".join(
            f"{start[at : at + 16].hex(' '):<47}  {_ascii(start[at : at + 16])}"
            for at in range(0, min(len(start), 512), 16)
        )
    else:
        text = start.decode(errors="ignore")
    return {"text": text}


def _is_binary(start: bytes) -> bool:
    try:
        start.decode()
    except UnicodeDecodeError as error:
        return error.start < len(start) - 3  # a character may be cut at the end
    return False


def _ascii(data: bytes) -> str:
    return "".join(chr(byte) if 32 <= byte < 127 else "." for byte in data)
