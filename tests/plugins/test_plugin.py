"""Airflow finds the plugin, and a process that loads it does not import what only the API server needs."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from airflow.api_fastapi.core_api.datamodels.plugins import ExternalViewResponse
from airflow.plugins_manager import _load_plugins_from_plugin_directory
from fastapi import FastAPI

PLUGINS = Path(__file__).parents[2] / "plugins"
HEAVY = {"fastapi", "jinja2", "sqlalchemy.orm", "botocore", "boto3", "airflow.api_fastapi"}


def test_airflow_finds_one_plugin_with_its_pages() -> None:
    (plugin,), errors = _load_plugins_from_plugin_directory(str(PLUGINS))
    assert not errors
    views = [ExternalViewResponse(**view) for view in plugin.external_views]
    assert {view.destination for view in views} == {"nav", "dag_run"}
    (served,) = plugin.fastapi_apps
    assert isinstance(served["app"], FastAPI)
    for view in views:
        assert f"/{view.href}".startswith(f"{served['url_prefix']}/"), (
            "an absolute address does not work if Airflow is served below a path"
        )


def test_loading_the_plugin_imports_nothing_heavy() -> None:
    code = (
        "import sys, airflow.sdk.plugins_manager, airflow.sdk.bases.operatorlink; before = set(sys.modules); "
        "import emr_pipeline_view; print(*sorted(set(sys.modules) - before))"
    )
    ended = subprocess.run(
        [sys.executable, "-c", code], cwd=PLUGINS, capture_output=True, text=True, check=True
    )
    loaded = set(ended.stdout.split())
    assert {"emr_pipeline_view", "emr_pipeline.plugin", "emr_pipeline.extra_links"} <= loaded
    assert not loaded & HEAVY
