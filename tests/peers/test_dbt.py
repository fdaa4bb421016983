"""dbt with dbt-athena. It has its own environment, because it pins an older PyAthena."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

pytestmark = pytest.mark.peers

DBT = Path(__file__).parents[2] / ".venv-dbt" / "bin" / "dbt"


def test_dbt_has_the_adapter() -> None:
    printed = subprocess.run([DBT, "--version"], capture_output=True, text=True, check=True).stdout
    assert "athena: 1.11" in printed
