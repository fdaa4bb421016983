"""The result's files, byte for byte."""

from __future__ import annotations

from localaws.athena.result import Result, ResultColumn
from localaws.athena.result_files import metadata_file, result_file


def test_csv_quotes_every_value_and_leaves_null_bare() -> None:
    columns = (ResultColumn("a", "varchar"), ResultColumn("b", "integer"))
    assert result_file(Result(columns, [('x"y', None), ("", "1\n2")], has_header=True)) == (
        b'"a","b"\n"x""y",\n"","1\n2"\n'
    )


def test_text_has_one_line_for_each_row() -> None:
    assert result_file(Result((ResultColumn("a", "string"),), [("x",), ("y",)])) == b"x\ny\n"
    assert result_file(Result()) == b""


def test_metadata_is_the_message_that_athena_writes() -> None:
    """The bytes of a real file, published with the question "What's the data format of the .csv.metadata files
    written by Amazon Athena?" on Stack Overflow."""
    query = "20190423_125128_00001_ehtur"
    expected = (
        b"\x0a\x1b"
        + query.encode()
        + bytes.fromhex("2219")
        + b"\x0a\x04hive\x22\x03ary\x2a\x03ary2\x05arrayH\x03"
    )
    assert metadata_file(query, Result((ResultColumn("ary", "array"),))) == expected
