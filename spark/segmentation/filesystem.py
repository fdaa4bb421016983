"""Files where the data is: Hadoop's FileSystem, so that ``s3://``, ``hdfs://`` and ``file://`` are the same code."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from pyspark.sql import SparkSession


@dataclass(frozen=True)
class File:
    """A file and its size in bytes."""

    uri: str
    bytes: int


def exists(spark: SparkSession, uri: str) -> bool:
    """Return whether a file or folder is at ``uri``."""
    return bool(_at(spark, uri).exists(_path(spark, uri)))


def list_files(spark: SparkSession, uri: str) -> list[File]:
    """Return the files that ``uri`` (a file, a folder with all below it, or a glob of them) stands for, by name.

    Names that begin with ``_`` or ``.`` are not data by Hadoop's convention and are left out, unless ``uri`` itself
    names such a file. The list is empty where nothing is.
    """
    matches = _at(spark, uri).globStatus(_path(spark, uri)) or []
    files = [file for status in matches for file in _below(spark, status)]
    return sorted(files, key=lambda file: file.uri)


@contextmanager
def replacing(spark: SparkSession, uri: str) -> Iterator[str]:
    """Give a staging place beside ``uri``, and at the end put what is there in place of what is at ``uri``.

    Until then, and for good when an exception comes out, the old content is untouched. The swap is two renames, which
    HDFS and local disks do at once; an object store copies file by file, so there a reader must wait for the job's end.
    After a crash in the swap the next call for the same ``uri`` puts the old content back first. No reader looks at the
    places beside ``uri``: their names are hidden, and the next call clears them.
    """
    parent, name = uri.rstrip("/").rsplit("/", 1)
    # Without the "=", because a folder named like a partition is one, even behind an underscore.
    hidden = name.replace("=", "-")
    staging, backup, unfinished = (
        f"{parent}/_{what}.{hidden}" for what in ("staging", "backup", "unfinished")
    )

    def settle() -> None:
        """Undo a swap that was not finished; of one that was, or has not begun, remove what is left over."""
        if exists(spark, unfinished):
            delete(spark, uri)
        if exists(spark, backup) and not exists(spark, uri):
            _rename(spark, backup, uri)
        for leftover in (unfinished, staging, backup):
            delete(spark, leftover)

    settle()
    try:
        yield staging
        if exists(spark, uri):
            _rename(spark, uri, backup)
        write_text(spark, unfinished, "")
        _rename(spark, staging, uri)
        delete(spark, unfinished)
    finally:
        settle()


def delete(spark: SparkSession, uri: str) -> None:
    """Remove the file, or the folder with all below it, at ``uri``; nothing there is no error."""
    _at(spark, uri).delete(_path(spark, uri), True)


def write_text(spark: SparkSession, uri: str, text: str) -> None:
    """Write ``text`` as UTF-8 to the file ``uri``, replacing it."""
    stream = _at(spark, uri).create(_path(spark, uri), True)
    try:
        stream.write(bytearray(text, "utf-8"))
    finally:
        stream.close()


def read_first_line(spark: SparkSession, uri: str) -> str:
    """Return the first line of a text file (compressed as its name says) without its end; broken UTF-8 becomes U+FFFD.

    The line is read as Spark's text source reads it: it ends at ``\\n``, ``\\r`` or ``\\r\\n``; a byte-order mark
    is left out.
    """
    jvm, path = _jvm(spark), _path(spark, uri)
    stream = _at(spark, uri).open(path)
    try:
        codec = jvm.org.apache.hadoop.io.compress.CompressionCodecFactory(_configuration(spark)).getCodec(
            path
        )
        decoded = stream if codec is None else codec.createInputStream(stream)
        line = jvm.org.apache.hadoop.io.Text()
        jvm.org.apache.hadoop.util.LineReader(decoded).readLine(line)
    finally:
        stream.close()
    return str(line.toString()).removeprefix("\ufeff")


def _below(spark: SparkSession, status: Any) -> list[File]:
    if not status.isDirectory():
        return [File(status.getPath().toString(), status.getLen())]
    fs = _at(spark, status.getPath().toString())
    return [
        file
        for child in fs.listStatus(status.getPath())
        if not child.getPath().getName().startswith(("_", "."))
        for file in _below(spark, child)
    ]


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
