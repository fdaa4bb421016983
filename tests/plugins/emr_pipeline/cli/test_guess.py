"""``emr-pipeline guess`` for a file on this machine and on S3, with the columns of the sales pipeline."""

from __future__ import annotations

import gzip
import json
import re
from pathlib import Path

import pytest

from emr_pipeline.mapping import InputColumns
from localaws.testing import LocalAws
from tests.plugins.emr_pipeline.cli.conftest import REGION, ROOT, Run

DOCS = (ROOT / "docs/your-own-file.md").read_text("utf-8")
COLUMNS = InputColumns.read(ROOT / "dags/sales_segmentation/input_columns.json")


def block(language: str) -> str:
    """Return the first block of code of the page in this language."""
    return re.findall(rf"^```{language}\n(.*?)^```$", DOCS, re.DOTALL | re.MULTILINE)[0]


def test_the_example_of_the_page_gives_its_mapping(
    aws: LocalAws, run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    expected = COLUMNS.parse(block("yaml"), "docs")
    content = block("text").encode("windows-1252")
    path = tmp_path / "own.csv.gz"
    path.write_bytes(gzip.compress(content))
    aws.client("s3").create_bucket(Bucket="own", CreateBucketConfiguration={"LocationConstraint": REGION})
    aws.client("s3").put_object(Bucket="own", Key="own.csv", Body=content)
    for file in (str(path), "s3://own/own.csv"):
        assert run("guess", file) == 0
        assert COLUMNS.parse(capsys.readouterr().out, "guess") == expected
    assert run("guess", str(path), "--json") == 0
    assert json.loads(capsys.readouterr().out)["mapping"] == expected


def test_a_file_in_the_original_format_needs_no_mapping(
    run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "sales.csv").write_text(block("csv"), encoding="utf-8")
    assert run("guess", str(tmp_path / "sales.csv")) == 0
    assert capsys.readouterr().out == "# This file needs no mapping.\n"


def test_what_was_not_found_ends_with_exit_code_1(
    run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "a.csv").write_text("a,b\n1,2\n")
    assert run("guess", str(tmp_path / "a.csv")) == 1
    assert "# Not found: Order_ID, Customer_ID, Product, Unit_Price" in capsys.readouterr().out


def test_an_empty_file_is_refused_with_its_name(
    aws: LocalAws, run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "empty.csv").touch()
    aws.client("s3").create_bucket(Bucket="empty", CreateBucketConfiguration={"LocationConstraint": REGION})
    aws.client("s3").put_object(Bucket="empty", Key="empty.csv", Body=b"")
    for file in (str(tmp_path / "empty.csv"), "s3://empty/empty.csv"):
        assert run("guess", file) == 2
        assert f"{file}: " in capsys.readouterr().err


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("none.csv",), "No such file or directory: 'none.csv'"),
        (("s3://no-such-bucket/a.csv",), "The specified bucket does not exist"),
        (("README.md", "--columns", "none.json"), "No such file or directory: 'none.json'"),
        (("tests/plugins/emr_pipeline/cli/test_guess.py",), "test_guess.py: "),
    ],
)
def test_what_cannot_be_read_is_an_error_in_one_line(
    run: Run, capsys: pytest.CaptureFixture[str], options: tuple[str, ...], words: str
) -> None:
    assert run("guess", *options) in (1, 2)
    captured = capsys.readouterr()
    assert words in captured.err + captured.out
    assert captured.err.count("\n") <= 1
