"""Settings come from the environment; a wrong or missing one is named."""

from __future__ import annotations

import pytest

from emr_pipeline.settings import Settings, SettingsError


def test_fields_are_read_and_the_rest_keeps_its_default() -> None:
    settings = Settings.from_environment(
        {"EMR_PIPELINE_BUCKET": "lake", "EMR_PIPELINE_WORKGROUP": "bi", "HOME": "/"}
    )
    assert settings == Settings(bucket="lake", workgroup="bi")


def test_a_missing_bucket_is_named() -> None:
    with pytest.raises(SettingsError, match="EMR_PIPELINE_BUCKET is not set"):
        Settings.from_environment({"EMR_PIPELINE_BUCKET": ""})


def test_a_misspelt_setting_is_named_with_those_that_exist() -> None:
    with pytest.raises(SettingsError, match=r"EMR_PIPELINE_BUKET; known are EMR_PIPELINE_BUCKET, "):
        Settings.from_environment({"EMR_PIPELINE_BUKET": "lake"})


def test_addresses_are_joined_by_slashes() -> None:
    assert Settings(bucket="lake").s3("logs", "") == "s3://lake/logs/"
