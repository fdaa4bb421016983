"""The files that a scan reads, and the constants of each file: the values of its partition, and its S3 address."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa

from localaws.athena import datatypes as dt
from localaws.athena.tables.catalog import Table
from localaws.athena.tables.hive_layout import data_files, without_empty_folders

PATH_COLUMN = "$path"


@dataclass(eq=False)
class Scan:
    """One use of a table in a query, and the part of the table that the query reads.

    ``name`` is the relation in DuckDB, and ``alias`` its alias in the translated query. ``columns`` are the columns
    that are read. ``predicates`` are conditions on partition keys only, ``filters`` are conditions on other columns
    of the table, both in DuckDB's SQL; rows that do not fulfil them are not needed.
    """

    name: str
    alias: str
    table: Table
    columns: set[str] = field(default_factory=set)
    predicates: list[str] = field(default_factory=list)
    filters: list[str] = field(default_factory=list)

    @property
    def version(self) -> object:
        """What identifies the rows of the table, if the table has several versions."""
        return None

    @property
    def column_types(self) -> dict[str, pa.DataType | None]:
        """The types of all columns; None if a column cannot be read."""
        return {c.name: column_type(c.type) for c in (*self.table.columns, *self.table.partition_keys)}

    @property
    def constant_types(self) -> dict[str, pa.DataType]:
        """The types of the columns that have the same value in all rows of a file."""
        keys = {key.name: dt.parse_type(key.type) for key in self.table.partition_keys}
        return {**keys, PATH_COLUMN: dt.VARCHAR}

    @property
    def file_types(self) -> dict[str, pa.DataType]:
        """The declared types of the columns that are read from the files."""
        return {c.name: dt.parse_type(c.type) for c in self.table.columns if c.name in self.columns}

    def cut(self, column: str, text: str) -> str:
        """Return DuckDB's SQL for the value of a column: a varchar(n) has only its first n characters."""
        declared = next(c.type for c in self.table.columns if c.name == column)
        length = dt.varchar_length(declared)
        return text if length is None else f"substring({text}, 1, {length})"


def column_type(hive_type: str) -> pa.DataType | None:
    """Return the type with this name in Glue; None if it is not supported."""
    try:
        return dt.parse_type(hive_type)
    except ValueError:
        return None


@dataclass(frozen=True)
class DataFile:
    """``partition`` has the values of the partition keys, in their order."""

    path: Path
    uri: str
    partition: tuple[Any, ...]

    def constants(self, table: Table) -> dict[str, Any]:
        keys = [key.name for key in table.partition_keys]
        return {**dict(zip(keys, self.partition, strict=True)), PATH_COLUMN: self.uri}


@dataclass(frozen=True)
class Source:
    """The rows of a scan for DuckDB.

    ``relation`` can be registered in DuckDB and read repeatedly. It has the columns of the scan. ``values`` has
    DuckDB's SQL for each column whose value differs from the one in ``relation``. ``scanned_bytes`` is the compressed
    size of what is read.
    """

    relation: Any
    values: dict[str, str]
    scanned_bytes: int


def files_in(locations: Sequence[tuple[str, tuple[Any, ...]]], path: Callable[[str], Path]) -> list[DataFile]:
    """Return the data files of each location. ``locations`` has pairs of an S3 folder and its partition's values."""
    folders = [(without_empty_folders(location).rstrip("/"), values) for location, values in locations]
    return [
        DataFile(file, f"{folder}/{file.relative_to(path(folder)).as_posix()}", values)
        for folder, values in folders
        for file in data_files(path(folder))
    ]


def compressed_size(files: Sequence[DataFile]) -> int:
    return sum(file.path.stat().st_size for file in files)
