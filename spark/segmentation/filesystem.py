"""Files and folders by Hadoop's FileSystem, so that ``s3://``, ``hdfs://`` and ``file://`` need no different code."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from py4j.java_gateway import is_instance_of
from py4j.protocol import Py4JJavaError
from pyspark.sql import SparkSession


@dataclass(frozen=True)
class File:
    """A file and its size in bytes, or a folder."""

    uri: str
    bytes: int
    is_folder: bool = False

    @property
    def name(self) -> str:
        """The last part of the URI."""
        return self.uri.rstrip("/").rsplit("/", 1)[-1]


def exists(spark: SparkSession, uri: str) -> bool:
    """Return whether a file or folder is at ``uri``."""
    return bool(_at(spark, uri).exists(_path(spark, uri)))


def find(spark: SparkSession, uri: str) -> File | None:
    """Return the file or folder at ``uri``, None if there is none."""
    # exists() would need a second call.
    path = _path(spark, uri)
    try:
        return _file(_at(spark, uri).getFileStatus(path))
    except Py4JJavaError as problem:
        if is_instance_of(
            spark.sparkContext._gateway, problem.java_exception, "java.io.FileNotFoundException"
        ):
            return None
        raise


def children(spark: SparkSession, folder: str) -> list[File]:
    """Return the files and folders directly in ``folder``."""
    return [_file(status) for status in _at(spark, folder).listStatus(_path(spark, folder))]


def list_files(spark: SparkSession, uri: str) -> list[File]:
    """Return the files in the folder ``uri`` and below it, sorted by address; an empty list if nothing exists.

    Hidden names are skipped: by Hadoop's convention they are not data.
    """
    here = find(spark, uri)
    return sorted(_below(spark, here), key=lambda file: file.uri) if here else []


def is_hidden(name: str) -> bool:
    """Return whether Spark ignores a file with this name.

    As HadoopFSUtils.shouldFilterOutPathName of Spark, except for ``_metadata`` of Parquet and names such as ``_a=b``.
    """
    return name.startswith(("_", ".")) or name.endswith("._COPYING_")


@contextmanager
def replacing(spark: SparkSession, uri: str) -> Iterator[str]:
    """Yield the URI of a staging place; at the end its content replaces the content of ``uri``.

    If the block raises, the old content stays. The replacement consists of two renames. On HDFS and local disks each is
    atomic. An object store copies file by file, so readers must wait until the job has ended. If the job is killed
    between the renames, the next call for the same ``uri`` restores the old content first. Readers ignore the places
    beside ``uri``, because their names are hidden; the next call deletes them.
    """
    parent, name = uri.rstrip("/").rsplit("/", 1)
    # Without "=", because Spark reads a folder such as _a=b as a partition despite the underscore.
    hidden = name.replace("=", "-")
    staging, backup, unfinished = (
        f"{parent}/_{what}.{hidden}" for what in ("staging", "backup", "unfinished")
    )

    def recover() -> None:
        """Undo an unfinished replacement, and delete the places beside ``uri``."""
        if exists(spark, unfinished):
            delete(spark, uri)
        if exists(spark, backup) and not exists(spark, uri):
            _rename(spark, backup, uri)
        for leftover in (unfinished, staging, backup):
            delete(spark, leftover)

    recover()
    try:
        yield staging
        if exists(spark, uri):
            _rename(spark, uri, backup)
        write_text(spark, unfinished, "")
        _rename(spark, staging, uri)
        delete(spark, unfinished)
    finally:
        recover()


def delete(spark: SparkSession, uri: str) -> None:
    """Delete the file or the folder at ``uri`` with all its content; does nothing if it does not exist."""
    _at(spark, uri).delete(_path(spark, uri), True)


def write_text(spark: SparkSession, uri: str, text: str) -> None:
    """Write ``text`` as UTF-8 to the file ``uri``, replacing it."""
    stream = _at(spark, uri).create(_path(spark, uri), True)
    try:
        stream.write(bytearray(text, "utf-8"))
    finally:
        stream.close()


def read_first_line(spark: SparkSession, uri: str, limit: int, encoding: str = "utf-8") -> str | None:
    """Return the first line of a text file without its line end, None if it is longer than ``limit`` bytes.

    The ending of the name selects the codec. As in Spark's text source, a line ends at ``\\n``, ``\\r`` or ``\\r\\n``,
    a byte-order mark is removed, and bytes that are not in the ``encoding`` become U+FFFD.
    """
    jvm, path = _jvm(spark), _path(spark, uri)
    stream = _at(spark, uri).open(path)
    try:
        codec = jvm.org.apache.hadoop.io.compress.CompressionCodecFactory(_configuration(spark)).getCodec(
            path
        )
        decoded = stream if codec is None else codec.createInputStream(stream)
        line = jvm.org.apache.hadoop.io.Text()
        jvm.org.apache.hadoop.util.LineReader(decoded).readLine(line, limit + 1, limit + 1)
    finally:
        stream.close()
    if line.getLength() > limit:
        return None
    # Java and Python differ in the number of U+FFFD for invalid UTF-8, and Java reads the lines.
    text = line.toString() if encoding == "utf-8" else bytes(line.copyBytes()).decode(encoding, "replace")
    return str(text).removeprefix("\ufeff")


def _file(status: Any) -> File:
    return File(status.getPath().toString(), status.getLen(), status.isDirectory())


def _below(spark: SparkSession, here: File) -> Iterator[File]:
    """Yield ``here`` if it is a file, else the files below it that are not hidden."""
    if not here.is_folder:
        yield here
        return
    for child in children(spark, here.uri):
        if not is_hidden(child.name):
            yield from _below(spark, child)


def _rename(spark: SparkSession, source: str, target: str) -> None:
    if not _at(spark, source).rename(_path(spark, source), _path(spark, target)):
        raise OSError(f"cannot rename {source} to {target}")


def _at(spark: SparkSession, uri: str) -> Any:
    """Return the FileSystem that holds ``uri``."""
    return _path(spark, uri).getFileSystem(_configuration(spark))


def _path(spark: SparkSession, uri: str) -> Any:
    return _jvm(spark).org.apache.hadoop.fs.Path(uri)


def _configuration(spark: SparkSession) -> Any:
    return spark.sparkContext._jsc.hadoopConfiguration()


def _jvm(spark: SparkSession) -> Any:
    return spark.sparkContext._jvm
