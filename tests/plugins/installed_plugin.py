"""Uses the installed package: prints the sources of its plugin and Airflow's import errors, and imports each module.

A separate program, which imports nothing from the repository; ``test_wheel.py`` runs it.
"""

from __future__ import annotations

import importlib
import json
import pkgutil

from airflow import plugins_manager

plugins_manager.ensure_plugins_loaded()
plugins, errors = plugins_manager._get_plugins()
ours = [plugin for plugin in plugins if plugin.name == "emr_pipeline"]

import emr_pipeline  # noqa: E402 - Airflow has added the plugins folder to the path

for module in pkgutil.walk_packages(emr_pipeline.__path__, "emr_pipeline."):
    importlib.import_module(module.name)

from emr_pipeline.view.pages import page  # noqa: E402

assert b"<h1>Title</h1>" in bytes(page("message.html", title="Title", text="").body)
paths = {route.path for plugin in ours for app in plugin.fastapi_apps for route in app["app"].routes}
assert "/reports" in paths, paths
print(json.dumps({"sources": [str(plugin.source) for plugin in ours], "errors": errors}))
