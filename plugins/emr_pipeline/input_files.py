"""Which CSV files an input address on S3 stands for, and what their headers are: docs/input.md is the rule.

The Spark job follows the same rule; tests/contracts/test_input.py asks both the same questions.
"""

from __future__ import annotations

import bz2
import csv
import gzip
import io
import re
import zlib
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import closing
from fnmatch import fnmatchcase
from typing import Any

SUFFIXES = (".csv", ".csv.gz", ".csv.bz2")
"""Names of a CSV file in a folder; a file named by itself may be called anything."""

UNPACKED = (".gz", ".bz2")
"""Hadoop unpacks by the name, in lower case."""

PACKED = (*UNPACKED, ".7z", ".deflate", ".lz4", ".lzo", ".snappy", ".xz", ".z", ".zip", ".zst")
"""Names of packed files that are not read: Hadoop would unpack some of them only with libraries a node may not have."""

NOT_NAMES = ("", ".", "..")
"""Parts of a key that Hadoop leaves out of a path."""

LONGEST_HEADER = 64 * 1024
"""Bytes; a longer first line is not a header."""

MOST_READ = 2**20
"""Bytes of a file that are read at most; a block of bzip2, which must be read as a whole, holds 900,000."""


class InputError(Exception):
    """An input that the Spark job would refuse. The message is one sentence: what is wrong, and what to do."""


class InputFiles:
    """The CSV files of a bucket. ``client`` is boto3's for S3."""

    def __init__(self, client: Any, bucket: str) -> None:
        self._client = client
        self._bucket = bucket

    def find(self, key: str) -> dict[str, int]:
        """Return the bytes of each file that ``key`` (a file, a folder or a pattern) stands for, by its key.

        Raises InputError when there is none, or when Spark could not read one of them.
        """
        address, plain = self.uri(key), key.rstrip("/")
        parts = plain.split("/")
        if any(part in NOT_NAMES for part in parts):
            raise InputError(f"{address} has a part that is empty, . or ..: write it without")
        found = self._named(plain)
        if not found:
            folders = [plain] if self._exists(f"{plain}/") else []
            below, files = (folders, {}) if folders else self._matching(parts)
            for folder in below:
                files |= self._below(folder)
            found = {name: size for name, size in files.items() if name.lower().endswith(SUFFIXES)}
        if not found:
            raise InputError(
                f"no CSV file at {address}: give a file, a folder of {', '.join(SUFFIXES)} files or a pattern"
            )
        for name in found:
            self._check_name(name)
        return dict(sorted(found.items()))

    def check_header(self, key: str, size: int, columns: Sequence[str]) -> None:
        """Raise InputError unless the first line of the file is a header that names each of ``columns`` once.

        Reads a bounded part of the file, also of a packed one.
        """
        uri, line = self.uri(key), self._first_line(key) if size else ""
        if re.search(r"[\x00-\x08\x0e-\x1f]", line):
            raise InputError(f"{uri} is not text in UTF-8: save it as CSV in UTF-8")
        names = [name.strip() for name in next(csv.reader([line], skipinitialspace=True), [])]
        if not any(names):
            raise InputError(f"{uri} is empty: its first line must be the header")
        keys = Counter(map(str.lower, names))
        written = f"its header is {line[:200]!r}"
        if missing := [name for name in columns if name.lower() not in keys]:
            raise InputError(
                f"{uri} lacks the column{'s' * (len(missing) > 1)} {', '.join(missing)}: {written}"
            )
        if repeated := [name for name in columns if keys[name.lower()] > 1]:
            raise InputError(f"{uri} has the column {repeated[0]} more than once: {written}")

    def uri(self, key: str) -> str:
        """Return the address of a key."""
        return f"s3://{self._bucket}/{key}"

    def _named(self, key: str) -> dict[str, int]:
        """Return the file of exactly this key; a key is listed before all that begin with it."""
        first = next(self._listed(key, most=1), None)
        return {key: first["Size"]} if first and first["Key"] == key else {}

    def _exists(self, prefix: str) -> bool:
        return any(self._listed(prefix, most=1))

    def _matching(self, parts: Sequence[str]) -> tuple[list[str], dict[str, int]]:
        """Return the folders, and the files with their bytes, whose key is one name for each of ``parts``."""
        folders, files = [""], {}
        for place, part in enumerate(parts):
            is_last = place == len(parts) - 1
            if not is_last and not _is_pattern(part):
                # Of a literal path nothing need be listed, which also takes fewer rights.
                folders = [f"{folder}{part}/" for folder in folders]
                continue
            deeper: list[str] = []
            for folder in folders:
                for item in self._listed(folder + re.split(r"[*?\[]", part)[0], delimiter="/"):
                    key = item.get("Key") or item["Prefix"]
                    if not _matches(key[len(folder) :].removesuffix("/"), part):
                        continue
                    if "Prefix" in item:
                        deeper.append(key)
                    elif is_last and not key.endswith("/"):
                        files[key] = item["Size"]
            folders = deeper
        return [folder.removesuffix("/") for folder in folders], files

    def _below(self, folder: str) -> dict[str, int]:
        """Return the files in the folder and below it that are not hidden."""
        prefix = f"{folder}/"
        return {
            item["Key"]: item["Size"]
            for item in self._listed(prefix)
            if not item["Key"].endswith("/")
            and not any(map(is_hidden, item["Key"][len(prefix) :].split("/")))
        }

    def _listed(self, prefix: str, *, delimiter: str = "", most: int = 1000) -> Iterator[dict[str, Any]]:
        """Yield the objects whose key begins with ``prefix``; with a delimiter also the common prefixes."""
        pages = self._client.get_paginator("list_objects_v2").paginate(
            Bucket=self._bucket, Prefix=prefix, Delimiter=delimiter, PaginationConfig={"PageSize": most}
        )
        for page in pages:
            yield from page.get("Contents", [])
            yield from page.get("CommonPrefixes", [])

    def _check_name(self, key: str) -> None:
        uri, parts = self.uri(key), key.split("/")
        if is_hidden(parts[-1]):
            raise InputError(
                f"{uri} is hidden from Spark, as all names that begin with _ or . are: rename it"
            )
        # https://hadoop.apache.org/docs/stable/hadoop-project-dist/hadoop-common/filesystem/model.html
        if ":" in key:
            raise InputError(f"{uri} has a colon in its name, which Hadoop does not allow: rename it")
        if any(part in NOT_NAMES for part in parts):
            raise InputError(
                f"{uri} has a part that is empty, . or .., which Hadoop does not find: rename it"
            )
        suffix = parts[-1][parts[-1].rfind(".") :]
        if suffix.lower() in PACKED and suffix not in UNPACKED:
            raise InputError(
                f"{uri} is packed in a way that is not read: only {' and '.join(UNPACKED)} are, in lower case"
            )

    def _first_line(self, key: str) -> str:
        """Return the first line as Spark reads it: it ends at ``\\n`` or ``\\r``; a byte-order mark is left out."""
        most = MOST_READ if key.endswith(UNPACKED) else LONGEST_HEADER + 1
        answer = self._client.get_object(Bucket=self._bucket, Key=key, Range=f"bytes=0-{most - 1}")
        with closing(answer["Body"]) as body:
            start = body.read()
        try:
            start = _unpack(start, key)
        except (EOFError, OSError, zlib.error) as problem:
            raise InputError(
                f"{self.uri(key)} cannot be unpacked: it is cut off, or not what its name says"
            ) from problem
        line = re.split(rb"[\r\n]", start, maxsplit=1)[0]
        if len(line) > LONGEST_HEADER:
            raise InputError(
                f"{self.uri(key)} has a first line of more than {LONGEST_HEADER:,} bytes: it is not a header"
            )
        return line.decode("utf-8", errors="replace").removeprefix("\ufeff")


def is_hidden(name: str) -> bool:
    """Return whether Spark takes a file of this name for one that is not data (HadoopFSUtils)."""
    return name.startswith(("_", ".")) or name.endswith("._COPYING_")


def _is_pattern(part: str) -> bool:
    return any(character in part for character in "*?[")


def _matches(name: str, part: str) -> bool:
    """Return whether ``name`` fits the pattern; ``[^a]`` means ``[!a]``, as it does to Hadoop."""
    fits = not is_hidden(name) and fnmatchcase(name, part.replace("[^", "[!"))
    return fits or name == part


def _unpack(start: bytes, key: str) -> bytes:
    """Return no more than what a header may have of a file that begins with ``start``."""
    if key.endswith(".gz"):
        return gzip.GzipFile(fileobj=io.BytesIO(start)).read(LONGEST_HEADER + 1)
    if key.endswith(".bz2"):
        return bz2.BZ2File(io.BytesIO(start)).read(LONGEST_HEADER + 1)
    return start
