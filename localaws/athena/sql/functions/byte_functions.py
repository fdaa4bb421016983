"""Functions of varbinary: encodings, hashes, and IEEE 754 numbers.

Source: https://trino.io/docs/401/functions/binary.html
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import struct
import zlib
from collections.abc import Callable
from typing import Any

from duckdb import DuckDBPyConnection, sqltypes

from localaws.athena.errors import DATA_ERROR, QueryFailed
from localaws.athena.sql.functions.hashes import murmur3, xxhash64

_HASHES = ("sha1", "sha512")  # DuckDB has md5 and sha256

_NAN = {32: "7fc00000", 64: "7ff8000000000000"}  # DuckDB has NULL for a NaN of a Python function

SCALAR_ROWS = (
    ("from_utf8", "varbinary -> varchar", "trino_from_utf8({0}, chr(65533))"),
    ("from_utf8", "varbinary, varchar -> varchar", "trino_from_utf8({0}, {1})"),
    ("length", "varbinary -> bigint", "octet_length({0})"),
    ("sha256", "varbinary -> varbinary", "unhex(sha256({0}))"),
    *((name, "varbinary -> varbinary", f"trino_{name}({{0}})") for name in _HASHES),
    *(
        (f"hmac_{name}", "varbinary, varbinary -> varbinary", f"trino_hmac_{name}({{0}}, {{1}})")
        for name in ("md5", "sha1", "sha256", "sha512")
    ),
    ("crc32", "varbinary -> bigint", "trino_crc32({0})"),
    *((name, "varbinary -> varbinary", f"trino_{name}({{0}})") for name in ("xxhash64", "murmur3")),
    ("to_hex", "varbinary -> varchar", "hex({0})"),
    ("from_hex", "varchar -> varbinary", "trino_from_hex({0})"),
    ("from_hex", "varbinary -> varbinary", "trino_from_hex(decode({0}))"),
    ("to_base64", "varbinary -> varchar", "to_base64({0})"),
    ("to_base64url", "varbinary -> varchar", "translate(to_base64({0}), '+/', '-_')"),
    ("to_base32", "varbinary -> varchar", "trino_to_base32({0})"),
    *(
        (name, "varchar -> varbinary", f"trino_{name}({{0}})")
        for name in ("from_base64", "from_base64url", "from_base32")
    ),
    *(
        (name, "varbinary -> varbinary", f"trino_{name}(decode({{0}}))")
        for name in ("from_base64", "from_base64url", "from_base32")
    ),
    *(
        row
        for number, bits in (("integer", 32), ("bigint", 64))
        for row in (
            (f"to_big_endian_{bits}", f"{number} -> varbinary", f"trino_to_big_endian_{bits}({{0}})"),
            (f"from_big_endian_{bits}", f"varbinary -> {number}", f"trino_from_big_endian_{bits}({{0}})"),
        )
    ),
    *(
        row
        for number, bits in (("real", 32), ("double", 64))
        for row in (
            (
                f"to_ieee754_{bits}",
                f"{number} -> varbinary",
                f"CASE WHEN isnan({{0}}) THEN unhex('{_NAN[bits]}') ELSE trino_to_ieee754_{bits}({{0}}) END",
            ),
            (
                f"from_ieee754_{bits}",
                f"varbinary -> {number}",
                f"coalesce(trino_from_ieee754_{bits}({{0}}), "
                f"CASE WHEN {{0}} IS NOT NULL THEN CAST('nan' AS {number}) END)",
            ),
        )
    ),
    (
        "substr substring",
        "varbinary, bigint -> varbinary",
        "trino_substr_bytes({0}, {1}, 9223372036854775807)",
    ),
    ("substr substring", "varbinary, bigint, bigint -> varbinary", "trino_substr_bytes({0}, {1}, {2})"),
    *(
        (
            f"{side}pad",
            "varbinary, bigint, varbinary -> varbinary",
            f"trino_{side}pad_bytes({{0}}, {{1}}, {{2}})",
        )
        for side in ("l", "r")
    ),
    ("reverse", "varbinary -> varbinary", "trino_reverse_bytes({0})"),
)


def register(connection: DuckDBPyConnection) -> None:
    """Register the functions for all connections of this database."""
    blob, text, number = sqltypes.BLOB, sqltypes.VARCHAR, sqltypes.BIGINT
    for name in _HASHES:
        connection.create_function(f"trino_{name}", _hash(name), [blob], blob)
    for name in ("md5", "sha1", "sha256", "sha512"):
        connection.create_function(f"trino_hmac_{name}", _hmac(name), [blob, blob], blob)
    functions: tuple[tuple[str, Callable[..., Any], list[Any], Any], ...] = (
        ("crc32", _crc32, [blob], number),
        ("xxhash64", xxhash64, [blob], blob),
        ("murmur3", murmur3, [blob], blob),
        ("from_utf8", _from_utf8, [blob, text], text),
        ("from_hex", _from_hex, [text], blob),
        ("from_base64", _from_base64, [text], blob),
        (
            "from_base64url",
            lambda given: _from_base64(given.replace("-", "+").replace("_", "/")),
            [text],
            blob,
        ),
        ("to_base32", lambda value: base64.b32encode(value).decode(), [blob], text),
        ("from_base32", _from_base32, [text], blob),
        ("substr_bytes", _substr, [blob, number, number], blob),
        (
            "lpad_bytes",
            lambda value, size, padding: _pad(value, size, padding, left=True),
            [blob, number, blob],
            blob,
        ),
        (
            "rpad_bytes",
            lambda value, size, padding: _pad(value, size, padding, left=False),
            [blob, number, blob],
            blob,
        ),
        ("reverse_bytes", lambda value: value[::-1], [blob], blob),
        *_numbers("big_endian_32", ">i", "4-byte", sqltypes.INTEGER),
        *_numbers("big_endian_64", ">q", "8-byte", number),
        *_numbers("ieee754_32", ">f", "4-byte", sqltypes.FLOAT),
        *_numbers("ieee754_64", ">d", "8-byte", sqltypes.DOUBLE),
    )
    for name, function, parameters, result in functions:
        connection.create_function(f"trino_{name}", function, parameters, result)


def _hash(name: str) -> Callable[[bytes], bytes]:
    return lambda value: hashlib.new(name, value, usedforsecurity=False).digest()


def _hmac(name: str) -> Callable[[bytes, bytes], bytes]:
    return lambda value, key: hmac.digest(key, value, name)


def _numbers(
    name: str, layout: str, size: str, number: Any
) -> list[tuple[str, Callable[..., Any], list[Any], Any]]:
    def read(value: bytes) -> Any:
        if len(value) != struct.calcsize(layout):
            kind = "big-endian" if "endian" in name else "IEEE 754"
            raise _invalid(f"expected {size} input for {kind} conversion, but got instead: {len(value)}")
        return struct.unpack(layout, value)[0]

    return [
        (f"to_{name}", lambda value: struct.pack(layout, value), [number], sqltypes.BLOB),
        (f"from_{name}", read, [sqltypes.BLOB], number),
    ]


def _crc32(value: bytes) -> int:
    return zlib.crc32(value)


def _from_utf8(value: bytes, replacement: str) -> str:
    if len(replacement) > 1:
        raise _invalid(f"Replacement string must empty or a single character: {replacement}")
    parts: list[str] = []
    while True:
        try:
            return "".join([*parts, value.decode()])
        except UnicodeDecodeError as error:
            parts += [value[: error.start].decode(), replacement]
            value = value[error.end :]


def _from_hex(text: str) -> bytes:
    try:
        if any(character.isspace() for character in text):
            raise ValueError
        return bytes.fromhex(text)
    except ValueError:
        raise _invalid(f"invalid input for from_hex: {text}") from None


def _from_base64(text: str) -> bytes:
    try:
        return base64.b64decode(text.rstrip("=") + "=" * (-len(text.rstrip("=")) % 4), validate=True)
    except (binascii.Error, ValueError):
        raise _invalid(f"invalid base64: {text}") from None


def _from_base32(text: str) -> bytes:
    try:
        return base64.b32decode(text.rstrip("=") + "=" * (-len(text.rstrip("=")) % 8))
    except (binascii.Error, ValueError):
        raise _invalid(f"invalid base32: {text}") from None


def _substr(value: bytes, start: int, size: int) -> bytes:
    at = start - 1 if start > 0 else len(value) + start
    if start == 0 or size <= 0 or not 0 <= at < len(value):
        return b""
    return value[at : at + size]


def _pad(value: bytes, size: int, padding: bytes, left: bool) -> bytes:
    if not 0 <= size < 2**31:
        raise _invalid("Target length must be in the range [0..2147483647]")
    if not padding:
        raise _invalid("Padding bytes must not be empty")
    added = (padding * (size // len(padding) + 1))[: max(0, size - len(value))]
    return (added + value if left else value + added)[:size] if size > len(value) else value[:size]


def _invalid(reason: str) -> QueryFailed:
    return QueryFailed(f"INVALID_FUNCTION_ARGUMENT: {reason}", DATA_ERROR)
