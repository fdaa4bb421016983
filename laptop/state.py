"""Where everything a laptop run leaves lies: one git-ignored folder."""

from __future__ import annotations

from pathlib import Path

PROJECT = Path(__file__).parents[1]
LOCAL = PROJECT / ".local"

AIRFLOW = LOCAL / "airflow"
AWS = LOCAL / "aws"
DATA = LOCAL / "data"
LOGS = LOCAL / "logs"
