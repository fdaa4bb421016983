"""The whole pipeline, run like a user: success with valid input, one clear message otherwise, nothing left running."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pyarrow.dataset as ds
import pytest

from devtools import sales
from sales_segmentation.datasets import DATASETS, QUESTIONS
from sales_segmentation.report.markdown import SHOWN
from tests.e2e.conftest import ROOT, Run, command, environment
from tests.infra.needed_permissions import needed, read_calls, recorded

Pipeline = Callable[..., Run]

RUN_DATE = "RUN_DATE=2026-01-31"
ROWS = 4000
COMPARISONS = {"segment_migration", "feature_drift"}
"""The datasets that compare a run with an earlier one."""


def rows_of(run: Run, dataset: str) -> int:
    """Return the number of rows in the run's partition of a dataset."""
    return int(ds.dataset(run.bucket / "processed" / dataset / "run_date=2026-01-31").count_rows())


def segments_of(run: Run, run_date: str) -> dict[str, int]:
    folder = run.bucket / "processed" / "customer_segments" / f"run_date={run_date}"
    table = ds.dataset(folder).to_table(["customer_id", "segment"])
    return dict(zip(*(column.to_pylist() for column in table.columns), strict=True))


def table_of(run: Run, dataset: str, run_date: str) -> list[str]:
    """Return the rows of a partition as text, in any order."""
    folder = run.bucket / "processed" / dataset / f"run_date={run_date}"
    return sorted(map(str, ds.dataset(folder).to_table().to_pylist()))


def metrics_of(run: Run, job: str) -> dict[str, dict[str, int]]:
    content: dict[str, dict[str, int]] = json.loads(
        (run.bucket / "metrics" / "run_date=2026-01-31" / f"{job}.json").read_text()
    )
    return content


@pytest.fixture(scope="module")
def defective(state: Path) -> tuple[Path, sales.Counts]:
    """A file in which every fiftieth line is dirty, and the number of dirty lines by reason."""
    file = state / "defective.csv"
    return file, sales.write(file, ROWS, customers=60, defects=0.02)


@pytest.fixture(scope="module")
def green(pipeline: Pipeline, defective: tuple[Path, sales.Counts]) -> Run:
    return pipeline(f"INPUT={defective[0]}", RUN_DATE, "K_MAX=4", "N_INIT=2")


def test_a_successful_run_shows_the_results_and_leaves_no_process_running(green: Run) -> None:
    assert green.code == 0, green.screen
    assert "No cluster is alive." in green.screen
    for question in SHOWN:
        assert question.replace("_", " ").capitalize() in green.screen
    assert green.processes() == []


def test_a_successful_run_logs_no_error(green: Run) -> None:
    log = min((green.state / "logs").glob("run-*.log"))
    errors = [line for line in log.read_text().splitlines() if "[error " in line or "Traceback" in line]
    assert not errors


def test_the_report_page_contains_all_charts(green: Run) -> None:
    folder = green.bucket / "reports" / "run_date=2026-01-31"
    assert str(folder / "index.html") in green.screen.replace("\n", "")
    page = (folder / "index.html").read_text()
    assert "There is no" not in page
    assert "There are no" not in page
    assert ">unknown<" not in page
    assert "The cost is unknown" not in page
    assert len(list(folder.glob("*.svg"))) == len(list(folder.glob("*.png"))) == page.count("<figure>") == 12


def test_every_dataset_has_a_partition_for_the_run_date(green: Run) -> None:
    """The first run has no earlier one to compare with."""
    assert {dataset.name for dataset in DATASETS if not rows_of(green, dataset.name)} == COMPARISONS


def test_no_line_is_lost_and_dirty_lines_are_counted_by_reason(
    green: Run, defective: tuple[Path, sales.Counts]
) -> None:
    _, counts = defective
    assert rows_of(green, "sales") + rows_of(green, "rejected_sales") == counts.lines
    assert metrics_of(green, "preprocess")["rejected"] == {
        kind: n for kind, n in counts.defective.items() if n
    }


def test_every_customer_has_a_segment(green: Run, defective: tuple[Path, sales.Counts]) -> None:
    assert rows_of(green, "customer_segments") == defective[1].customers


def test_the_job_code_is_staged_under_its_version(green: Run) -> None:
    version = metrics_of(green, "preprocess")["code_version"]
    assert (green.bucket / "jobs" / str(version) / "preprocess.py").is_file()


def test_the_query_results_are_csv_files(green: Run) -> None:
    answers = list((green.bucket / "athena-results" / "run_date=2026-01-31").glob("*.csv"))
    assert len(answers) >= len(QUESTIONS)


def test_the_cost_of_the_run_is_recorded(green: Run, defective: tuple[Path, sales.Counts]) -> None:
    first = min((green.bucket / "costs" / "sales_segmentation").iterdir())
    record = json.loads(first.read_text())
    (cluster,) = record["clusters"]
    assert cluster["step_seconds"].keys() == {"preprocess", "pca", "kmeans"}
    assert [use["nodes"] for use in cluster["uses"]] == [3]
    assert record["input_bytes"] == defective[0].stat().st_size
    assert record["queries"] == 2 + 2 * len(DATASETS) + len(QUESTIONS)
    assert record["scanned_bytes"] > 0
    assert record["dollars"] > 0


def test_the_tested_permissions_include_those_that_the_run_needs(green: Run) -> None:
    """Otherwise record them again: make permissions RENEW=1."""
    first = min((green.state / "logs").glob("*.calls.jsonl"))
    assert needed(read_calls(first)).keys() - recorded().keys() == set()


def test_a_second_run_on_emr_serverless_replaces_only_the_partitions_of_its_date_with_equal_tables(
    green: Run, pipeline: Pipeline, defective: tuple[Path, sales.Counts]
) -> None:
    """The same tasks with the same params; only the target differs. The first run is also copied as an earlier one."""
    processed = green.bucket / "processed"
    tables = {dataset.name: table_of(green, dataset.name, "2026-01-31") for dataset in DATASETS}
    replaced = set(processed.glob("*/run_date=2026-01-31/*.parquet"))
    for folder in processed.glob("*/run_date=2026-01-31"):
        shutil.copytree(folder, folder.with_name("run_date=2025-12-31"))
    # Not Parquet. The query that counts rows does not read it: it is in another partition.
    other = processed / "sales" / "run_date=2025-11-30" / "kept.parquet"
    other.parent.mkdir()
    other.write_bytes(b"not ours")
    kept = {file: file.read_bytes() for file in processed.glob("*/run_date=2025-*/*")}
    calls = set((green.state / "logs").glob("*.calls.jsonl"))
    run = pipeline(f"INPUT={defective[0]}", RUN_DATE, "K_MAX=4", "N_INIT=2", "TARGET=emr-serverless")
    assert run.code == 0, run.screen
    assert "No cluster is alive." in run.screen
    assert {file: file.read_bytes() for file in processed.glob("*/run_date=2025-*/*")} == kept
    other.unlink()
    assert not [file for file in replaced if file.exists()]
    for name in tables.keys() - COMPARISONS:
        assert table_of(run, name, "2026-01-31") == tables[name], name
    for name in COMPARISONS:
        rows = table_of(run, name, "2026-01-31")
        assert rows, name
        assert all("'earlier_run_date': '2025-12-31'" in row for row in rows), name
    assert "The cost is unknown" not in (run.bucket / "reports/run_date=2026-01-31/index.html").read_text()
    (recording,) = set((green.state / "logs").glob("*.calls.jsonl")) - calls
    assert needed(read_calls(recording)).keys() - recorded().keys() == set()


def test_a_run_scores_with_the_model_of_another_run(
    green: Run, pipeline: Pipeline, defective: tuple[Path, sales.Counts]
) -> None:
    """The same lines with another run date get the same segments, and nothing is fitted."""
    scored = pipeline(f"INPUT={defective[0]}", "RUN_DATE=2026-02-28", "SCORE_WITH=2026-01-31")
    assert scored.code == 0, scored.screen
    assert "score success" in scored.screen
    assert all(f"{name} skipped" in scored.screen for name in ("pca", "kmeans"))
    assert segments_of(scored, "2026-02-28") == segments_of(scored, "2026-01-31")
    report = (scored.bucket / "reports" / "run_date=2026-02-28" / "index.html").read_text()
    assert "segments assigned with the models of 31 January 2026" in report
    assert report.count("<figure>") == 14
    fitted = {"pca", "kmeans"}
    assert not fitted & {path.stem for path in (scored.bucket / "metrics" / "run_date=2026-02-28").iterdir()}


def test_a_missing_column_is_refused_before_a_cluster_is_created(state: Path, pipeline: Pipeline) -> None:
    file = state / "narrow.csv"
    sales.write(file, 100)
    lines = [line.split(",") for line in file.read_text().splitlines()]
    file.write_text("\n".join(",".join(line[:9] + line[10:]) for line in lines) + "\n")
    run = pipeline(f"INPUT={file}")
    assert run.code == 1
    assert "check_input: s3://beverage-lake/raw/narrow.csv lacks the column Region: its header" in run.screen
    assert "create_cluster success" not in run.screen


def test_a_failed_step_shows_one_message_and_ends_the_cluster(
    green: Run, state: Path, pipeline: Pipeline
) -> None:
    """Its cost is estimated from the successful run before."""
    file = state / "invalid.csv"
    sales.write(file, 60)
    header, *lines = file.read_text().splitlines()
    file.write_text("\n".join([header, *(f"{line},one field more" for line in lines)]) + "\n")
    run = pipeline(f"INPUT={file}")
    assert run.code == 1
    assert "preprocess: none of the 60 lines of s3://beverage-lake/raw/invalid.csv is valid" in run.screen
    assert "terminate_cluster success" in run.screen
    assert "still alive" not in run.screen
    assert "by the median of" in max((green.state / "logs").glob("run-*.log")).read_text(), (
        "the estimate is a guess"
    )
    assert run.processes() == []


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["INPUT=/no/such.csv"], "INPUT: the file /no/such.csv does not exist"),
        (["ROWS=many"], "ROWS is 'many'; it must be a whole number, at least 1"),
        (["ROWS=100", "COLOUR=red"], "unknown param colour; valid params: input, "),
        (["fast"], "'fast' is not NAME=value"),
    ],
)
def test_invalid_arguments_are_refused_with_one_message(
    pipeline: Pipeline, arguments: list[str], sentence: str
) -> None:
    run = pipeline(*arguments)
    assert run.code == 2
    assert sentence in run.screen
    assert "Traceback" not in run.screen
    assert run.processes() == []


def test_ctrl_c_during_a_step_stops_all_processes(state: Path, defective: tuple[Path, sales.Counts]) -> None:
    started = set((state / "aws" / "emr").glob("*/*/stderr"))
    process = subprocess.Popen(
        command(f"INPUT={defective[0]}"),
        cwd=ROOT,
        env=environment(state),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    deadline = time.monotonic() + 120
    while not set((state / "aws" / "emr").glob("*/*/stderr")) - started:
        assert time.monotonic() < deadline, "no step has started"
        assert process.poll() is None, process.communicate()[0]
        time.sleep(0.2)
    os.killpg(process.pid, signal.SIGINT)
    screen, _ = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Interrupted: all started processes are stopped." in screen
    assert Run(130, screen, state).processes() == []
