"""The tables Athena is told of are the columns the jobs write."""

from __future__ import annotations

import pytest

from sales_segmentation.datasets import DATASETS, RAW_COLUMNS
from sales_segmentation.jobs import plan
from segmentation import schemas

BY_NAME = {dataset.name: dataset for dataset in DATASETS}


def test_both_sides_name_the_same_datasets() -> None:
    assert set(BY_NAME) == set(schemas.TABLES)


@pytest.mark.parametrize("name", schemas.TABLES)
def test_columns_have_the_same_names_types_and_order(name: str) -> None:
    written = {field.name: field.dataType.simpleString() for field in schemas.TABLES[name]}
    assert list(BY_NAME[name].columns.items()) == list(written.items())


def test_both_sides_name_the_same_job_for_each_dataset() -> None:
    fit = {dataset: job.name for job in plan({"score_with": None}) for dataset in job.datasets}
    assert fit == schemas.PRODUCERS


def test_a_score_makes_no_dataset_that_a_fit_does_not() -> None:
    assert {dataset for job in plan({"score_with": "2026-01-31"}) for dataset in job.datasets} <= set(BY_NAME)


def test_the_input_check_asks_for_the_columns_the_job_reads() -> None:
    assert tuple(name.lower() for name in RAW_COLUMNS) == schemas.RAW_COLUMNS
