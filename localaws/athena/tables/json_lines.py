"""Tables of JSON, with one object in each line: the SerDes of OpenX and of Hive.

The SerDe of OpenX reads numbers in quotes, single values as arrays and any value as string; that of Hive does not.
A chunk of lines is read by Arrow if all its values have the types of the columns, otherwise line by line.
Lenient JSON, such as names without quotes, is malformed here.
Source: https://docs.aws.amazon.com/athena/latest/ug/openx-json-serde.html,
https://docs.aws.amazon.com/athena/latest/ug/hive-json-serde.html, and io.trino.hive.formats.line.openxjson and .json
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.json

from localaws.athena import datatypes as dt
from localaws.athena.errors import DATA_ERROR, QueryFailed, not_supported
from localaws.athena.quoting import duckdb_identifier
from localaws.athena.tables.catalog import Table
from localaws.athena.tables.data_files import DataFile, Scan, Source, compressed_size
from localaws.athena.tables.formats import OPENX_JSON_SERDE
from localaws.athena.tables.lines import lines
from localaws.athena.tables.streams import BatchStream
from localaws.athena.tables.text_values import (
    decimal,
    epoch_timestamp,
    hive_date,
    hive_timestamp,
    nested,
    nested_type,
    or_bad_data,
)

_MAPPING = "mapping."
Decode = Callable[[Any], Any]


class _Number(str):
    """A number as it is written in JSON."""

    __slots__ = ()


class _MalformedError(Exception):
    """The line is not an object of JSON, or has a key twice."""


@dataclass(frozen=True)
class _Serde:
    """``keys`` has the key of each column that has another name in the files."""

    is_openx: bool
    any_case: bool
    ignores_malformed: bool
    dots_in_keys: bool
    null_for_invalid: bool
    keys: dict[str, str]

    @classmethod
    def of(cls, table: Table) -> _Serde:
        given = table.serde_properties
        flags = {name for name, text in given.items() if text.strip().lower() == "true"}
        is_openx = table.serde == OPENX_JSON_SERDE
        any_case = not is_openx or given.get("case.insensitive", "true").strip().lower() == "true"
        keys = {
            name.removeprefix(_MAPPING).lower(): key.lower() if any_case else key
            for name, key in given.items()
            if name.startswith(_MAPPING) and is_openx
        }
        return cls(
            is_openx,
            any_case,
            "ignore.malformed.json" in flags,
            is_openx and "dots.in.keys" in flags,
            table.null_for_invalid_data,
            keys,
        )

    def matches(self, key: str, column: str) -> bool:
        """Whether the value of this key belongs to the column."""
        name = key.lower() if self.any_case else key
        return name == self.keys.get(column, column) or (
            self.dots_in_keys and name.replace(".", "_") == column
        )


def json_source(scan: Scan, files: Sequence[DataFile]) -> Source:
    reader = _Reader(scan)
    stored = {name: nested_type(type_, _stored) for name, type_ in reader.types.items()}
    return Source(BatchStream(scan, files, stored, reader.read), reader.values(), compressed_size(files))


def _stored(datatype: pa.DataType) -> pa.DataType:
    if datatype in dt.INTEGERS:
        return dt.BIGINT
    return datatype if datatype in (dt.DOUBLE, dt.REAL, dt.BOOLEAN) else dt.VARCHAR


class _Reader:
    def __init__(self, scan: Scan) -> None:
        self._scan, self._serde = scan, _Serde.of(scan.table)
        self._header = scan.table.header_lines
        self.types = scan.file_types
        self._positions = {column.name: at for at, column in enumerate(scan.table.columns)}
        self._json = json.JSONDecoder(
            object_pairs_hook=_unique,
            parse_int=_Number,
            parse_float=_Number,
            parse_constant=_Number,
            strict=not self._serde.is_openx,
        )
        self._decoders = {
            name: self._decoder(type_, self._positions[name]) for name, type_ in self.types.items()
        }

    def values(self) -> dict[str, str]:
        """Return DuckDB's SQL for the columns that are stored with another type."""
        return {
            name: self._scan.cut(
                name, nested(duckdb_identifier(name), type_, self._leaf(self._positions[name]))
            )
            for name, type_ in self.types.items()
        }

    def _leaf(self, column: int) -> Callable[[str, pa.DataType], str]:
        as_null = self._serde.null_for_invalid

        def leaf(text: str, datatype: pa.DataType) -> str:
            if datatype == dt.DATE:
                return or_bad_data(hive_date(text), text, column, as_null)
            if datatype == dt.TIMESTAMP:
                read = epoch_timestamp if self._serde.is_openx else hive_timestamp
                return or_bad_data(read(text), text, column, as_null)
            if dt.is_decimal(datatype):
                return or_bad_data(decimal(text, datatype), text, column, as_null)
            if datatype == dt.VARBINARY:
                return f"from_base64({text})" if self._serde.is_openx else f"encode({text})"
            return text if datatype == _stored(datatype) else f"CAST({text} AS {dt.duckdb_name(datatype)})"

        return leaf

    # ---------------------------------------------------------------- lines
    def read(self, file: DataFile) -> Iterator[tuple[int, list[pa.Array]]]:
        for chunk in lines(file.path, file.uri, self._header):
            try:
                columns = self._read_by_arrow(chunk)
            except (ValueError, RecursionError):  # ArrowInvalid is a ValueError
                columns = self._read_lines(chunk)
            yield len(chunk), columns

    def _read_by_arrow(self, chunk: pa.StringArray) -> list[pa.Array]:
        """Return the columns of the chunk. Raises ArrowInvalid or ValueError if anything needs a conversion."""
        if not pc.all(pc.match_substring_regex(chunk, r"^\s*\{")).as_py():
            raise ValueError("a line without an object")
        keys = {
            column: key
            for key in json.loads(chunk[0].as_py())
            for column in self.types
            if self._serde.matches(key, column)
        }
        schema = pa.schema({key: nested_type(self.types[column], _stored) for column, key in keys.items()})
        table = self._arrow_table(chunk, schema)
        columns = []
        for column, type_ in self.types.items():
            stored = nested_type(type_, _stored)
            found = [key for key in table.column_names if self._serde.matches(key, column)]
            if found != [keys[column]] if column in keys else found:
                raise ValueError("two keys for a column")
            columns.append(table[found[0]].combine_chunks() if found else pa.nulls(len(chunk), stored))
            if _has_map(type_) or columns[-1].type != stored or not _fits(columns[-1], type_):
                raise ValueError("a value of another type")
        return columns

    def _arrow_table(self, chunk: pa.StringArray, schema: pa.Schema) -> pa.Table:
        text = "\n".join(chunk.to_pylist()).encode()
        if not self._serde.is_openx and (b"NaN" in text or b"Infinity" in text):
            raise ValueError("a number that JSON does not have")
        table = pyarrow.json.read_json(
            pa.BufferReader(text),
            pyarrow.json.ReadOptions(use_threads=False, block_size=len(text) + 1),
            pyarrow.json.ParseOptions(explicit_schema=schema, unexpected_field_behavior="infer"),
        )
        names = {name.lower() if self._serde.any_case else name for name in table.column_names}
        if len(table) != len(chunk) or len(names) < table.num_columns:
            raise ValueError("two objects in a line, or two keys for a column")
        return table

    def _read_lines(self, chunk: pa.StringArray) -> list[pa.Array]:
        rows = [self._row(line) for line in chunk.to_pylist()]
        return [
            pa.array([row[at] for row in rows], nested_type(type_, _stored))
            for at, type_ in enumerate(self.types.values())
        ]

    def _row(self, line: str) -> list[Any]:
        try:
            given = self._object(line.strip())
        except (ValueError, RecursionError, _MalformedError) as error:
            if not self._serde.ignores_malformed:
                kind = (
                    "Row is not a valid JSON Object - JSONException"
                    if self._serde.is_openx
                    else "JsonParseException"
                )
                raise QueryFailed(f"HIVE_CURSOR_ERROR: {kind}: {error}", DATA_ERROR) from None
            given = None
        if given is None:
            return [None] * len(self._decoders)
        if isinstance(given, list):
            width = len(given)
            return [
                decode(given[self._positions[name]]) if self._positions[name] < width else None
                for name, decode in self._decoders.items()
            ]
        return [decode(self._member(given, name)) for name, decode in self._decoders.items()]

    def _object(self, line: str) -> Any:
        """Return the object of a line; None if the SerDe of OpenX reads only NULL values from the line."""
        if not line.startswith("{"):
            if self._serde.is_openx and not line.startswith("["):
                return None
            if not self._serde.is_openx:
                raise _MalformedError("Start of Object expected")
        given = self._json.raw_decode(line)[0]
        return self._cased(given) if isinstance(given, dict) else given

    # ---------------------------------------------------------------- values
    def _cased(self, given: dict[str, Any]) -> dict[str, Any]:
        if not self._serde.any_case:
            return given
        found = {key.lower(): value for key, value in given.items()}
        if len(found) < len(given):
            names = [key.lower() for key in given]
            raise _MalformedError(f'Duplicate key "{next(name for name in names if names.count(name) > 1)}"')
        return found

    def _member(self, given: dict[str, Any], column: str) -> Any:
        key = self._serde.keys.get(column, column)
        if key in given or not self._serde.dots_in_keys:
            return given.get(key)
        return next((value for key, value in given.items() if key.replace(".", "_") == column), None)

    def _decoder(self, datatype: pa.DataType, column: int) -> Decode:
        if dt.is_array(datatype):
            return self._array_decoder(self._decoder(datatype.value_type, column), column)
        if pa.types.is_map(datatype):
            key, value = self._decoder(datatype.key_type, column), self._decoder(datatype.item_type, column)
            return self._map_decoder(key, value, column)
        if pa.types.is_struct(datatype):
            return self._struct_decoder({f.name: self._decoder(f.type, column) for f in datatype}, column)
        return self._leaf_decoder(datatype, column)

    def _array_decoder(self, item: Decode, column: int) -> Decode:
        def decode(value: Any) -> Any:
            if isinstance(value, list):
                return [item(part) for part in value]
            if value is None or (self._serde.is_openx and value == ""):
                return None
            return [item(value)] if self._serde.is_openx else self._invalid(value, column)

        return decode

    def _map_decoder(self, key: Decode, item: Decode, column: int) -> Decode:
        def decode(value: Any) -> Any:
            if value is None or (self._serde.is_openx and isinstance(value, str) and not value.strip()):
                return None
            if not isinstance(value, dict):
                return self._invalid(value, column)
            if self._serde.is_openx and self._serde.any_case and any(name != name.lower() for name in value):
                raise not_supported("map keys with capital letters in a table of the OpenX JSON SerDe")
            # The names of an object are text, also for keys of the type int.
            return [{"key": key(_Number(name)), "value": item(part)} for name, part in value.items()]

        return decode

    def _struct_decoder(self, fields: dict[str, Decode], column: int) -> Decode:
        def decode(value: Any) -> Any:
            if value is None:
                return None
            if self._serde.is_openx and isinstance(value, str) and not value.strip():
                return dict.fromkeys(fields)
            if self._serde.is_openx and isinstance(value, list):
                padded = [*value, *[None] * len(fields)]
                return {
                    name: field(part) for (name, field), part in zip(fields.items(), padded, strict=False)
                }
            if not isinstance(value, dict):
                return self._invalid(value, column)
            members = self._cased(value)
            return {name: field(self._member(members, name)) for name, field in fields.items()}

        return decode

    def _leaf_decoder(self, datatype: pa.DataType, column: int) -> Decode:
        is_openx = self._serde.is_openx
        parse = self._number_parser(datatype)

        def decode(value: Any) -> Any:
            if value is None:
                return None
            if datatype == dt.BOOLEAN:
                return value is True or (isinstance(value, str) and value.lower() == "true")
            if isinstance(value, dict | list) and not (is_openx and datatype == dt.VARCHAR):
                return self._invalid(value, column)
            if parse is None:
                return _canonical(value) if is_openx else _text(value)
            try:
                return parse(value)
            except (ValueError, InvalidOperation):
                return self._invalid(value, column)

        return decode

    def _number_parser(self, datatype: pa.DataType) -> Decode | None:
        """Return the function that parses a number of this type, or None for other types. It raises ValueError."""
        if datatype not in (*dt.INTEGERS, dt.DOUBLE, dt.REAL):
            return None

        def parse(value: Any) -> Any:
            text = _text(value)
            if "_" in text or not (self._serde.is_openx or isinstance(value, _Number)):
                raise ValueError(text)
            if datatype in (dt.DOUBLE, dt.REAL):
                return _java_double(text)
            number = int(text) if self._serde.is_openx else int(Decimal(text))
            bound = 2 ** (datatype.bit_width - 1)
            if not -bound <= number < bound:
                raise ValueError(text)
            return number

        return parse

    def _invalid(self, value: Any, column: int) -> None:
        if self._serde.null_for_invalid:
            return
        text = _canonical(value)
        raise QueryFailed(
            f"HIVE_BAD_DATA: Error parsing field value '{text}' for field {column}: For input string: \"{text}\"",
            DATA_ERROR,
        )


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        raise _MalformedError(f'Duplicate key "{next(name for name in names if names.count(name) > 1)}"')
    return found


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def _canonical(value: Any) -> str:
    """Return a value as JSON without spaces; a text is itself, and a number is written as by Java's BigDecimal."""
    if isinstance(value, dict | list):
        return _json(value)
    if isinstance(value, _Number) and ("e" in value or "E" in value):
        return str(Decimal(value))
    return _text(value)


def _json(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ",".join(f"{_json(key)}:{_json(part)}" for key, part in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(_json, value)) + "]"
    if value is None:
        return "null"
    is_text = isinstance(value, str) and not isinstance(value, _Number)
    return json.dumps(value, ensure_ascii=False) if is_text else _canonical(value)


def _java_double(text: str) -> float:
    letters = text.strip().lstrip("+-")
    if letters.isalpha() and letters not in ("NaN", "Infinity"):
        raise ValueError(text)
    return float(text)


def _has_map(datatype: pa.DataType) -> bool:
    if pa.types.is_map(datatype):
        return True
    return any(_has_map(datatype.field(at).type) for at in range(datatype.num_fields))


def _fits(values: pa.Array, datatype: pa.DataType) -> bool:
    """Whether all integers fit the type of the column."""
    if dt.is_array(datatype):
        return _fits(values.flatten(), datatype.value_type)
    if pa.types.is_struct(datatype):
        return all(_fits(values.field(at), field.type) for at, field in enumerate(datatype))
    if datatype not in dt.INTEGERS or datatype == dt.BIGINT:
        return True
    low, high = pc.min(values).as_py(), pc.max(values).as_py()
    bound = 2 ** (datatype.bit_width - 1)
    return low is None or (-bound <= low and high < bound)
