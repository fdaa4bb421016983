"""Who may call the local AWS: the programs of this machine, and no web page that the server was not told of.

Any web page that is open in a browser here can send requests to a port on loopback, and a step is any program. Two
headers, which no page can forge or leave out, tell such requests apart:

- ``Host`` is the name in the address that was called. A page that lets its own name point to 127.0.0.1 (DNS
  rebinding) is of the same origin as this server for the browser, but its name stays in ``Host``.
- ``Origin`` is sent with every request but a plain GET or HEAD (https://fetch.spec.whatwg.org/#origin-header);
  ``Sec-Fetch-Site`` is sent with these too, to every address on loopback
  (https://www.w3.org/TR/fetch-metadata/#sec-fetch-site-header).

The origin of this server itself is no exception: a page of it is an object of S3, which on AWS has another origin than
the services that run something.
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
    """The hosts by which the server may be called and the origins whose pages may call it."""

    def __init__(self, hosts: Iterable[str] = (), origins: Iterable[str] = ()) -> None:
        """``hosts`` are names, each with those below it, or addresses, beside loopback; ``origins`` such as
        ``http://localhost:3000``. Raises ValueError with a sentence for the user."""
        self._hosts = frozenset(map(_parse_host, hosts))
        self._origins = frozenset(map(_parse_origin, origins))

    def refusal(self, environ: WSGIEnvironment) -> str:
        """Return why the request is not served and what to do about it; '' if it is served."""
        host = environ.get("HTTP_HOST", "")
        if not self._is_allowed_host(host):
            return (
                f"the local AWS is not called {host!r}: call it by 127.0.0.1 or localhost, "
                "or start it with --allow-host and the name"
            )
        origin = environ.get("HTTP_ORIGIN")
        if origin is not None:
            if origin in self._origins:
                return ""
            return (
                f"the local AWS does not serve web pages, and this request is from one of {origin!r}: "
                "start it with --allow-origin and this origin to serve its pages"
            )
        site = environ.get("HTTP_SEC_FETCH_SITE", "none")
        if site not in {"none", "same-origin"}:
            return (
                f"the local AWS does not serve web pages, and this request is from one (Sec-Fetch-Site: {site}): "
                "open the address itself in the browser, or call it by a program"
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
            # S3 puts the bucket before the name: bucket.localhost. Nobody can own a name below localhost (RFC 6761).
            return any(f".{name}".endswith(f".{known}") for known in ("localhost", *self._hosts))
        return address.is_loopback or str(address) in self._hosts


def _parse_host(host: str) -> str:
    name = host.lower().strip("[]")
    try:
        return str(ip_address(name))
    except ValueError:
        if not _NAME.fullmatch(name):
            raise ValueError(
                f"{host!r} is not a host name: give it without a port, such as localaws"
            ) from None
        return name


def _parse_origin(origin: str) -> str:
    """``null`` is refused too: it is the origin of every page in a sandbox."""
    found = origin.lower().removesuffix("/")
    if not _ORIGIN.fullmatch(found):
        raise ValueError(
            f"{origin!r} is not an origin: give scheme, host and port, such as http://localhost:3000"
        )
    return found.removesuffix(_DEFAULT_PORTS.get(found.partition(":")[0], ""))  # as browsers write it
