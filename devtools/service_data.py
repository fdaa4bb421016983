"""botocore's data files about the services and their endpoints, read once for all sessions of a process."""

from __future__ import annotations

from functools import cache

import botocore.session

_create_loader = cache(botocore.session.create_loader)


def share() -> None:
    """Let all sessions of this process share one loader of the data files.

    By default each session reads several MB of JSON for its first client. Each task makes new sessions, and the tasks
    of ``make run`` share one process.
    """
    botocore.session.create_loader = _create_loader
