"""Job code is uploaded once for each version."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from emr_pipeline.operators.stage_jobs import StageJobsOperator

Context = Callable[..., Any]


def test_job_code_is_uploaded_under_its_version_only_once(aws: Any, run: Context, tmp_path: Path) -> None:
    (tmp_path / "job.py").write_text("print()\n")
    stage = StageJobsOperator(task_id="stage_jobs", folder=tmp_path, destination="s3://operators/code")
    version = stage.execute(run())
    code = {"Bucket": "operators", "Key": f"code/{version}/job.py"}
    uploaded = aws.client("s3").head_object(**code)["LastModified"]
    assert stage.execute(run()) == version
    assert aws.client("s3").head_object(**code)["LastModified"] == uploaded
