"""Settings from the environment: defaults of the DAG, prefixes, and errors that name the variable."""

from __future__ import annotations

import pytest

from emr_pipeline.settings import Settings, SettingsError


def test_fields_without_a_variable_keep_their_default() -> None:
    settings = Settings.from_environment(
        {"EMR_PIPELINE_BUCKET": "lake", "EMR_PIPELINE_WORKGROUP": "bi", "HOME": "/"}
    )
    assert settings == Settings(bucket="lake", workgroup="bi")


def test_a_missing_bucket_is_named() -> None:
    with pytest.raises(SettingsError, match="EMR_PIPELINE_BUCKET is not set"):
        Settings.from_environment({"EMR_PIPELINE_BUCKET": ""})


def test_an_unknown_setting_is_named_with_the_valid_ones() -> None:
    with pytest.raises(SettingsError, match=r"EMR_PIPELINE_BUKET; valid settings: EMR_PIPELINE_BUCKET, "):
        Settings.from_environment({"EMR_PIPELINE_BUKET": "lake"})


def test_an_unknown_architecture_is_refused() -> None:
    environment = {"EMR_PIPELINE_BUCKET": "lake", "EMR_PIPELINE_ARCHITECTURE": "graviton"}
    with pytest.raises(
        SettingsError, match="EMR_PIPELINE_ARCHITECTURE is 'graviton'; it must be arm64 or x86_64"
    ):
        Settings.from_environment(environment)


def test_a_variable_replaces_the_default_of_the_dag() -> None:
    environment = {"EMR_PIPELINE_BUCKET": "lake", "EMR_PIPELINE_PROJECT": "finance"}
    settings = Settings.from_environment(environment, project="words", database="words")
    assert settings == Settings(bucket="lake", project="finance", database="words")


def test_two_prefixes_give_two_settings_in_one_environment() -> None:
    environment = {
        "EMR_PIPELINE_BUCKET": "lake",
        "WORDS_BUCKET": "texts",
        "WORDS_AWS_CONN_ID": "aws_texts",
        "WORDS_DATABASE": "words",
    }
    assert Settings.from_environment(environment) == Settings(bucket="lake")
    assert Settings.from_environment(environment, prefix="WORDS_") == Settings(
        bucket="texts", aws_conn_id="aws_texts", database="words"
    )


def test_addresses_are_joined_by_slashes() -> None:
    assert Settings(bucket="lake").s3("logs", "") == "s3://lake/logs/"
