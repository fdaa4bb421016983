"""How every page is made and what it may do in a browser: nothing but show itself."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined

OWN_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; frame-src 'self'; frame-ancestors 'self'; "
    "base-uri 'none'; form-action 'none'"
)
"""Content-Security-Policy of our own pages: https://developer.mozilla.org/docs/Web/HTTP/Reference/Headers/Content-Security-Policy"""

REPORT_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src 'self' data:; frame-ancestors 'self'; "
    "base-uri 'none'; form-action 'none'; sandbox allow-same-origin"
)
"""Policy of what comes from S3. The sandbox runs no script; with its own origin it could not send the cookie that its
pictures need."""


class Problem(Exception):
    """Something that the user must know instead of the page asked for: what is the matter, and what to do."""

    def __init__(self, title: str, text: str, status: int) -> None:
        super().__init__(title)
        self.title = title
        self.text = text
        self.status = status


def _moment(when: datetime | None) -> str:
    return f"{when:%Y-%m-%d %H:%M:%S} UTC" if when else "–"


def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["moment"] = _moment
    return environment


_TEMPLATES = _environment()


def page(
    template: str, status: int = 200, headers: Mapping[str, str] | None = None, **values: Any
) -> HTMLResponse:
    """Return the page that a template makes of ``values``."""
    policy = {"Content-Security-Policy": OWN_POLICY, **(headers or {})}
    return HTMLResponse(_TEMPLATES.get_template(template).render(values), status, headers=policy)
