"""The options of ``make run``."""

from __future__ import annotations

from pathlib import Path

import pytest

from devtools import run
from devtools.run import DAG_ID, ROWS, RunError, RunOptions


def test_the_default_is_sample_data_of_the_studys_size() -> None:
    assert RunOptions.parse([]) == RunOptions(DAG_ID, None, ROWS, {})


def test_params_are_passed_with_their_names_in_the_form(tmp_path: Path) -> None:
    file = tmp_path / "sales.csv"
    file.touch()
    yaml = tmp_path / "mapping.yaml"
    yaml.write_text("separator: ;\n")
    assert RunOptions.parse([f"MAPPING={yaml}"]).params == {"mapping": "separator: ;\n"}
    assert RunOptions.parse(["MAPPING=s3://b/m.yaml"]).params == {"mapping": "s3://b/m.yaml"}
    options = RunOptions.parse(
        [f"INPUT={file}", "K=4", "VARIANCE_TO_KEEP=0.8", "FEATURE_SET=notebook", "RUN_DATE=2026-01-31"]
    )
    assert options.input == file
    assert options.params == {
        "k": 4,
        "variance_to_keep": 0.8,
        "feature_set": "notebook",
        "run_date": "2026-01-31",
    }


@pytest.mark.parametrize(
    ("argument", "message"),
    [
        ("ROWS=0", "ROWS is '0'"),
        ("DAG=emr_reaper", "DAG is 'emr_reaper'; valid DAGs: sales_segmentation, word_count"),
        ("ROWS=1e6", "ROWS is '1e6'"),
        ("INPUT=/no/such/file", "the file /no/such/file does not exist"),
        ("MAPPING=none.yaml", "the file none.yaml does not exist"),
        ("K", "'K' is not NAME=value"),
        ("AWS=mine", "AWS is 'mine'; valid values: local, account"),
    ],
)
def test_an_invalid_argument_is_rejected(argument: str, message: str) -> None:
    with pytest.raises(RunError, match=message):
        RunOptions.parse([argument])


def test_a_run_with_an_account_needs_the_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("EMR_PIPELINE_BUCKET", raising=False)
    assert RunOptions.parse(["AWS=account"]).on_account
    with pytest.raises(RunError, match=r"EMR_PIPELINE_BUCKET is not set; export the settings"):
        run._account()


def test_too_little_disk_space_is_an_error(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(run.paths, "LOCAL", tmp_path)
    with pytest.raises(RunError, match=r"MB are free at .*, this run needs about 400,000,000,000 MB"):
        run._check_disk(RunOptions(DAG_ID, None, 10**15, {}))
