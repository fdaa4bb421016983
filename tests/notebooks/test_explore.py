"""The notebook in git has no outputs, its rendered copy is current, and it can be executed after a small run."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow.dataset as ds
import pytest

from devtools import sales
from tests.e2e.conftest import ROOT, Run, environment

NOTEBOOK = ROOT / "notebooks" / "explore.ipynb"
PAGE = ROOT / "docs" / "explore.md"
IMAGES = 7


def cells(kind: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(NOTEBOOK.read_text(encoding="utf-8"))["cells"]
    return [cell for cell in found if cell["cell_type"] == kind]


def test_the_notebook_has_no_outputs() -> None:
    assert [cell for cell in cells("code") if cell["outputs"] or cell["execution_count"]] == []


def test_the_rendered_copy_has_the_code_of_the_notebook() -> None:
    """Otherwise render it again: make run, then make notebook."""
    page = PAGE.read_text(encoding="utf-8")
    assert re.findall(r"```python\n(.*?)\n```", page, re.DOTALL) == [
        "".join(c["source"]) for c in cells("code")
    ]
    for cell in cells("markdown"):
        assert "".join(cell["source"]) in page


def test_the_rendered_copy_has_all_images_and_no_others() -> None:
    named = re.findall(r"!\[png\]\((.*?)\)", PAGE.read_text(encoding="utf-8"))
    assert len(named) == IMAGES
    assert {PAGE.parent / name for name in named} == set((PAGE.parent / "explore_files").iterdir())
    assert sum((PAGE.parent / name).stat().st_size for name in named) < 1_000_000


@pytest.mark.notebook
def test_it_is_executed_after_a_small_run(state: Path, pipeline: Callable[..., Run], tmp_path: Path) -> None:
    python = shutil.which("python", path=str(ROOT / ".venv-notebook" / "bin"))
    assert python, "make test-notebook creates .venv-notebook"
    file = state / "sales.csv"
    sales.write(file, 4000, customers=60)
    run = pipeline(f"INPUT={file}", "RUN_DATE=2026-01-31", "K_MAX=4", "N_INIT=2")
    assert run.code == 0, run.screen
    ended = subprocess.run(
        [sys.executable, "-m", "devtools.notebook", python, str(tmp_path)],
        cwd=ROOT,
        env=environment(state) | {"PYTHONPATH": "dags:plugins"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    page = (tmp_path / "explore.md").read_text(encoding="utf-8")
    assert page.count("![png]") == len(list((tmp_path / "explore_files").iterdir())) == IMAGES
    assert "run date 2026-01-31" in page
    rows = ds.dataset(run.bucket / "processed" / "sales" / "run_date=2026-01-31").count_rows()
    table = page.partition("customer_type")[2].partition("## 2")[0]
    numbers = re.findall(r"^    [A-Z][A-Za-z ]+?\s+(\d+)\s+(\d+)$", table, re.MULTILINE)
    assert sum(int(number) for pair in numbers for number in pair) == rows
