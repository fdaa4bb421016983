"""The CSV files at an input address, and their headers, by the rules of docs/input.md.

The Airflow task ``check_input`` applies the same rules before it creates a cluster; tests/contracts/test_input.py tests
both with the same cases. This module lists folders and matches names itself, because Hadoop's ``globStatus`` fails on
any name with a colon in a folder that it lists (HADOOP-14235), and also returns hidden files.
"""

from __future__ import annotations

import csv
import re
from collections import Counter
from fnmatch import fnmatchcase

from py4j.protocol import Py4JJavaError
from pyspark.sql import SparkSession

from segmentation import filesystem
from segmentation.errors import UserError
from segmentation.filesystem import File
from segmentation.mapping import ORIGINAL, InputMapping

#: Endings of CSV files in a folder; a file that is given by its full address may have any name.
SUFFIXES = (".csv", ".csv.gz", ".csv.bz2")

#: Endings of the compressed files that are read. Hadoop chooses the codec by the ending, in lower case.
UNPACKED = (".gz", ".bz2")

#: Endings of compressed files. For some, Hadoop needs libraries that a node may not have.
PACKED = (*UNPACKED, ".7z", ".deflate", ".lz4", ".lzo", ".snappy", ".xz", ".z", ".zip", ".zst")

LONGEST_HEADER = 64 * 1024
"""Maximum length of a header line, in bytes."""

_ROOT = re.compile(r"(?:[A-Za-z][A-Za-z0-9+.-]*:(?://[^/]*)?)?/?")


def find_files(spark: SparkSession, address: str) -> list[File]:
    """Return the CSV files at ``address`` (a file, a folder or a pattern), sorted by address.

    Raises UserError if there are none, or if Spark cannot read one of them.
    """
    root = _root(address)
    parts = address[len(root) :].rstrip("/").split("/")
    if any(part in ("", ".", "..") for part in parts):
        raise UserError(f"{address} has a part that is empty, . or ..: write it without")
    named = filesystem.find(spark, address)
    if named and not named.is_folder:
        files = [named]  # with any name
    else:
        found = [named] if named else _matching(spark, root, parts)
        below = [file for one in found for file in filesystem.list_files(spark, one.uri)]
        files = [file for file in below if file.name.lower().endswith(SUFFIXES)]
    if not files:
        raise UserError(
            f"no CSV file at {address}: give a file, a folder of {', '.join(SUFFIXES)} files or a pattern"
        )
    for file in files:
        _check_name(file.uri)
    return sorted(files, key=lambda file: file.uri)


def read_header(spark: SparkSession, file: File, mapping: InputMapping = ORIGINAL) -> tuple[str, ...]:
    """Return the names in the first line of ``file`` as they are written there.

    Raises UserError if it is not a header with each column of the ``mapping`` once.
    """
    try:
        line = filesystem.read_first_line(spark, file.uri, LONGEST_HEADER, mapping.encoding)
    except Py4JJavaError as problem:
        if not file.uri.endswith(UNPACKED):
            raise
        raise UserError(
            f"{file.uri} cannot be unpacked: it is cut off, or not what its name says"
        ) from problem
    if line is None:
        raise UserError(
            f"{file.uri} has a first line of more than {LONGEST_HEADER:,} bytes: it is not a header"
        )
    if re.search(r"[\x00-\x08\x0e-\x1f]", line):
        raise UserError(f"{file.uri} is not text in {mapping.encoding.upper()}: save it as CSV in UTF-8")
    reader = csv.reader([line], delimiter=mapping.delimiter, skipinitialspace=True)
    names = tuple(name.strip() for name in next(reader, []))
    if not any(names):
        raise UserError(f"{file.uri} is empty: its first line must be the header")
    keys = Counter(map(str.lower, names))
    written = f"its header is {line[:200]!r}"
    titles = {name: mapping.columns.get(column) or _title(column) for name, column in mapping.names.items()}
    if missing := [title for name, title in titles.items() if name not in keys]:
        raise UserError(
            f"{file.uri} lacks the column{'s' * (len(missing) > 1)} {', '.join(missing)}: {written}"
        )
    if repeated := [title for name, title in titles.items() if keys[name] > 1]:
        raise UserError(f"{file.uri} has the column {repeated[0]} more than once: {written}")
    return names


def _root(address: str) -> str:
    matched = _ROOT.match(address)
    return matched[0] if matched else ""


def _matching(spark: SparkSession, root: str, parts: list[str]) -> list[File]:
    """Return the files and folders whose path is ``root`` and one name for each of ``parts``."""
    found = [File(root or ".", 0, is_folder=True)]
    for part in parts:
        if _is_pattern(part):
            found = [
                child
                for folder in found
                if folder.is_folder
                for child in filesystem.children(spark, folder.uri)
                if _matches(child.name, part)
            ]
        else:
            # A literal name needs no listing of the folder, and so fewer permissions.
            places = [f"{folder.uri.rstrip('/')}/{part}" for folder in found if folder.is_folder]
            found = [child for place in places if (child := filesystem.find(spark, place))]
    return found


def _is_pattern(part: str) -> bool:
    return any(character in part for character in "*?[")


def _matches(name: str, part: str) -> bool:
    """Return whether ``name`` matches the pattern; ``[^a]`` means ``[!a]``, as in Hadoop."""
    fits = not filesystem.is_hidden(name) and fnmatchcase(name, part.replace("[^", "[!"))
    return fits or name == part


def _check_name(uri: str) -> None:
    path = uri[len(_root(uri)) :]
    name = path.rsplit("/", 1)[-1]
    if filesystem.is_hidden(name):
        raise UserError(f"{uri} is hidden from Spark, as all names that begin with _ or . are: rename it")
    # https://hadoop.apache.org/docs/stable/hadoop-project-dist/hadoop-common/filesystem/model.html
    if ":" in path:
        raise UserError(f"{uri} has a colon in its name, which Hadoop does not allow: rename it")
    suffix = name[name.rfind(".") :]
    if suffix.lower() in PACKED and suffix not in UNPACKED:
        raise UserError(
            f"{uri} is packed in a way that is not read: only {' and '.join(UNPACKED)} are, in lower case"
        )


def _title(name: str) -> str:
    """Return the name of a column as in the original data: ``order_id`` is Order_ID."""
    return "_".join("ID" if word == "id" else word.capitalize() for word in name.split("_"))
