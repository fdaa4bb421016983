"""The dashboards of job runs: links to their pages in Spark's history server."""

from __future__ import annotations

import re
from pathlib import Path

from localaws.emr_serverless import monitoring
from localaws.emr_serverless.errors import validation_error
from localaws.emr_serverless.model import Attempt, JobRun
from localaws.spark.history_server import HistoryServer

# Spark logs where it writes the event log of the application.
_EVENT_LOG = re.compile(r"Logging events to \S+/(local-\d+)\S*$", re.MULTILINE)


class Dashboards:
    """``browser_url`` is the address of this server for browsers, ``root`` the folder of the runner."""

    def __init__(self, history_server: HistoryServer, browser_url: str, root: Path) -> None:
        self._history_server, self._browser_url, self._root = history_server, browser_url, root

    def url(self, job_run: JobRun, attempt: Attempt) -> str:
        """Return a new URL of the Spark UI of an attempt, also while it runs. Raises ValidationException."""
        stderr = monitoring.folder(self._root, job_run, attempt) / "stderr"
        found = _EVENT_LOG.search(stderr.read_text(errors="replace")) if stderr.exists() else None
        if not found:
            raise validation_error(
                f"Attempt {attempt.number} of job run {job_run.id} is {attempt.state} and has no event log of Spark."
            )
        self._history_server.is_ready()  # starts it, so that the first page comes sooner
        return f"{self._browser_url}{self._history_server.link(found[1])}"
