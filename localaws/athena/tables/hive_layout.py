"""Hive's folder layout, ``<table>/<key>=<value>/...``, and the data files in a folder.

Source: https://docs.aws.amazon.com/athena/latest/ug/msck-repair-table.html
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote

NULL_VALUE = "__HIVE_DEFAULT_PARTITION__"
_ESCAPED = frozenset("\"#%'*/:=?\\\x7f{[]^")


def is_hidden(name: str) -> bool:
    """Whether a file or folder is not data, such as ``_SUCCESS``, ``_temporary`` or ``.part.crc``."""
    return name.startswith(("_", "."))


def data_files(folder: Path) -> list[Path]:
    """Return the files that a query reads in a folder and its subfolders, by name. Empty files are folder markers."""
    if not folder.is_dir():
        return []
    found: list[Path] = []
    for entry in sorted(folder.iterdir()):
        if is_hidden(entry.name):
            continue
        if entry.is_dir():
            found += data_files(entry)
        elif entry.stat().st_size:
            found.append(entry)
    return found


def partition_folders(folder: Path, keys: list[str]) -> Iterator[tuple[str, ...]]:
    """Yield the folder names of each partition, such as ``("year=2024", "month=01")``, by name.

    The folders must be named ``key=value``, in the order of ``keys``. As in Athena, values with an unescaped ``:``
    and keys that begin with ``_`` are skipped without an error.
    """
    if not keys:
        yield ()
        return
    if not folder.is_dir() or keys[0].startswith("_"):
        return
    for entry in sorted(folder.iterdir()):
        name, separator, value = entry.name.partition("=")
        if not (entry.is_dir() and separator and value and name == keys[0]) or ":" in value:
            continue
        if len(keys) == 1 and not any(path.is_file() for path in entry.rglob("*")):
            continue  # S3 has no empty folder
        for rest in partition_folders(entry, keys[1:]):
            yield (entry.name, *rest)


def partition_value(folder_name: str) -> str:
    """``run_date=2024-01-01`` -> ``2024-01-01``. Hive's escapes are decoded: ``%3A`` is a colon."""
    return unquote(folder_name.partition("=")[2])


def without_empty_folders(location: str) -> str:
    """Return an S3 address without empty parts (``//``), as Athena reads it. Source:
    https://docs.aws.amazon.com/athena/latest/ug/tables-location-format.html"""
    return re.sub(r"(?<!:)/{2,}", "/", location)


def join_location(location: str, *parts: str) -> str:
    return "/".join([location.rstrip("/"), *parts]) + "/"


def escaped_value(value: str) -> str:
    """Return a partition value as part of a folder name: the inverse of ``partition_value``.

    Source: FileUtils.escapePathName of Hive
    """
    return "".join(
        f"%{ord(character):02X}" if character in _ESCAPED or ord(character) < 0x20 else character
        for character in value
    )
