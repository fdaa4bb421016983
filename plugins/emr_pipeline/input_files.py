"""The CSV files at an input address on S3, and their headers, by the rules of docs/input.md.

The Spark job applies the same rules; tests/contracts/test_input.py tests both with the same cases.
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

from botocore.exceptions import ClientError

SUFFIXES = (".csv", ".csv.gz", ".csv.bz2")
"""Suffixes of CSV files in a folder; a file that is given by its full address may have any name."""

COMPRESSED = (".gz", ".bz2")
"""Suffixes of the compressed files that are read. Hadoop chooses the codec by the suffix, in lower case."""

ALL_COMPRESSED = (*COMPRESSED, ".7z", ".deflate", ".lz4", ".lzo", ".snappy", ".xz", ".z", ".zip", ".zst")
"""Suffixes of compressed files. For some, Hadoop needs libraries that a node may not have."""

NOT_NAMES = ("", ".", "..")
"""Parts of a key that Hadoop removes from a path."""

MAX_HEADER_BYTES = 64 * 1024
"""Maximum length of a header line."""

MAX_READ_BYTES = 2**20
"""Maximum number of bytes read from a file. A bzip2 block, which must be read as a whole, has 900,000."""


class InputError(Exception):
    """The Spark job would refuse the input. The message says in one sentence what is wrong and what to do."""


class InputFiles:
    """The CSV files of a bucket. ``client`` is boto3's for S3."""

    def __init__(self, client: Any, bucket: str) -> None:
        self._client = client
        self._bucket = bucket

    def find(self, key: str) -> dict[str, int]:
        """Return the size in bytes of each CSV file at ``key`` (a file, a folder or a pattern), by its key.

        Raises InputError if there are none, or if Spark cannot read one of them.
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

    def check_header(
        self, key: str, size: int, columns: Sequence[str], separator: str = ",", encoding: str = "utf-8"
    ) -> None:
        """Raise InputError unless the first line of the file is a header with each of ``columns`` once.

        Reads at most ``MAX_READ_BYTES`` of the file.
        """
        uri, line = self.uri(key), self._first_line(key, encoding) if size else ""
        if re.search(r"[\x00-\x08\x0e-\x1f]", line):
            raise InputError(f"{uri} is not text in {encoding.upper()}: save it as CSV in UTF-8")
        reader = csv.reader([line], delimiter=separator, skipinitialspace=True)
        names = [name.strip() for name in next(reader, [])]
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
        """Return the S3 URI of a key."""
        return f"s3://{self._bucket}/{key}"

    def _named(self, key: str) -> dict[str, int]:
        """Return the file with exactly this key. A key is listed before longer keys that begin with it."""
        first = next(self._listed(key, most=1), None)
        return {key: first["Size"]} if first and first["Key"] == key else {}

    def _exists(self, prefix: str) -> bool:
        return any(self._listed(prefix, most=1))

    def _matching(self, parts: Sequence[str]) -> tuple[list[str], dict[str, int]]:
        """Return the folders, and the files with their sizes, whose path matches ``parts``, name by name."""
        folders, files = [""], {}
        for place, part in enumerate(parts):
            is_last = place == len(parts) - 1
            if not is_last and not _is_pattern(part):
                # A literal name needs no listing of the folder, and so fewer permissions.
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
        """Return the files in the folder and in those below it, without hidden ones."""
        prefix = f"{folder}/"
        return {
            item["Key"]: item["Size"]
            for item in self._listed(prefix)
            if not item["Key"].endswith("/")
            and not any(map(is_hidden, item["Key"][len(prefix) :].split("/")))
        }

    def _listed(self, prefix: str, *, delimiter: str = "", most: int = 1000) -> Iterator[dict[str, Any]]:
        """Yield the objects whose keys begin with ``prefix``, and with a ``delimiter`` also the common prefixes."""
        pages = self._client.get_paginator("list_objects_v2").paginate(
            Bucket=self._bucket, Prefix=prefix, Delimiter=delimiter, PaginationConfig={"PageSize": most}
        )
        try:
            for page in pages:
                yield from page.get("Contents", [])
                yield from page.get("CommonPrefixes", [])
        except ClientError as error:
            if error.response["Error"]["Code"] != "NoSuchBucket":
                raise
            raise InputError(f"there is no bucket {self._bucket}: correct the address of the input") from None

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
        if suffix.lower() in ALL_COMPRESSED and suffix not in COMPRESSED:
            raise InputError(
                f"{uri} is packed in a way that is not read: only {' and '.join(COMPRESSED)} are, in lower case"
            )

    def _first_line(self, key: str, encoding: str) -> str:
        """Return the first line as Spark reads it: up to ``\\n`` or ``\\r``, without a byte-order mark."""
        limit = MAX_READ_BYTES if key.endswith(COMPRESSED) else MAX_HEADER_BYTES + 1
        response = self._client.get_object(Bucket=self._bucket, Key=key, Range=f"bytes=0-{limit - 1}")
        with closing(response["Body"]) as body:
            start = body.read()
        try:
            start = _decompress(start, key)
        except (EOFError, OSError, zlib.error) as error:
            raise InputError(
                f"{self.uri(key)} cannot be unpacked: it is cut off, or not what its name says"
            ) from error
        line = re.split(rb"[\r\n]", start, maxsplit=1)[0]
        if len(line) > MAX_HEADER_BYTES:
            raise InputError(
                f"{self.uri(key)} has a first line of more than {MAX_HEADER_BYTES:,} bytes: it is not a header"
            )
        return line.decode(encoding, errors="replace").removeprefix("\ufeff")


def is_hidden(name: str) -> bool:
    """Return whether Spark ignores a file with this name (HadoopFSUtils)."""
    return name.startswith(("_", ".")) or name.endswith("._COPYING_")


def _is_pattern(part: str) -> bool:
    return any(character in part for character in "*?[")


def _matches(name: str, part: str) -> bool:
    """Return whether ``name`` matches the pattern; ``[^a]`` means ``[!a]``, as in Hadoop."""
    visible = not is_hidden(name) and fnmatchcase(name, part.replace("[^", "[!"))
    return visible or name == part


def _decompress(start: bytes, key: str) -> bytes:
    """Return the decompressed beginning of a file, at most one byte more than a header may have."""
    if key.endswith(".gz"):
        return gzip.GzipFile(fileobj=io.BytesIO(start)).read(MAX_HEADER_BYTES + 1)
    if key.endswith(".bz2"):
        return bz2.BZ2File(io.BytesIO(start)).read(MAX_HEADER_BYTES + 1)
    return start
