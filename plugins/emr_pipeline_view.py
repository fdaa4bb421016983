"""Lets Airflow load the plugin from a plugins folder, unless it is installed with its entry point."""

from importlib.metadata import entry_points

if not entry_points(group="airflow.plugins", name="emr_pipeline"):
    from emr_pipeline.plugin import EmrPipelinePlugin

    __all__ = ["EmrPipelinePlugin"]
