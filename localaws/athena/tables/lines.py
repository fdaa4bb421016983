"""The lines of text files, in chunks, so that a file of any size is read in bounded memory.

A line ends with LF, CR LF or CR, and the last one may have no end. A byte order mark is skipped, and bytes that are not
UTF-8 become U+FFFD. Source: TextLineReader of io.trino.hive.formats, and
https://docs.aws.amazon.com/athena/latest/ug/compression-formats.html
"""

from __future__ import annotations

from codecs import BOM_UTF8
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, cast

import numpy as np
import pyarrow as pa

from localaws.athena.errors import DATA_ERROR, QueryFailed, not_supported

CODECS = {".gz": "gzip", ".bz2": "bz2", ".zst": "zstd"}
_REFUSED = {".snappy", ".lz4", ".lzo", ".deflate"}
_CHUNK_BYTES = 4 * 2**20
_LINE_BYTES = 100 * 2**20  # the default of hive.text.max-line-length in Trino


def lines(path: Path, uri: str, skipped: int = 0) -> Iterator[pa.StringArray]:
    """Yield the lines of a file in chunks, without the first ``skipped`` lines.

    Raises QueryFailed if the file cannot be decompressed or a line is too long.
    """
    with _opened(path, uri) as file:
        for chunk in _chunks(file, uri):
            rest = chunk[skipped:]
            skipped -= len(chunk) - len(rest)
            if len(rest):
                yield rest


@contextmanager
def _opened(path: Path, uri: str) -> Iterator[IO[bytes]]:
    if path.suffix in _REFUSED:
        raise not_supported(f"text files with the compression {path.suffix}: {uri}")
    codec = CODECS.get(path.suffix)
    source: Any = pa.CompressedInputStream(pa.OSFile(str(path)), codec) if codec else path.open("rb")
    with source as file:
        try:
            yield cast(IO[bytes], file)
        except OSError as error:
            raise QueryFailed(f"HIVE_CURSOR_ERROR: Failed to read file: {uri}: {error}", DATA_ERROR) from None


def _chunks(file: IO[bytes], uri: str) -> Iterator[pa.StringArray]:
    rest, first = b"", True
    while block := _read(file):
        if first:
            block, first = block.removeprefix(BOM_UTF8), False
        if b"\r" in block:
            block = block.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        whole, newline, after = block.rpartition(b"\n")
        if newline:
            yield _lines(rest + whole)
            rest = after
        else:
            rest += block
        if len(rest) > _LINE_BYTES:
            raise QueryFailed(f"HIVE_BAD_DATA: Line too long in text file: {uri}", DATA_ERROR)
    if rest:
        yield _lines(rest)


def _read(file: IO[bytes]) -> bytes:
    """Return the next bytes. They do not end between CR and LF."""
    block = file.read(_CHUNK_BYTES)
    while block.endswith(b"\r") and (more := file.read(1)):
        block += more
    return block


def _lines(text: bytes) -> pa.StringArray:
    try:
        text.decode()
    except UnicodeDecodeError:
        text = text.decode(errors="replace").encode()
    ends = np.flatnonzero(np.frombuffer(text, np.uint8) == ord("\n"))
    content = text.replace(b"\n", b"")
    offsets = np.concatenate([[0], ends - np.arange(len(ends)), [len(content)]]).astype(np.int32)
    return pa.StringArray.from_buffers(len(ends) + 1, pa.py_buffer(offsets), pa.py_buffer(content))
