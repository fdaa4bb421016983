"""The folder for all local state: ``.local`` in the project, ignored by git, or the folder in DEVTOOLS_STATE."""

from __future__ import annotations

import os
from pathlib import Path

PROJECT = Path(__file__).parents[1]
LOCAL = Path(os.environ.get("DEVTOOLS_STATE", PROJECT / ".local"))

AIRFLOW = LOCAL / "airflow"
AWS = LOCAL / "aws"
DATA = LOCAL / "data"
LOGS = LOCAL / "logs"
