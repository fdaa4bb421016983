"""The tables Athena is told of are the columns the jobs write."""

from __future__ import annotations

import pytest

from sales_segmentation.datasets import DATASETS, RAW_COLUMNS
from segmentation import schemas

BY_NAME = {dataset.name: dataset for dataset in DATASETS}


def test_both_sides_name_the_same_datasets() -> None:
    assert set(BY_NAME) == set(schemas.TABLES)


@pytest.mark.parametrize("name", schemas.TABLES)
def test_columns_have_the_same_names_types_and_order(name: str) -> None:
    written = {field.name: field.dataType.simpleString() for field in schemas.TABLES[name]}
    assert list(BY_NAME[name].columns.items()) == list(written.items())


def test_the_input_check_asks_for_the_columns_the_job_reads() -> None:
    assert tuple(name.lower() for name in RAW_COLUMNS) == schemas.RAW_COLUMNS
