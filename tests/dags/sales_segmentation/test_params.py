"""The params: their defaults are valid, their bounds refuse wrong values, and their texts explain them."""

from __future__ import annotations

from typing import Any

import pytest
from airflow.sdk.exceptions import ParamValidationError

from emr_pipeline.settings import Settings
from sales_segmentation.params import form, validate_params

FORM = form(Settings(bucket="lake"))


@pytest.mark.parametrize("name", FORM)
def test_each_param_has_texts_and_a_valid_default(name: str) -> None:
    param = FORM[name]
    assert param.schema["title"]
    assert param.schema["description_md"]
    assert param.schema["section"] in {"Data", "Segmentation", "Cluster", "Cost", "Athena"}
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
        ("mapping", ""),
        ("mapping", {"separator": ";"}),
        ("mapping", "x" * 65_537),
        ("run_date", "31-01-2026"),
        ("run_date", ""),
        ("run_date", "20260131"),
        ("run_date", "2026-W05-6"),
        ("run_date", "2026-02-30"),
        ("run_date", "2026-01-31\n"),
        ("run_date", "２０２６-01-31"),
        ("max_rejected_share", True),
        ("max_rejected_share", "0,5"),
        ("max_rejected_share", "-0.5"),
        ("max_rejected_share", "1.5"),
        ("max_rejected_share", "."),
        ("max_rejected_share", ""),
        ("max_rejected_share", 1.5),
        ("score_with", "yesterday"),
        ("feature_set", "all"),
        ("variance_to_keep", 0),
        ("variance_to_keep", "0"),
        ("variance_to_keep", "0.00"),
        ("variance_to_keep", "1.01"),
        ("given_categories", "drop"),
        ("outliers", "robust"),
        ("min_segment_share", 1.1),
        ("k_min", 1),
        ("k_min", "1"),
        ("k_max", "51"),
        ("k_max", 700),
        ("k", 1),
        ("k", "four"),
        ("k", "4.0"),
        ("k", "4\n"),
        ("k", 4.5),
        ("k", True),
        ("k", float("nan")),
        ("k", float("inf")),
        ("k", 10**400),
        ("n_init", 0),
        ("n_init", "0"),
        ("n_init", "21"),
        ("seed", 2**31),
        ("seed", "1000000000"),
        ("core_nodes", 0),
        ("core_nodes", "0"),
        ("core_nodes", "101"),
        ("spot_share", -0.1),
        ("spot_share", "2"),
        ("task_nodes", -1),
        ("budget", 0),
        ("budget", "0.00"),
        ("budget", "5,000"),
        ("budget", "1000000.01"),
        ("task_nodes", "101"),
        ("over_budget", "wait"),
        ("task_nodes", 1.5),
        ("release_label", "emr-5.0.0"),
        ("target", "emr-eks"),
        ("max_scanned_gb", 0),
        ("max_scanned_gb", "0.009"),
        ("max_scanned_gb", "1000001"),
        ("max_scanned_gb", 1e-300),
        ("max_scanned_gb", 1e300),
        ("max_scanned_gb", float("inf")),
    ],
)
def test_a_wrong_value_is_refused(name: str, value: Any) -> None:
    with pytest.raises(ParamValidationError):
        FORM[name].resolve(value)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("/data/sales.csv", "An address has the form s3://<bucket>/<key>."),
        ("s3://lake/{{ 7 }}.csv", "must not contain braces"),
    ],
)
def test_the_message_for_a_wrong_address_explains_the_rule(value: str, message: str) -> None:
    with pytest.raises(ParamValidationError, match=message):
        FORM["input"].resolve(value)


@pytest.mark.parametrize(
    "key", ["Verkäufe März+1 %20.csv", "2026-0[12].csv", "2026-0?.csv", "raw/", "日本.csv"]
)
def test_an_address_may_contain_any_other_character(key: str) -> None:
    assert FORM["input"].resolve(f"s3://lake/{key}")


NUMBERS = [name for name, param in FORM.items() if {"number", "integer"} & set(param.schema["type"])]


@pytest.mark.parametrize("name", NUMBERS)
def test_each_number_is_a_text_field_with_bounds_and_a_rule(name: str) -> None:
    """Airflow's field for numbers would change what a person types."""
    schema = FORM[name].schema
    assert next(kind for kind in schema["type"] if kind != "null") == "string"
    [rule] = schema["allOf"]
    assert {"minimum", "exclusiveMinimum"} & rule.keys()
    assert {"maximum", "pattern", "description"} < rule.keys()


@pytest.mark.parametrize("name", NUMBERS)
def test_text_is_accepted_within_the_bounds_of_the_number(name: str) -> None:
    [rule] = FORM[name].schema["allOf"]
    for value in [*FORM[name].schema["examples"], rule.get("minimum", 0.01), rule["maximum"]]:
        assert FORM[name].resolve(str(value)) == str(value)
        assert FORM[name].resolve(value) == value


def test_the_form_says_that_dates_are_in_utc() -> None:
    assert "UTC" in FORM["run_date"].schema["description_md"]


def test_the_examples_of_the_form_are_valid() -> None:
    for example in FORM["input"].schema["examples"]:
        assert FORM["input"].resolve(example) == example


VALID = {"score_with": None, "k_min": 2, "k_max": 2}


def test_numbers_given_as_text_are_compared_as_numbers() -> None:
    assert validate_params({**VALID, "k_min": "9", "k_max": "10"}, VALID) == ""
    assert "which is more than" in validate_params({**VALID, "k_min": "10", "k_max": 9}, VALID)


def test_a_minimum_above_the_maximum_is_refused_with_the_titles_of_the_form() -> None:
    assert validate_params(VALID, VALID) == ""
    assert validate_params({**VALID, "k_min": 5, "k_max": 4}, VALID) == (
        f"{FORM['k_min'].schema['title']} (k_min) is 5, which is more than {FORM['k_max'].schema['title']} (k_max), 4"
    )


def test_params_that_have_no_effect_are_not_checked() -> None:
    """Scoring does not use the range of k."""
    assert validate_params({"score_with": "2024-02-29", "k_min": 5, "k_max": 4}, VALID) == ""


def test_an_unknown_param_is_refused() -> None:
    """Airflow's API accepts any name; with a misspelt one the run would use the default."""
    assert validate_params({**VALID, "kmax": 4}, VALID) == (
        "unknown param kmax; valid params: score_with, k_min, k_max"
    )


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_number_that_is_not_finite_is_refused(value: float) -> None:
    """JSON schema accepts NaN, and the job would refuse it on a paid cluster."""
    assert (
        validate_params({**VALID, "k_max": value}, VALID) == f"k_max is {value}; it must be a finite number"
    )
