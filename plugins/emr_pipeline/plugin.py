"""The Airflow plugin of this package: pages in the web UI, a listener, and a deadline reference.

Airflow loads it by the entry point ``airflow.plugins`` of the installed package, or from a plugins folder by
``emr_pipeline_view.py``. All Airflow processes import it, but only the API server creates the app and imports FastAPI.
"""

from __future__ import annotations

from functools import cached_property
from typing import Any
from urllib.parse import quote

from airflow.providers.common.compat.sdk import AirflowPlugin

from emr_pipeline import listener
from emr_pipeline.deadline import RunCreated
from emr_pipeline.extra_links import URL_PREFIX

_PATH = "<path d='M3 3v18h18M8 17v-5M13 17V7M18 17v-8'"
_SVG = "<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 24 24' fill='none' stroke-linecap='round'>"
# The white outline makes the dark icon visible on the dark background of the selected item too.
ICON = "data:image/svg+xml," + quote(
    f"{_SVG}{_PATH} stroke='#fff' stroke-width='5'/>{_PATH} stroke='#24457a' stroke-width='2'/></svg>"
)
ICON_DARK_MODE = "data:image/svg+xml," + quote(f"{_SVG}{_PATH} stroke='#dbe6f8' stroke-width='2'/></svg>")

# Relative addresses also work if Airflow is served below a path.
VIEWS = [
    {
        "name": "Reports",
        "href": f"{URL_PREFIX}/reports",
        "destination": "nav",
        "url_route": "emr-reports",
        "nav_top_level": True,
        "icon": ICON,
        "icon_dark_mode": ICON_DARK_MODE,
    },
    {
        "name": "Report",
        "href": f"{URL_PREFIX}/dags/{{DAG_ID}}/runs/{{RUN_ID}}/report",
        "destination": "dag_run",
        "url_route": "emr-report",
        "icon": ICON,
        "icon_dark_mode": ICON_DARK_MODE,
    },
]


class EmrPipelinePlugin(AirflowPlugin):
    name = "emr_pipeline"
    external_views = VIEWS
    listeners = [listener]  # noqa: RUF012 - declared so by Airflow
    deadline_references = [RunCreated]  # noqa: RUF012

    @cached_property
    def fastapi_apps(self) -> list[Any]:  # type: ignore[override]
        from emr_pipeline.view.app import create_app

        return [{"name": "EMR pipeline", "app": create_app(), "url_prefix": f"/{URL_PREFIX}"}]
