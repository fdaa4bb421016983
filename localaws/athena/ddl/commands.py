"""DDL statements as frozen dataclasses. Names are in lower case."""

from __future__ import annotations

from dataclasses import dataclass, field

from localaws.athena.tables.catalog import TableColumn
from localaws.athena.tables.iceberg_partitions import PartitionField


@dataclass(frozen=True)
class TableName:
    """``database`` is None if the statement does not name one. Then it is the database of the query's context."""

    database: str | None
    table: str


@dataclass(frozen=True)
class PartitionSpec:
    values: dict[str, str]
    location: str | None = None


@dataclass(frozen=True)
class CreateDatabase:
    name: str
    if_not_exists: bool
    comment: str | None = None
    location: str | None = None
    properties: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class DropDatabase:
    name: str
    if_exists: bool
    cascade: bool


@dataclass(frozen=True)
class Storage:
    """How the files of a table are read: Hive's classes, and the properties of the SerDe."""

    input: str
    output: str
    serde: str
    properties: dict[str, str]


@dataclass(frozen=True)
class Buckets:
    """``sorted_by`` has pairs of a column and its order: 1 is ascending, 0 descending, as in Glue."""

    columns: tuple[str, ...]
    count: int
    sorted_by: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True)
class CreateTable:
    name: TableName
    if_not_exists: bool
    columns: tuple[TableColumn, ...]
    partition_keys: tuple[TableColumn, ...]
    location: str
    comment: str | None
    properties: dict[str, str]
    storage: Storage
    buckets: Buckets | None = None


@dataclass(frozen=True)
class CreateIcebergTable:
    """``location`` is None if the statement has none."""

    name: TableName
    if_not_exists: bool
    columns: tuple[TableColumn, ...]
    partitioning: tuple[PartitionField, ...]
    location: str | None
    comment: str | None
    properties: dict[str, str]


@dataclass(frozen=True)
class DropTable:
    name: TableName
    if_exists: bool


@dataclass(frozen=True)
class DropView:
    name: TableName
    if_exists: bool


@dataclass(frozen=True)
class RepairTable:
    name: TableName


@dataclass(frozen=True)
class Vacuum:
    name: TableName


@dataclass(frozen=True)
class AddPartitions:
    name: TableName
    if_not_exists: bool
    partitions: tuple[PartitionSpec, ...]


@dataclass(frozen=True)
class DropPartitions:
    name: TableName
    if_exists: bool
    partitions: tuple[PartitionSpec, ...]


@dataclass(frozen=True)
class RenamePartition:
    name: TableName
    old: PartitionSpec
    new: PartitionSpec


@dataclass(frozen=True)
class AddColumns:
    name: TableName
    columns: tuple[TableColumn, ...]


@dataclass(frozen=True)
class ReplaceColumns:
    name: TableName
    columns: tuple[TableColumn, ...]


@dataclass(frozen=True)
class ChangeColumn:
    """``after`` is the column before the new position, '' for the first position, None for an unchanged position."""

    name: TableName
    column: str
    new: TableColumn
    after: str | None


@dataclass(frozen=True)
class DropColumn:
    name: TableName
    column: str


@dataclass(frozen=True)
class RenameTable:
    name: TableName
    new: TableName


@dataclass(frozen=True)
class SetLocation:
    """``partition`` is None for the location of the table."""

    name: TableName
    location: str
    partition: PartitionSpec | None


@dataclass(frozen=True)
class SetTableProperties:
    name: TableName
    properties: dict[str, str]


@dataclass(frozen=True)
class UnsetTableProperties:
    name: TableName
    keys: tuple[str, ...]


@dataclass(frozen=True)
class SetDatabaseProperties:
    name: str
    properties: dict[str, str]


@dataclass(frozen=True)
class ShowTableProperties:
    """``key`` is None for all properties."""

    name: TableName
    key: str | None


@dataclass(frozen=True)
class ShowDatabases:
    pattern: str | None


@dataclass(frozen=True)
class ShowTables:
    database: str | None
    pattern: str | None


@dataclass(frozen=True)
class ShowViews:
    database: str | None
    pattern: str | None


@dataclass(frozen=True)
class ShowPartitions:
    name: TableName


@dataclass(frozen=True)
class ShowColumns:
    name: TableName


@dataclass(frozen=True)
class ShowCreateTable:
    name: TableName


@dataclass(frozen=True)
class ShowCreateView:
    name: TableName


@dataclass(frozen=True)
class Describe:
    """``formatted`` adds the properties of the table. ``column`` limits the result to one column."""

    name: TableName
    formatted: bool = False
    partition: PartitionSpec | None = None
    column: str | None = None


Command = (
    CreateDatabase
    | DropDatabase
    | CreateTable
    | CreateIcebergTable
    | DropTable
    | DropView
    | RepairTable
    | Vacuum
    | AddPartitions
    | DropPartitions
    | RenamePartition
    | AddColumns
    | ReplaceColumns
    | ChangeColumn
    | DropColumn
    | RenameTable
    | SetLocation
    | SetTableProperties
    | UnsetTableProperties
    | SetDatabaseProperties
    | ShowTableProperties
    | ShowDatabases
    | ShowTables
    | ShowViews
    | ShowPartitions
    | ShowColumns
    | ShowCreateTable
    | ShowCreateView
    | Describe
)
