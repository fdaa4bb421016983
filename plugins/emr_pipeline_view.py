"""What the package adds to Airflow: pages of reports and steps, what becomes of a run that ends, a kind of deadline.

Every Airflow process executes this file; only the API server asks for the app, and pays for its imports.
"""

from __future__ import annotations

from functools import cached_property
from typing import Any
from urllib.parse import quote

from airflow.providers.common.compat.sdk import AirflowPlugin

from emr_pipeline import listener
from emr_pipeline.deadline import RunCreated
from emr_pipeline.extra_links import URL_PREFIX

# Of a colour that shows on Airflow's light, dark and selected grounds alike.
ICON = "data:image/svg+xml," + quote(
    "<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 24 24' fill='none' stroke='#7f96bb' stroke-width='2' "
    "stroke-linecap='round'><path d='M3 3v18h18M8 17v-5M13 17V7M18 17v-8'/></svg>"
)

# Addresses are relative, so that they hold below whatever path Airflow is served at.
VIEWS = [
    {
        "name": "Reports",
        "href": f"{URL_PREFIX}/reports",
        "destination": "nav",
        "url_route": "emr-reports",
        "nav_top_level": True,
        "icon": ICON,
    },
    {
        "name": "Report",
        "href": f"{URL_PREFIX}/dags/{{DAG_ID}}/runs/{{RUN_ID}}/report",
        "destination": "dag_run",
        "url_route": "emr-report",
        "icon": ICON,
    },
]


class EmrPipelineView(AirflowPlugin):
    name = "emr_pipeline_view"
    external_views = VIEWS
    listeners = [listener]  # noqa: RUF012 - as Airflow declares it
    deadline_references = [RunCreated]  # noqa: RUF012

    @cached_property
    def fastapi_apps(self) -> list[Any]:  # type: ignore[override]
        from emr_pipeline.view.app import create_app

        return [{"name": "EMR pipeline", "app": create_app(), "url_prefix": f"/{URL_PREFIX}"}]
