"""The log files of bootstrap actions and steps: their folders on this machine, and their archive at LogUri."""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import datetime
from pathlib import Path

from localaws.emr.model import Cluster
from localaws.s3.store import Store
from localaws.spark import logs

CONTROLLER, OUTPUT = "controller", ("stdout", "stderr")
log = logging.getLogger(__name__)


class ClusterLogs:
    """``folder`` is the folder of the cluster; ``uri`` the S3 URI of the archive of its logs, None without a LogUri."""

    def __init__(self, store: Store, cluster: Cluster, folder: Path, clock: Callable[[], datetime]) -> None:
        self._store, self._folder, self.clock = store, folder, clock
        log_uri = cluster.request.get("LogUri")
        self.uri = f"{log_uri.rstrip('/')}/{cluster.id}" if log_uri else None

    def create(self, folder: str, path: str) -> LogFiles:
        """Create the log files of a bootstrap action or a step: in ``folder``, and in the archive below ``path``."""
        prefix = f"{self.uri}/{path}" if self.uri else None
        return LogFiles(self._store, self._folder / folder, prefix, self.clock)


class LogFiles:
    """``prefix`` is the S3 URI of the folder for the archive; without it, the logs are only on this machine."""

    def __init__(self, store: Store, folder: Path, prefix: str | None, clock: Callable[[], datetime]) -> None:
        self._store, self.folder, self._prefix, self._clock = store, folder, prefix, clock
        self._uris: dict[Path, str] = {}
        folder.mkdir(parents=True)
        self.add(CONTROLLER, *OUTPUT)

    def add(self, *names: str, folder: Path | None = None, prefix: str | None = None) -> None:
        """Create empty logs, in ``folder`` and at the S3 URI ``prefix`` if they are not with the others."""
        for name in names:
            path = (folder or self.folder) / name
            path.touch()
            self._uris[path] = f"{prefix or self._prefix}/{name}.gz"

    def uri(self, path: Path) -> str | None:
        """Return the S3 URI of the log; None if there is no archive."""
        return self._uris[path] if self._prefix else None

    def growing(self) -> AbstractContextManager[None]:
        """Return the context in which the logs are archived while they grow."""
        return logs.archived(self._store, self._uris if self._prefix else {})

    def archive(self) -> bool:
        """Archive the complete logs. Return whether they are at LogUri."""
        if not self._prefix:
            return False
        try:
            logs.archive(self._store, self._uris)
        except (OSError, ValueError) as error:
            log.error("cannot archive the logs at %s: %s", self._prefix, error)
            return False
        return True

    def record(self, text: str, level: str = "INFO") -> None:
        """Append a line to the controller log."""
        line = f"{self._clock():%Y-%m-%dT%H:%M:%S.%fZ} {level} {text}"
        try:
            with (self.folder / CONTROLLER).open("a", encoding="utf-8") as controller:
                controller.write(f"{line}\n")
        except OSError as error:  # a full disk must not hide a failure
            log.error("%s: %s", line, error)
