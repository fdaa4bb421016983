"""The settings file, which `deploy` writes and users edit."""

from __future__ import annotations

from pathlib import Path

from emr_pipeline.cli import settings_file


def test_a_deployment_replaces_its_variables_and_keeps_other_lines(tmp_path: Path) -> None:
    file = tmp_path / "settings"
    settings_file.write(file, {"EMR_PIPELINE_BUCKET": "old", "AWS_DEFAULT_REGION": "us-east-1"})
    own = "# of Airflow\nAIRFLOW_API_URL=http://localhost:8080\nEMR_PIPELINE_TARGET=emr-serverless\n"
    file.write_text(file.read_text() + own)
    for _ in range(2):
        settings_file.write(file, {"EMR_PIPELINE_BUCKET": "new", "AWS_DEFAULT_REGION": "us-east-1"})
        assert file.read_text() == (
            f"{settings_file.HEADER}\nEMR_PIPELINE_BUCKET=new\nAWS_DEFAULT_REGION=us-east-1\n{own}"
        )
