"""The rendering of the pages, and the policies that let a browser only display them."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined

TEMPLATES = Path(__file__).parent / "templates"
_SCRIPT = b64encode(sha256((TEMPLATES / "theme.js").read_bytes().rstrip(b"\n")).digest()).decode()
OWN_POLICY = (
    f"default-src 'none'; script-src 'sha256-{_SCRIPT}'; style-src 'unsafe-inline'; frame-src 'self'; "
    "frame-ancestors 'self'; base-uri 'none'; form-action 'none'"
)
"""Content-Security-Policy of the pages of this package: https://developer.mozilla.org/docs/Web/HTTP/Reference/Headers/Content-Security-Policy"""

REPORT_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src 'self' data:; frame-ancestors 'self'; "
    "base-uri 'none'; form-action 'none'; sandbox allow-same-origin allow-downloads"
)
"""Content-Security-Policy of the files from S3. The sandbox does not run scripts. It keeps the origin of the page,
because the charts are requested with the login cookie."""


class Problem(Exception):
    """An error that is shown instead of the page: a ``title``, and a ``text`` that says what to do."""

    def __init__(self, title: str, text: str, status: int) -> None:
        super().__init__(title)
        self.title = title
        self.text = text
        self.status = status


def _timestamp(when: datetime | None) -> str:
    return f"{when:%Y-%m-%d %H:%M:%S} UTC" if when else "–"


def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["timestamp"] = _timestamp
    return environment


_TEMPLATES = _environment()


def page(
    template: str, status: int = 200, headers: Mapping[str, str] | None = None, **values: Any
) -> HTMLResponse:
    """Return a template rendered with ``values``."""
    policy = {"Content-Security-Policy": OWN_POLICY, **(headers or {})}
    return HTMLResponse(_TEMPLATES.get_template(template).render(values), status, headers=policy)
