"""Values of the type ipaddress, as Python functions that DuckDB calls. In DuckDB a value is a BLOB of 16 bytes.

An IPv4 address is the IPv6 address ::ffff:a.b.c.d. Source: Trino's IpAddressType and IpAddressFunctions
"""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, ip_address

from duckdb import DuckDBPyConnection, sqltypes

from localaws.athena.errors import DATA_ERROR, QueryFailed

_MAPPED = bytes(10) + b"\xff\xff"

SCALAR_ROWS = (("contains", "varchar, ipaddress -> boolean", "trino_in_network({0}, {1})"),)


def register(connection: DuckDBPyConnection) -> None:
    """Register the functions for all connections of this database."""
    text, blob = sqltypes.VARCHAR, sqltypes.BLOB
    connection.create_function("trino_read_ip", _read, [text], blob)
    connection.create_function("trino_ip_text", _text, [blob], text)
    connection.create_function("trino_ip_of_bytes", _of_bytes, [blob], blob)
    connection.create_function("trino_in_network", _in_network, [text, blob], sqltypes.BOOLEAN)


def _read(text: str) -> bytes:
    try:
        if "%" in text:
            raise ValueError
        found = ip_address(text)
    except ValueError:
        raise QueryFailed(
            f"INVALID_CAST_ARGUMENT: Cannot cast value to IPADDRESS: {text}", DATA_ERROR
        ) from None
    return _MAPPED + found.packed if isinstance(found, IPv4Address) else found.packed


def _text(value: bytes) -> str:
    return str(IPv4Address(value[12:]) if value.startswith(_MAPPED) else IPv6Address(value))


def _of_bytes(value: bytes) -> bytes:
    if len(value) not in (4, 16):
        raise QueryFailed(
            f"INVALID_CAST_ARGUMENT: Invalid InetAddress binary length: {len(value)}", DATA_ERROR
        )
    return _MAPPED + value if len(value) == 4 else value


def _in_network(network: str, address: bytes) -> bool:
    """Return whether the address is in a network such as 10.0.0.0/8. An IPv4 network has no bits after its prefix."""
    written, _, prefix = network.partition("/")
    invalid = QueryFailed(f"INVALID_FUNCTION_ARGUMENT: Invalid CIDR: {network}", DATA_ERROR)
    try:
        base = _read(written)
    except QueryFailed:
        raise invalid from None
    mapped = base.startswith(_MAPPED)
    bits = 32 if mapped else 128
    if not prefix.isascii() or not prefix.isdigit() or int(prefix) > bits:
        raise invalid
    rest = bits - int(prefix)
    first, tested = int.from_bytes(base), int.from_bytes(address)
    if mapped and first % 2**rest:
        raise invalid
    return mapped == address.startswith(_MAPPED) and first >> rest == tested >> rest
