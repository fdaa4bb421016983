"""Work that each task repeats, done once, because all tasks of ``make run`` share one process."""

from __future__ import annotations

from functools import cache
from typing import Any

import botocore.session
from jsonschema import Draft202012Validator

_create_loader = cache(botocore.session.create_loader)
_check_schema = Draft202012Validator.check_schema


def share() -> None:
    """Let all tasks of this process share what they would create again.

    Each session of botocore reads several MB of JSON for its first client. Each task makes new sessions and new
    clients, and Airflow checks the JSON schema of each param of the form whenever it reads the param's value.
    """
    botocore.session.create_loader = _create_loader
    checked: set[str] = set()

    def check_once(schema: Any, *args: Any, **kwargs: Any) -> None:
        if repr(schema) not in checked:
            _check_schema(schema, *args, **kwargs)
            checked.add(repr(schema))

    Draft202012Validator.check_schema = check_once


def build_one_version() -> None:
    """Let Airflow build only that version of its task API that the tasks of this process use.

    Otherwise the first call builds the routes of nine versions, which takes 4 s of CPU time.
    """
    from airflow.api_fastapi.execution_api import versions
    from airflow.api_fastapi.execution_api.routes import execution_api_router
    from airflow.sdk.api.datamodels._generated import API_VERSION
    from cadwyn import HeadVersion, Version, VersionBundle
    from cadwyn.route_generation import _DELETED_ROUTE_TAG as ONLY_OLDER

    routes = execution_api_router.routes
    routes[:] = [route for route in routes if ONLY_OLDER not in getattr(route, "tags", ())]
    versions.bundle = VersionBundle(HeadVersion(), Version(API_VERSION))
