"""Hive's buckets: the number of the file to which a row belongs.

Source: HiveBucketing of Trino, version 1 of the hash: https://github.com/trinodb/trino/tree/401/plugin/trino-hive
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Any

import pyarrow as pa

from localaws.athena import datatypes as dt
from localaws.athena.errors import not_supported

_MASK = 0xFFFFFFFF


@dataclass(frozen=True)
class Buckets:
    """The columns by whose values the rows are distributed, and the number of buckets."""

    columns: tuple[str, ...]
    count: int

    def check(self, schema: pa.Schema) -> None:
        """Raise QueryFailed if the hash of a column is not supported."""
        for name in self.columns:
            if schema.field(name).type not in _HASHES:
                raise not_supported(f"bucketed_by {name}: the type {dt.trino_name(schema.field(name).type)}")

    def numbers(self, table: pa.Table) -> pa.Array:
        hashes = [0] * len(table)
        for name in self.columns:
            column = table.column(name).combine_chunks().dictionary_encode()
            hash_ = _HASHES[table.schema.field(name).type]
            known = [hash_(value) & _MASK for value in column.dictionary.to_pylist()]
            codes = column.indices.to_pylist()
            hashes = [
                (31 * before + (0 if code is None else known[code])) & _MASK
                for before, code in zip(hashes, codes, strict=True)
            ]
        return pa.array([(value & 0x7FFFFFFF) % self.count for value in hashes], pa.int32())


def _integer(value: Any) -> int:
    return int(value)


def _bigint(value: Any) -> int:
    bits = int(value) & 0xFFFFFFFFFFFFFFFF
    return bits >> 32 ^ bits


def _text(value: Any) -> int:
    found = 0
    for byte in str(value).encode():
        found = (31 * found + (byte if byte < 0x80 else byte - 0x100)) & _MASK
    return found


def _double(value: Any) -> int:
    return _bigint(struct.unpack(">q", struct.pack(">d", float(value) or 0.0))[0])


def _date(value: Any) -> int:
    return int((value - date(1970, 1, 1)).days)


_HASHES: dict[pa.DataType, Callable[[Any], int]] = {
    dt.BOOLEAN: _integer,
    dt.TINYINT: _integer,
    dt.SMALLINT: _integer,
    dt.INTEGER: _integer,
    dt.BIGINT: _bigint,
    dt.DOUBLE: _double,
    dt.VARCHAR: _text,
    dt.DATE: _date,
}
