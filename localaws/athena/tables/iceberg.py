"""Iceberg tables: their metadata in the Glue catalog, and their files on the local S3.

The metadata is read and written by pyiceberg. A commit changes metadata_location in Glue only if the table still has
the version that was read, so concurrent writers do not lose data.
Source: https://docs.aws.amazon.com/athena/latest/ug/querying-iceberg.html
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from types import TracebackType
from typing import IO, Any

from pyiceberg.catalog.glue import GlueCatalog
from pyiceberg.exceptions import (
    CommitFailedException,
    NoSuchTableError,
    TableAlreadyExistsError,
    ValidationException,
)
from pyiceberg.io import FileIO, InputFile, OutputFile
from pyiceberg.table import Table as IcebergTable
from pyiceberg.table import Transaction
from pyiceberg.typedef import EMPTY_DICT, Properties

from localaws.athena.errors import DATA_ERROR, SCHEMA_ERROR, QueryFailed
from localaws.athena.tables import iceberg_nulls

iceberg_nulls.install()


class IcebergCatalog(GlueCatalog):
    """pyiceberg's catalog for Glue, with the files behind the local S3."""

    def __init__(self, glue: Any, files: FileIO) -> None:
        super().__init__("awsdatacatalog", client=glue)
        self.files = files

    def _load_file_io(self, properties: Properties = EMPTY_DICT, location: str | None = None) -> FileIO:
        return self.files

    def table(self, database: str, name: str) -> IcebergTable:
        """Return the table with its current metadata. Raises QueryFailed if the metadata cannot be read."""
        try:
            return self.load_table((database, name))
        except (OSError, ValueError, NoSuchTableError) as error:
            raise QueryFailed(
                f"ICEBERG_INVALID_METADATA: Metadata not found in metadata location for table {database}.{name}: "
                f"{error}",
                DATA_ERROR,
            ) from None


@contextmanager
def commit_failures(transaction: Transaction) -> Iterator[None]:
    """A context in which a conflict with another commit becomes Athena's error."""
    try:
        yield
    except TableAlreadyExistsError:
        name = ".".join(transaction._table.name())
        raise QueryFailed(f"TABLE_ALREADY_EXISTS: Table already exists: '{name}'", SCHEMA_ERROR) from None
    except (CommitFailedException, ValidationException) as error:
        name = ".".join(transaction._table.name())
        raise QueryFailed(
            f"ICEBERG_COMMIT_ERROR: Failed to commit Iceberg update to table: {name}: {error}"
        ) from None


class LocalFiles(FileIO):
    """The objects of the local S3. ``path`` maps an ``s3://`` URI to its file, ``writing`` and ``remove`` change it."""

    def __init__(
        self,
        path: Callable[[str], Path],
        writing: Callable[[str], AbstractContextManager[IO[bytes]]],
        remove: Callable[[str], None],
    ) -> None:
        super().__init__()
        self._path, self._writing, self._remove = path, writing, remove

    def new_input(self, location: str) -> InputFile:
        return _Input(location, self._path(s3_uri(location)))

    def new_output(self, location: str) -> OutputFile:
        return _Output(location, self._path(s3_uri(location)), lambda: self._writing(s3_uri(location)))

    def delete(self, location: str | InputFile | OutputFile) -> None:
        self._remove(s3_uri(location if isinstance(location, str) else location.location))

    def below(self, folder: str) -> list[str]:
        """Return the URIs of all objects below a folder."""
        root = self._path(s3_uri(folder))
        found = root.rglob("*") if root.is_dir() else ()
        return [
            f"{folder.rstrip('/')}/{file.relative_to(root).as_posix()}" for file in found if file.is_file()
        ]

    def modified(self, location: str) -> float:
        """Return the time of the last change, in seconds since 1970."""
        return self._path(s3_uri(location)).stat().st_mtime


class _Input(InputFile):
    def __init__(self, location: str, path: Path) -> None:
        super().__init__(location)
        self._path = path

    def __len__(self) -> int:
        return self._path.stat().st_size

    def exists(self) -> bool:
        return self._path.is_file()

    def open(self, seekable: bool = True) -> Any:
        return self._path.open("rb")


class _Output(OutputFile):
    def __init__(
        self, location: str, path: Path, writing: Callable[[], AbstractContextManager[IO[bytes]]]
    ) -> None:
        super().__init__(location)
        self._path, self._writing = path, writing

    def __len__(self) -> int:
        return self._path.stat().st_size

    def exists(self) -> bool:
        return self._path.is_file()

    def to_input_file(self) -> InputFile:
        return _Input(self.location, self._path)

    def create(self, overwrite: bool = False) -> Any:
        if not overwrite and self.exists():
            raise FileExistsError(self.location)
        return _Upload(self._writing())


class _Upload(io.RawIOBase):
    """A file that becomes an object when it is closed without an exception."""

    def __init__(self, writing: AbstractContextManager[IO[bytes]]) -> None:
        super().__init__()
        self._writing = writing
        self._file = writing.__enter__()

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        return self._file.write(data)

    def tell(self) -> int:
        return self._file.tell()

    def close(self) -> None:
        if not self.closed:
            super().close()
            self._writing.__exit__(None, None, None)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None or self.closed:
            self.close()
        else:
            super().close()
            self._writing.__exit__(kind, error, trace)


def s3_uri(location: str) -> str:
    """Return the location with the scheme that Athena uses: other writers may use ``s3a://``."""
    scheme, _, rest = location.partition("://")
    return f"s3://{rest}" if scheme in ("s3a", "s3n") else location
