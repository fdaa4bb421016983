"""Writers of data files: Arrow batches become Parquet, ORC, Avro, JSON or text. A batch has the types of the table."""

from __future__ import annotations

import base64
import bz2
import gzip
import json
from collections.abc import Callable, Iterable
from datetime import datetime
from decimal import Decimal
from typing import IO, Any, Protocol

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from pyarrow import orc

from localaws.athena.floats import double_text
from localaws.athena.results import formatting
from localaws.athena.writing import formats
from localaws.athena.writing.avro import AvroFile
from localaws.athena.writing.formats import Output

_NULL = "\\N"  # of LazySimpleSerDe


class DataFile(Protocol):
    def write(self, table: pa.Table) -> None: ...
    def close(self) -> None:
        """Write the end of the file. Does not close the file object."""


def open_data_file(file: IO[bytes], schema: pa.Schema, output: Output) -> DataFile:
    if output.format is formats.PARQUET:
        return _ParquetFile(file, schema, output)
    if output.format is formats.ORC:
        return _OrcFile(file, output)
    if output.format is formats.AVRO:
        return AvroFile(file, schema, output)
    lines = _json_lines if output.format is formats.JSON else _text_lines(output.field_delimiter)
    return _LinesFile(file, output, lines)


class _ParquetFile:
    """Timestamps are INT96, as Trino's Hive connector writes them."""

    def __init__(self, file: IO[bytes], schema: pa.Schema, output: Output) -> None:
        self._writer = pq.ParquetWriter(
            pa.PythonFile(file, mode="w"),
            schema,
            compression=output.compression,
            compression_level=output.compression_level,
            use_deprecated_int96_timestamps=True,
        )

    def write(self, table: pa.Table) -> None:
        self._writer.write_table(table)

    def close(self) -> None:
        self._writer.close()


class _OrcFile:
    def __init__(self, file: IO[bytes], output: Output) -> None:
        codec = {"NONE": "uncompressed"}.get(output.compression, output.compression.lower())
        self._writer = orc.ORCWriter(pa.PythonFile(file, mode="w"), compression=codec)

    def write(self, table: pa.Table) -> None:
        self._writer.write(table)

    def close(self) -> None:
        self._writer.close()


class _LinesFile:
    def __init__(self, file: IO[bytes], output: Output, lines: Callable[[pa.Table], Iterable[str]]) -> None:
        self._file, self._lines = _compressed(file, output.compression), lines
        self._is_compressed = self._file is not file

    def write(self, table: pa.Table) -> None:
        self._file.write("".join(f"{line}\n" for line in self._lines(table)).encode())

    def close(self) -> None:
        if self._is_compressed:
            self._file.close()


def _compressed(file: IO[bytes], compression: str) -> Any:
    if compression == "GZIP":
        return gzip.GzipFile(fileobj=file, mode="wb", mtime=0)
    return bz2.BZ2File(file, "wb") if compression == "BZIP2" else file


def _json_lines(table: pa.Table) -> Iterable[str]:
    columns = [[_json_value(value, column.type) for value in column.to_pylist()] for column in table.columns]
    for row in zip(*columns, strict=True):
        yield json.dumps(
            dict(zip(table.column_names, row, strict=True)), ensure_ascii=False, separators=(",", ":")
        )


def _json_value(value: Any, datatype: pa.DataType) -> Any:
    """Return the value as JSON's type. Values of other types become text, as in the CSV of a result."""
    if value is None or isinstance(value, bool | int | float):
        return value
    if pa.types.is_list(datatype):
        return [_json_value(item, datatype.value_type) for item in value]
    if pa.types.is_map(datatype):
        return {_scalar_text(key): _json_value(item, datatype.item_type) for key, item in value}
    if pa.types.is_struct(datatype):
        return {field.name: _json_value(value[field.name], field.type) for field in datatype}
    return float(value) if isinstance(value, Decimal) else _scalar_text(value)


def _text_lines(delimiter: str) -> Callable[[pa.Table], Iterable[str]]:
    separators = (delimiter, *map(chr, range(2, 9)))

    def lines(table: pa.Table) -> Iterable[str]:
        texts = [_column_texts(column.combine_chunks(), separators) for column in table.columns]
        joined = pc.binary_join_element_wise(
            *texts, delimiter, null_handling="replace", null_replacement=_NULL
        )
        return joined.to_pylist()  # type: ignore[no-any-return]

    return lines


def _column_texts(column: pa.Array, separators: tuple[str, ...]) -> pa.Array:
    if pa.types.is_nested(column.type) or pa.types.is_binary(column.type):
        texts = [
            None if value is None else _text(value, column.type, separators[1:])
            for value in column.to_pylist()
        ]
        return pa.array(texts, pa.string())
    return formatting.texts(column, column.type)


def _text(value: Any, datatype: pa.DataType, separators: tuple[str, ...]) -> str:
    """``separators[0]`` separates the items of a nested value, the next ones those of values in it."""
    if value is None:
        return _NULL
    if pa.types.is_list(datatype):
        return separators[0].join(_text(item, datatype.value_type, separators[1:]) for item in value)
    if pa.types.is_map(datatype):
        pairs = ((_scalar_text(key), _text(item, datatype.item_type, separators[2:])) for key, item in value)
        return separators[0].join(separators[1].join(pair) for pair in pairs)
    if pa.types.is_struct(datatype):
        return separators[0].join(_text(value[field.name], field.type, separators[1:]) for field in datatype)
    return _scalar_text(value)


def _scalar_text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return double_text(value)
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if isinstance(value, datetime):
        return value.isoformat(" ", "milliseconds")
    return str(value)
