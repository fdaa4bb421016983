"""The exact bytes of result files, and reading their rows."""

from __future__ import annotations

import io

import pyarrow as pa
import pytest

from localaws.athena.results.files import CsvRows, metadata_file, text_file, write_csv
from localaws.athena.results.result import ResultColumn, Row

COLUMNS = (ResultColumn("a", "varchar"), ResultColumn('b"', "integer"))


class File(io.BytesIO):
    """A file in memory that keeps its content when it is closed."""

    def close(self) -> None:
        self.seek(0)


def written(columns: tuple[ResultColumn, ...], batches: list[list[Row]]) -> tuple[bytes, CsvRows]:
    file, names = File(), [column.name for column in columns]
    arrays = [[pa.array(column, pa.string()) for column in zip(*rows, strict=True)] for rows in batches]
    index = write_csv(file, columns, [pa.RecordBatch.from_arrays(columns, names) for columns in arrays])
    return file.getvalue(), CsvRows(lambda: File(file.getvalue()), index)


def test_csv_has_quotes_around_each_value_except_null() -> None:
    content, _ = written(COLUMNS, [[('x"y', None), ("", "1\n2")]])
    assert content == b'"a","b"""\n"x""y",\n"","1\n2"\n'


def test_the_rows_of_a_csv_file_can_be_read_from_any_row() -> None:
    rows: list[Row] = [
        (None, None), ("", None), ('"', '""'), ("a\nb", 'c"\n"d'), ("\r\n", ",\n,"), ("é", "x" * 100_000), (None, "1"),
    ]  # fmt: skip
    _, found = written(COLUMNS, [rows[:2], rows[2:3], rows[3:]])
    assert len(found) == len(rows)
    for start in range(len(rows) + 2):
        for stop in range(start, len(rows) + 2):
            assert found[start:stop] == rows[start:stop]
    assert [found[at] for at in range(len(rows))] == rows


@pytest.mark.parametrize("batches", [[], [[("1",), (None,), ("",)]]])
def test_a_csv_file_with_one_column_or_no_row_can_be_read(batches: list[list[Row]]) -> None:
    _, found = written(COLUMNS[:1], batches)
    assert found[0:9] == [row for batch in batches for row in batch]


def test_a_text_file_has_one_line_for_each_row() -> None:
    assert text_file([("x",), ("y",)]) == b"x\ny\n"
    assert text_file([]) == b""


def test_the_metadata_file_has_the_same_bytes_as_athenas() -> None:
    """The bytes of a real file, published with the question "What's the data format of the .csv.metadata files
    written by Amazon Athena?" on Stack Overflow."""
    query = "20190423_125128_00001_ehtur"
    expected = (
        b"\x0a\x1b"
        + query.encode()
        + bytes.fromhex("2219")
        + b"\x0a\x04hive\x22\x03ary\x2a\x03ary2\x05arrayH\x03"
    )
    assert metadata_file(query, (ResultColumn("ary", "array"),)) == expected
