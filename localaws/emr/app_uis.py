"""The persistent application UIs of clusters: links to Spark's history server, also after a cluster has ended.

https://docs.aws.amazon.com/emr/latest/ManagementGuide/app-history-spark-UI.html
"""

from __future__ import annotations

import secrets
import string
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from localaws.emr.errors import invalid_request
from localaws.spark.history_server import HistoryServer


@dataclass(frozen=True)
class AppUi:
    id: str
    cluster_arn: str
    tags: Sequence[Mapping[str, str]]
    created: datetime


class AppUis:
    """``browser_url`` is the address of this server for browsers."""

    def __init__(self, history_server: HistoryServer, browser_url: str) -> None:
        self._history_server, self._browser_url = history_server, browser_url
        self.by_id: dict[str, AppUi] = {}

    def create(self, cluster_arn: str, tags: Sequence[Mapping[str, str]], now: datetime) -> AppUi:
        """Return the UI of the cluster, which is created at the first call, and start the history server."""
        self._history_server.is_ready()
        for known in self.by_id.values():
            if known.cluster_arn == cluster_arn:
                return known
        characters = string.ascii_lowercase + string.digits
        app_ui = AppUi("p-" + "".join(secrets.choice(characters) for _ in range(26)), cluster_arn, tags, now)
        self.by_id[app_ui.id] = app_ui
        return app_ui

    def describe(self, app_ui_id: str) -> dict[str, Any]:
        app_ui = self._get(app_ui_id)
        return {
            "PersistentAppUIId": app_ui.id,
            "PersistentAppUITypeList": ["SHS"],
            "PersistentAppUIStatus": "ATTACHED" if self._history_server.is_ready() else "STARTING",
            "CreationTime": app_ui.created,
            "LastModifiedTime": app_ui.created,
            "Tags": app_ui.tags,
        }

    def presigned_url(self, app_ui_id: str, kind: str, application_id: str | None) -> dict[str, Any]:
        """Return a new URL, once the history server is running."""
        self._get(app_ui_id)
        if kind != "SHS":
            raise invalid_request(f"not supported by the local EMR: the application UI {kind}, only SHS")
        if not self._history_server.is_ready():
            return {"PresignedURLReady": False}
        path = self._history_server.link(application_id)
        return {"PresignedURLReady": True, "PresignedURL": f"{self._browser_url}{path}"}

    def target(self, app_ui_id: str) -> str:
        """Return the ARN of the UI's cluster; '' if the UI does not exist."""
        app_ui = self.by_id.get(app_ui_id)
        return app_ui.cluster_arn if app_ui else ""

    def _get(self, app_ui_id: str) -> AppUi:
        if app_ui := self.by_id.get(app_ui_id):
            return app_ui
        raise invalid_request(f"The persistent application UI '{app_ui_id}' does not exist.")
