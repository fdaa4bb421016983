"""Functions of URLs, as Python functions that DuckDB calls.

Trino parses URLs with java.net.URI, which is stricter than Python's urllib: an invalid URL gives NULL.
Source: https://trino.io/docs/401/functions/url.html, RFC 2396 and java.net.URI
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache, partial
from urllib.parse import quote_plus

from duckdb import DuckDBPyConnection, sqltypes
from duckdb.func import SPECIAL

from localaws.athena.errors import DATA_ERROR, QueryFailed

_PARTS = ("protocol", "host", "path", "query", "fragment")

SCALAR_ROWS = (
    *((f"url_extract_{part}", "varchar -> varchar", f"trino_url_{part}({{0}})") for part in _PARTS),
    ("url_extract_port", "varchar -> bigint", "trino_url_port({0})"),
    ("url_extract_parameter", "varchar, varchar -> varchar", "trino_url_parameter({0}, {1})"),
    ("url_encode", "varchar -> varchar", "trino_url_encode({0})"),
    ("url_decode", "varchar -> varchar", "trino_url_decode({0})"),
)

_OTHER = (
    r"[^\x00-\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]"  # neither ASCII, nor control, nor space
)
_CHARACTER = rf"[A-Za-z0-9_.!~*'()\-]|%[0-9A-Fa-f]{{2}}|{_OTHER}"  # of RFC 2396: unreserved, or an escape
_ANY = rf"(?:{_CHARACTER}|[;/?:@&=+$,\[\]])"
_PATH = rf"(?:{_CHARACTER}|[:@&=+$,;/])"
_URI = re.compile(
    r"(?:(?P<scheme>[A-Za-z][A-Za-z0-9+.\-]*):)?"
    rf"(?:(?P<opaque>(?<=:)(?!/){_ANY}+)|"
    rf"(?://(?P<authority>(?:{_CHARACTER}|[;:@&=+$,\[\]])*))?(?P<path>{_PATH}*)(?:\?(?P<query>{_ANY}*))?)"
    rf"(?:\#(?P<fragment>{_ANY}*))?"
)
_LABEL, _TOP = "[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?", "[A-Za-z](?:[A-Za-z0-9-]*[A-Za-z0-9])?"
_SERVER = re.compile(
    rf"(?:(?:{_CHARACTER}|[;:&=+$,])*@)?"
    rf"(?P<host>(?:{_LABEL}\.)*{_TOP}\.?|[0-9]{{1,3}}(?:\.[0-9]{{1,3}}){{3}}|\[[0-9A-Fa-f:.]+(?:%\w+)?\])"
    r"(?::(?P<port>[0-9]*))?"
)
_ESCAPES = re.compile(
    r"(?:%(?:[0-9a-fA-F]{2}|\+[0-9a-fA-F]))+"
)  # Java parses the number after % with its sign


@dataclass(frozen=True)
class _Url:
    """The parts of a URL; '' for a part that it does not have. ``query`` is not decoded."""

    protocol: str
    host: str
    path: str
    query: str
    fragment: str
    port: int | None


def register(connection: DuckDBPyConnection) -> None:
    """Register the functions for all connections of this database."""
    text = sqltypes.VARCHAR
    for part in _PARTS:
        connection.create_function(
            f"trino_url_{part}", partial(_part, part), [text], text, null_handling=SPECIAL
        )
    connection.create_function("trino_url_port", _port, [text], sqltypes.BIGINT, null_handling=SPECIAL)
    connection.create_function("trino_url_parameter", _parameter, [text, text], text, null_handling=SPECIAL)
    connection.create_function("trino_url_encode", _encode, [text], text)
    connection.create_function("trino_url_decode", _decode, [text], text)


@lru_cache(maxsize=1000)
def _parsed(url: str | None) -> _Url | None:
    """Return the parts of a URL; None if it is NULL or not valid."""
    found = _URI.fullmatch(url) if url is not None else None
    if found is None:
        return None
    authority, path = found["authority"], found["path"] or ""
    if found["scheme"] is not None and not found["opaque"] and authority is None and not path.startswith("/"):
        return None
    if found["scheme"] is None and ":" in path.split("/", 1)[0]:
        return None
    if authority == "" and not path:
        return None
    server = _SERVER.fullmatch(authority or "")
    return _Url(
        found["scheme"] or "",
        server["host"] if server else "",
        _unescaped(path),
        found["query"] or "",
        _unescaped(found["fragment"] or ""),
        int(server["port"]) if server and server["port"] else None,
    )


def _part(part: str, url: str | None) -> str | None:
    found = _parsed(url)
    if found is None:
        return None
    return _unescaped(found.query) if part == "query" else str(getattr(found, part))


def _port(url: str | None) -> int | None:
    found = _parsed(url)
    return found.port if found else None


def _parameter(url: str | None, name: str | None) -> str | None:
    """Return the decoded value of the first parameter with this name; NULL if there is none."""
    found = _parsed(url)
    if found is None or name is None:
        return None
    for argument in found.query.split("&"):
        key, _, value = argument.partition("=")
        if key == name:
            return _decode(value)
    return None


def _encode(text: str) -> str:
    return quote_plus(text, safe="-_.*").replace("~", "%7E")


def _decode(text: str) -> str:
    """Decode + and %xx. Invalid UTF-8 becomes U+FFFD. Source: java.net.URLDecoder"""
    parts, end = [], 0
    for escapes in _ESCAPES.finditer(text):
        parts += [text[end : escapes.start()].replace("+", " "), _decoded(escapes[0])]
        end = escapes.end()
    parts.append(text[end:].replace("+", " "))
    if any("%" in part for part in parts[::2]):
        raise QueryFailed(
            f"INVALID_FUNCTION_ARGUMENT: URLDecoder: Illegal hex characters in escape (%) pattern: {text}",
            DATA_ERROR,
        )
    return "".join(parts)


def _unescaped(text: str) -> str:
    return _ESCAPES.sub(lambda escapes: _decoded(escapes[0]), text)


def _decoded(escapes: str) -> str:
    return bytes(int(number, 16) for number in escapes.split("%")[1:]).decode(errors="replace")
