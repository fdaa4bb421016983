"""What the Python workers of the executors import."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import segmentation

MODULES = ("blocks", "evaluation", "grid_search", "kmeans", "moments", "outliers", "resampling")
"""The modules whose functions the jobs send to the executors."""


def test_modules_with_functions_of_the_executors_do_not_import_spark_ml() -> None:
    code = f"""
import sys
{"; ".join(f"import segmentation.{name}" for name in MODULES)}
print(sorted(sys.modules.keys() & {{"pyspark.ml", "pandas", "scipy"}}))
"""
    folder = Path(segmentation.__file__).parents[1]
    ran = subprocess.run([sys.executable, "-c", code], cwd=folder, capture_output=True, text=True, check=True)
    assert ran.stdout == "[]\n"
