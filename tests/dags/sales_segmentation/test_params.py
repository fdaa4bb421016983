"""The trigger form: defaults that run at once, bounds that refuse, words that explain."""

from __future__ import annotations

from typing import Any

import pytest
from airflow.sdk.exceptions import ParamValidationError

from emr_pipeline.settings import Settings
from sales_segmentation.params import form, validate_params

FORM = form(Settings(bucket="lake"))


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
        ("input", ""),
        ("input", "s3://lake/"),
        ("input", "s3://lake/raw/*.csv\n"),
        ("input", "s3://lake/raw/\x00.csv"),
        ("run_date", "31-01-2026"),
        ("run_date", ""),
        ("run_date", "20260131"),
        ("run_date", "2026-W05-6"),
        ("run_date", "2026-02-30"),
        ("run_date", "2026-01-31\n"),
        ("run_date", "２０２６-01-31"),
        ("max_rejected_share", True),
        ("max_rejected_share", "0.5"),
        ("max_rejected_share", 1.5),
        ("score_with", "yesterday"),
        ("feature_set", "all"),
        ("variance_to_keep", 0),
        ("k_min", 1),
        ("k_max", 700),
        ("k", 1),
        ("k", 4.5),
        ("k", True),
        ("k", float("nan")),
        ("k", float("inf")),
        ("k", 10**400),
        ("n_init", 0),
        ("seed", 2**31),
        ("core_nodes", 0),
        ("spot_share", -0.1),
        ("release_label", "emr-5.0.0"),
        ("max_scanned_gb", 0),
        ("max_scanned_gb", 1e-300),
        ("max_scanned_gb", 1e300),
        ("max_scanned_gb", float("inf")),
    ],
)
def test_a_wrong_value_is_refused(name: str, value: Any) -> None:
    with pytest.raises(ParamValidationError):
        FORM[name].resolve(value)


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("/data/sales.csv", "An address is s3://<bucket>/<key>."),
        ("s3://lake/{{ 7 }}.csv", "No braces, no quotes"),
    ],
)
def test_a_refused_address_is_explained(value: str, words: str) -> None:
    with pytest.raises(ParamValidationError, match=words):
        FORM["input"].resolve(value)


@pytest.mark.parametrize(
    "key", ["Verkäufe März+1 %20.csv", "2026-0[12].csv", "2026-0?.csv", "raw/", "日本.csv"]
)
def test_an_address_may_have_any_other_character(key: str) -> None:
    assert FORM["input"].resolve(f"s3://lake/{key}")


@pytest.mark.parametrize("name", [name for name, param in FORM.items() if "number" in param.schema["type"]])
def test_every_number_has_bounds(name: str) -> None:
    schema = FORM[name].schema
    assert {"minimum", "exclusiveMinimum"} & schema.keys()
    assert "maximum" in schema


def test_the_form_says_in_which_zone_its_dates_are() -> None:
    assert "UTC" in FORM["run_date"].schema["description_md"]


def test_the_examples_of_the_form_are_valid() -> None:
    for example in FORM["input"].schema["examples"]:
        assert FORM["input"].resolve(example) == example


CHOICES = {"score_with": None, "k_min": 2, "k_max": 2}


def test_a_range_of_k_without_any_is_refused_by_the_names_of_the_form() -> None:
    assert validate_params(CHOICES, CHOICES) == ""
    assert validate_params({**CHOICES, "k_min": 5, "k_max": 4}, CHOICES) == (
        "Fewest segments (k_min) is 5, which is more than Most segments (k_max), 4: swap them"
    )


def test_what_does_not_count_is_not_refused() -> None:
    """Scoring fits nothing, so the range of k is not read."""
    assert validate_params({"score_with": "2024-02-29", "k_min": 5, "k_max": 4}, CHOICES) == ""


def test_a_name_that_the_form_does_not_have_is_refused() -> None:
    """Airflow's API takes any name, and a run with a misspelt one would cost money for nothing."""
    assert validate_params({**CHOICES, "kmax": 4}, CHOICES) == (
        "unknown param kmax; valid params: score_with, k_min, k_max"
    )


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_number_that_is_none_is_refused(value: float) -> None:
    """The form lets NaN pass, and the job would refuse it on a paid cluster."""
    assert validate_params({**CHOICES, "k_max": value}, CHOICES) == f"k_max is {value}: give a number"
