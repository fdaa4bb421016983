"""``emr-pipeline plan`` with the files and the costs of earlier runs in the S3 of a local AWS."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from emr_pipeline.cli.app import main
from emr_pipeline.cost import ON_DEMAND, ClusterCost, RunCost, Use
from emr_pipeline.cost_records import record_key, write_run_cost
from localaws.testing import LocalAws
from tests.plugins.emr_pipeline.cli.conftest import REGION, Run


def test_plan_uses_the_earlier_runs_of_the_dag_and_names_a_missing_input(
    aws: LocalAws, run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    s3 = aws.client("s3")
    s3.create_bucket(Bucket="plans", CreateBucketConfiguration={"LocationConstraint": REGION})
    s3.put_object(Bucket="plans", Key="raw/a.csv", Body=b"x" * 1000)
    (tmp_path / "settings").write_text("EMR_PIPELINE_BUCKET=plans\n")

    def plan(*options: str) -> tuple[int, str, str]:
        capsys.readouterr()
        code = main(["plan", "pipeline", *options, "--json", "--settings", str(tmp_path / "settings")])
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    code, out, text = plan("--input", "s3://plans/raw/")
    guess = json.loads(out)
    assert (code, guess["input_bytes"], guess["steps"]) == (0, 1000, [])
    assert "a first guess" in text
    cluster = ClusterCost(
        "j-1", "emr-7.13.0", 600, 60, (Use("m6g.xlarge", ON_DEMAND, 3, 1800),), {"count": 120}
    )
    earlier = RunCost({}, "", (cluster,), 1000, 0, 0, 0, REGION, "", None, None)
    now = datetime.now(UTC) - timedelta(days=1)
    write_run_cost(s3, "plans", record_key("pipeline", "run", now), earlier)
    code, out, text = plan("--input", "s3://plans/raw/")
    expected = json.loads(out)
    assert (code, expected["steps"], expected["seconds"]) == (0, ["count"], 600)
    assert expected["node_hours"] == pytest.approx(0.5)
    assert "the median of 1 earlier run with the same steps" in text
    code, out, text = plan("--input", "s3://plans/none/")
    assert (code, out, text.count("\n")) == (2, "", 1)
    assert "s3://plans/none/" in text
    assert plan("--input", "raw/a.csv")[0] == 2
