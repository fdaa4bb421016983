"""The trigger form: defaults that run at once, bounds that refuse, words that explain."""

from __future__ import annotations

from typing import Any

import pytest
from airflow.sdk.exceptions import ParamValidationError

from emr_pipeline.settings import Settings
from sales_segmentation.params import params

FORM = params(Settings(bucket="lake"))


@pytest.mark.parametrize("name", FORM)
def test_each_param_explains_itself_and_its_default_is_valid(name: str) -> None:
    param = FORM[name]
    assert param.schema["title"]
    assert param.schema["description_md"]
    assert param.schema["section"] in {"Data", "Segmentation", "Cluster", "Athena"}
    assert list(param.schema.get("values_display", {})) == param.schema.get("enum", [])
    param.resolve()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("input", "/data/sales.csv"),
        ("input", "s3://lake/{{ 7 * 7 }}.csv"),
        ("run_date", "31-01-2026"),
        ("max_rejected_share", 1.5),
        ("score_with", "yesterday"),
        ("feature_set", "all"),
        ("variance_to_keep", 0),
        ("k_min", 1),
        ("k_max", 700),
        ("k", 1),
        ("starts", 0),
        ("seed", 2**31),
        ("core_nodes", 0),
        ("spot_share", -0.1),
        ("release_label", "emr-5.0.0"),
        ("max_scanned_gb", 0),
    ],
)
def test_a_wrong_value_is_refused(name: str, value: Any) -> None:
    with pytest.raises(ParamValidationError):
        FORM[name].resolve(value)


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("/data/sales.csv", "An address is s3://<bucket>/<key>."),
        ("s3://lake/{{ 7 }}.csv", "No braces and no quotes"),
    ],
)
def test_a_refused_address_is_explained(value: str, words: str) -> None:
    with pytest.raises(ParamValidationError, match=words):
        FORM["input"].resolve(value)


def test_the_examples_of_the_form_are_valid() -> None:
    for example in FORM["input"].schema["examples"]:
        assert FORM["input"].resolve(example) == example
