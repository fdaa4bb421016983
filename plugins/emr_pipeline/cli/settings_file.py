"""The settings file: lines NAME=value, as Docker Compose and a shell read them."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from emr_pipeline.settings import Settings

SETTINGS_FILE = ".env.aws"
HEADER = "# `emr-pipeline deploy` replaces these variables and keeps those that you add."


def variables(file: Path) -> dict[str, str]:
    """Return the variables of the file; {} if it does not exist."""
    lines = file.read_text().splitlines() if file.exists() else []
    pairs = (line.partition("=") for line in lines if "=" in line and not line.startswith("#"))
    return {name: value for name, _, value in pairs}


def read(file: Path) -> dict[str, str]:
    """Return the variables of the file, and those of the environment, which take precedence."""
    return variables(file) | dict(os.environ)


def read_settings(file: Path) -> Settings:
    """Return the settings. Raises SettingsError for a variable that is missing or unknown."""
    return Settings.from_environment(read(file))


def write(file: Path, values: Mapping[str, str]) -> None:
    """Write the variables into the file, and keep its other lines: a user adds settings and AIRFLOW_API_*."""
    before = file.read_text().splitlines() if file.exists() else []
    kept = [line for line in before if line != HEADER and line.partition("=")[0] not in values]
    written = [f"{name}={value}" for name, value in values.items()]
    file.write_text("\n".join([HEADER, *written, *kept, ""]))
