"""Writes the rows of a query to an Iceberg table: new data files, and a snapshot that adds or replaces files.

Sources: https://docs.aws.amazon.com/athena/latest/ug/querying-iceberg-updating-iceberg-table-data.html and
IcebergPageSink of Trino
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from uuid import uuid4

import pyarrow as pa
from pyiceberg.io.pyarrow import _dataframe_to_data_files
from pyiceberg.manifest import DataFile
from pyiceberg.partitioning import PartitionSpec
from pyiceberg.schema import Schema
from pyiceberg.table import Transaction

from localaws.athena.errors import DATA_ERROR, SYNTAX_ERROR, QueryFailed, not_supported
from localaws.athena.sql.parsing.statements import Property
from localaws.athena.sql.translation.output_columns import OutputColumn
from localaws.athena.tables.iceberg import IcebergCatalog, commit_failures
from localaws.athena.tables.iceberg_layout import new_properties, new_schema, partition_spec
from localaws.athena.tables.iceberg_partitions import parse_partition_field
from localaws.athena.tables.iceberg_types import athena_type, stored

_CHUNK_BYTES = 2**27
_MOST_PARTITIONS = 100


_CTAS_PROPERTIES = ("table_type", "is_external", "location", "partitioning")


@dataclass(frozen=True)
class NewTable:
    """The table of a CREATE TABLE AS."""

    schema: Schema
    spec: PartitionSpec
    location: str
    properties: dict[str, str]

    def begin(self, catalog: IcebergCatalog, database: str, name: str) -> Transaction:
        """Return the transaction that creates the table."""
        return catalog.create_table_transaction(
            (database, name), self.schema, self.location, self.spec, properties=self.properties
        )


def new_table(properties: Mapping[str, Property], outputs: Sequence[OutputColumn]) -> NewTable:
    """Raises QueryFailed for an unknown property, or a type that Iceberg does not have."""
    if properties.get("is_external", True) is not False:
        raise QueryFailed(
            "INVALID_TABLE_PROPERTY: an Iceberg table must have is_external = false", SYNTAX_ERROR
        )
    location, partitioning = properties.get("location"), properties.get("partitioning", [])
    if not isinstance(location, str) or not isinstance(partitioning, list):
        raise QueryFailed(
            "INVALID_TABLE_PROPERTY: an Iceberg table needs location = 's3://bucket/folder/', and partitioning is an "
            "array of strings",
            SYNTAX_ERROR,
        )
    given = {name: str(value) for name, value in properties.items() if name not in _CTAS_PROPERTIES}
    columns = [(str(output.name).lower(), output.type, "") for output in outputs]
    schema = new_schema(columns)
    for column in schema.columns:
        if athena_type(column.field_type) is None:  # a timestamp with time zone inside an array, map or row
            raise not_supported(f"the type of the column {column.name} of an Iceberg table")
    spec = partition_spec(schema, [parse_partition_field(text) for text in partitioning])
    return NewTable(schema, spec, location, {**new_properties(given), "format-version": "2"})


def append(
    transaction: Transaction, names: Sequence[str], batches: Iterable[pa.RecordBatch]
) -> tuple[int, list[str]]:
    """Commit a transaction that also adds rows. Return their number, and the URIs of the new files.

    ``names`` are the columns of the batches. Rows of concurrent commits are kept. Raises QueryFailed; then the
    new files are removed.
    """
    table = transaction.table_metadata
    with new_files(transaction) as files, commit_failures(transaction), transaction:
        for chunk in chunks(names, batches, table.schema()):
            files.write(chunk)
            files.check_partitions()
        if files.made:
            with transaction.update_snapshot().fast_append() as snapshot:
                for file in files.made:
                    snapshot.append_data_file(file)
    return files.rows, [file.file_path for file in files.made]


@contextmanager
def new_files(transaction: Transaction) -> Iterator[NewFiles]:
    """A context for new data files. If it raises an exception, they are removed."""
    files = NewFiles(transaction)
    try:
        yield files
    except BaseException:
        for file in files.made:
            files.io.delete(file.file_path)
        raise


class NewFiles:
    """``made`` are the new files, and ``rows`` is the number of rows in them."""

    def __init__(self, transaction: Transaction) -> None:
        self._table, self.io = transaction.table_metadata, transaction._table.io
        self._id, self._numbers = uuid4(), count()
        self.made: list[DataFile] = []
        self.rows = 0

    def write(self, rows: pa.Table) -> None:
        """Write rows with all columns of the table."""
        if len(rows) == 0:
            return
        made = _dataframe_to_data_files(
            table_metadata=self._table,
            df=rows,
            io=self.io,
            write_uuid=self._id,
            counter=self._numbers,
        )
        for file in made:
            self.made.append(file)
        self.rows += len(rows)

    def check_partitions(self) -> None:
        """Raise QueryFailed if there are files in more than 100 partitions."""
        if len({str(file.partition) for file in self.made}) > _MOST_PARTITIONS:
            raise QueryFailed(
                "ICEBERG_TOO_MANY_OPEN_PARTITIONS: Exceeded limit of 100 open writers for partitions/buckets"
            )


def chunks(names: Sequence[str], batches: Iterable[pa.RecordBatch], schema: Schema) -> Iterator[pa.Table]:
    """Yield the rows in tables of a limited size, with the columns of the schema."""
    waiting: list[pa.Table] = []
    for batch in batches:
        waiting.append(_with_schema(names, batch, schema))
        if sum(table.nbytes for table in waiting) > _CHUNK_BYTES:
            yield pa.concat_tables(waiting)
            waiting = []
    if waiting:
        yield pa.concat_tables(waiting)


def _with_schema(names: Sequence[str], batch: pa.RecordBatch, schema: Schema) -> pa.Table:
    given = dict(zip(names, batch.columns, strict=True))
    columns, fields = [], []
    for column in schema.columns:
        type_ = athena_type(column.field_type)
        wanted = pa.null() if type_ is None else stored(type_)
        found = given.get(column.name.lower())
        if found is None or found.null_count == len(
            batch
        ):  # a column with only NULL values may have lost its type
            found = pa.nulls(len(batch), wanted)
        if column.required and found.null_count:
            raise QueryFailed(
                f"CONSTRAINT_VIOLATION: NULL value not allowed for NOT NULL column: {column.name}", DATA_ERROR
            )
        columns.append(found.cast(wanted))
        fields.append(pa.field(column.name, wanted, nullable=not column.required))
    return pa.Table.from_arrays(columns, schema=pa.schema(fields))


def replace_files(
    transaction: Transaction,
    replaced: Sequence[DataFile],
    names: Sequence[str],
    batches: Iterable[pa.RecordBatch],
) -> list[str]:
    """Commit new rows in place of data files, and return the URIs of the new files.

    Raises QueryFailed ICEBERG_COMMIT_ERROR if another commit has changed the table since it was read.
    """
    with new_files(transaction) as files, commit_failures(transaction), transaction:
        for chunk in chunks(names, batches, transaction.table_metadata.schema()):
            files.write(chunk)
            files.check_partitions()
        if files.made or replaced:
            with transaction.update_snapshot().overwrite() as snapshot:
                for file in replaced:
                    snapshot.delete_data_file(file)
                for file in files.made:
                    snapshot.append_data_file(file)
    return [file.file_path for file in files.made]
