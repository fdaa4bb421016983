"""The hosts and web origins that may call the local AWS: programs on this machine, and only allowed web pages.

Any web page that is open in a browser on this machine can send requests to a port on loopback, and a step can be any
program. Two headers distinguish such requests. A web page can neither forge nor omit them:

- ``Host`` is the host name in the requested URL. A page can let its own name resolve to 127.0.0.1 (DNS rebinding). For
  the browser it then has the same origin as this server, but its name is still in ``Host``.
- ``Origin`` is sent with every request except a plain GET or HEAD (https://fetch.spec.whatwg.org/#origin-header).
  ``Sec-Fetch-Site`` is sent with those too, to every loopback address
  (https://www.w3.org/TR/fetch-metadata/#sec-fetch-site-header).

The origin of this server is not allowed either: a page with this origin is an S3 object. On AWS, S3 objects have
another origin than the services that run something.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from ipaddress import ip_address
from wsgiref.types import WSGIEnvironment

_NAME = re.compile(r"[a-z0-9_-]+(\.[a-z0-9_-]+)*")
_HOST = re.compile(rf"(?P<name>{_NAME.pattern}|\[[0-9a-f:.]+\])(:[0-9]+)?")
_ORIGIN = re.compile(r"[a-z][a-z0-9+.-]*://[^/?#@*\s]+")
_DEFAULT_PORTS = {"http": ":80", "https": ":443"}


class Allowlist:
    """The host names that clients may use for the server, and the origins of the web pages that may call it."""

    def __init__(self, hosts: Iterable[str] = (), origins: Iterable[str] = ()) -> None:
        """``hosts`` are host names (with their subdomains) or IP addresses, in addition to loopback; ``origins`` are
        such as ``http://localhost:3000``. Raises ValueError with a message for the user."""
        self._hosts = frozenset(map(_parse_host, hosts))
        self._origins = frozenset(map(_parse_origin, origins))

    def rejection(self, environ: WSGIEnvironment, is_link: bool = False) -> str:
        """Return why the request is rejected and how to allow it; '' if it is allowed.

        ``is_link``: the address has a secret token, so a page of any origin that knows it may link to it.
        """
        host = environ.get("HTTP_HOST", "")
        if not self._is_allowed_host(host):
            return (
                f"the host {host!r} is not allowed: use 127.0.0.1 or localhost, "
                "or start the local AWS with --allow-host and this name"
            )
        origin = environ.get("HTTP_ORIGIN")
        if origin is not None:
            if origin in self._origins:
                return ""
            return (
                f"requests from web pages are not allowed, and this one is from a page of {origin!r}: "
                "start the local AWS with --allow-origin and this origin to allow its pages"
            )
        site = environ.get("HTTP_SEC_FETCH_SITE", "none")
        if site not in {"none", "same-origin"} and not is_link:
            return (
                f"requests from web pages are not allowed, and this one is from a page (Sec-Fetch-Site: {site}): "
                "enter the address in the browser, or use a program"
            )
        return ""

    def _is_allowed_host(self, host: str) -> bool:
        match = _HOST.fullmatch(host.lower())
        if not match:
            return False
        name = match["name"].strip("[]")
        try:
            address = ip_address(name)
        except ValueError:
            # S3 puts the bucket before the name: bucket.localhost. Nobody can own a subdomain of localhost (RFC 6761).
            return any(f".{name}".endswith(f".{known}") for known in ("localhost", *self._hosts))
        return address.is_loopback or str(address) in self._hosts


def _parse_host(host: str) -> str:
    name = host.lower().strip("[]")
    try:
        return str(ip_address(name))
    except ValueError:
        if not _NAME.fullmatch(name):
            raise ValueError(
                f"{host!r} is not a host name: give one without a port, such as localaws"
            ) from None
        return name


def _parse_origin(origin: str) -> str:
    """Rejects ``null`` too: it is the origin of every sandboxed page."""
    parsed = origin.lower().removesuffix("/")
    if not _ORIGIN.fullmatch(parsed):
        raise ValueError(
            f"{origin!r} is not an origin: give scheme, host and port, such as http://localhost:3000"
        )
    return parsed.removesuffix(_DEFAULT_PORTS.get(parsed.partition(":")[0], ""))  # as browsers send it
