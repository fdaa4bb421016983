"""The objects a query leaves in its output location: ``<id>.csv`` or ``<id>.txt``, and ``.metadata`` beside it.

Source: https://docs.aws.amazon.com/athena/latest/ug/querying-finding-output-files.html
"""

from __future__ import annotations

from localaws.athena.result import Result, ResultColumn, Row


def result_file(result: Result) -> bytes:
    """CSV with a header, every value in quotes and NULL as nothing at all; plain lines for anything but a query."""
    if not result.has_header:
        return "".join("\t".join(value or "" for value in row) + "\n" for row in result.rows).encode()
    header: Row = tuple(column.name for column in result.columns)
    return "".join(_csv_line(row) for row in (header, *result.rows)).encode()


def metadata_file(execution_id: str, result: Result) -> bytes:
    """The columns as a protobuf message, as readers of the real file find them: the id is field 1, each column a
    message in field 4."""
    columns = b"".join(_field(4, _column_message(column)) for column in result.columns)
    return _field(1, execution_id.encode()) + columns


def _csv_line(row: Row) -> str:
    return ",".join("" if value is None else '"' + value.replace('"', '""') + '"' for value in row) + "\n"


def _column_message(column: ResultColumn) -> bytes:
    name = column.name.encode()
    texts = _field(1, b"hive") + _field(4, name) + _field(5, name) + _field(6, column.type.encode())
    unknown_nullability = 3
    numbers = {7: column.precision, 8: column.scale, 9: unknown_nullability, 10: int(column.case_sensitive)}
    return texts + b"".join(
        _varint(number << 3) + _varint(value) for number, value in numbers.items() if value
    )


def _field(number: int, content: bytes) -> bytes:
    return _varint(number << 3 | 2) + _varint(len(content)) + content


def _varint(value: int) -> bytes:
    written = bytearray()
    while value > 0x7F:
        written.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes(written) + bytes([value])
