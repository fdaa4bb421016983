"""Tables of ORC files, stripe by stripe. Columns are found by position, or by name if the table says so.

Source: https://docs.aws.amazon.com/athena/latest/ug/handling-schema-updates-chapter.html (index access in ORC)
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial

import pyarrow as pa
from pyarrow import orc

from localaws.athena import datatypes as dt
from localaws.athena.errors import DATA_ERROR, QueryFailed
from localaws.athena.tables.coercions import reads_as
from localaws.athena.tables.data_files import DataFile, Scan, Source, compressed_size
from localaws.athena.tables.parquet import read_values
from localaws.athena.tables.streams import BatchStream


def orc_source(scan: Scan, files: Sequence[DataFile]) -> Source:
    """Check the column types of the files. Raises QueryFailed HIVE_BAD_DATA."""
    types = {name: _stored(type_) for name, type_ in scan.file_types.items()}
    columns = {file: _columns(scan, file, _opened(file).schema) for file in files}
    stream = BatchStream(scan, files, types, partial(_read, columns, types))
    return Source(stream, read_values(scan, types), compressed_size(files) if types else 0)


def _stored(datatype: pa.DataType) -> pa.DataType:
    """ORC has timestamps in nanoseconds."""
    return pa.timestamp("ns") if datatype == dt.TIMESTAMP else datatype


def _opened(file: DataFile) -> orc.ORCFile:
    try:
        return orc.ORCFile(file.path)
    except (pa.ArrowInvalid, OSError) as error:
        raise QueryFailed(f"HIVE_BAD_DATA: Malformed ORC file. {error} [{file.uri}]", DATA_ERROR) from None


def _columns(scan: Scan, file: DataFile, schema: pa.Schema) -> dict[str, str]:
    """Return the name in the file of each column that the file has."""
    by_name = scan.table.serde_properties.get("orc.column.index.access", "true").lower() == "false"
    names = {name.lower(): name for name in schema.names} if by_name else {}
    found = {}
    for at, column in enumerate(scan.table.columns):
        name = names.get(column.name) if by_name else schema.names[at] if at < len(schema.names) else None
        declared = scan.file_types.get(column.name)
        if name is None or declared is None:
            continue
        stored = schema.field(name).type
        if not reads_as(stored, declared):
            raise QueryFailed(
                f"HIVE_BAD_DATA: Malformed ORC file. Cannot read SQL type '{dt.trino_name(declared)}' from ORC stream "
                f"'.{name}' of type {str(stored).upper()} [{file.uri}]",
                DATA_ERROR,
            )
        found[column.name] = name
    return found


def _read(
    columns: dict[DataFile, dict[str, str]], types: dict[str, pa.DataType], file: DataFile
) -> Iterator[tuple[int, list[pa.Array]]]:
    names, opened = columns[file], _opened(file)
    if not types:
        yield opened.nrows, []
        return
    for stripe in range(opened.nstripes):
        batch = opened.read_stripe(stripe, columns=sorted(set(names.values())) or opened.schema.names[:1])
        found = {name: batch[stored] for name, stored in names.items()}
        yield (
            len(batch),
            [
                found[name].cast(type_) if name in found else pa.nulls(len(batch), type_)
                for name, type_ in types.items()
            ],
        )
