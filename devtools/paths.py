"""Where everything a laptop run leaves lies: one git-ignored folder, or the one that DEVTOOLS_STATE names."""

from __future__ import annotations

import os
from pathlib import Path

PROJECT = Path(__file__).parents[1]
LOCAL = Path(os.environ.get("DEVTOOLS_STATE", PROJECT / ".local"))

AIRFLOW = LOCAL / "airflow"
AWS = LOCAL / "aws"
DATA = LOCAL / "data"
LOGS = LOCAL / "logs"
