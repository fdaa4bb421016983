"""The addresses of the page: ``/``, its script and style, and its data as JSON."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import Any

from werkzeug.wrappers import Request, Response

from localaws.page.content import Content, NotFound
from localaws.s3.addressing import bucket_and_key
from localaws.services import Services

PATH = "/_localaws/page"
DATA = f"{PATH}/data/"
STATIC = Path(__file__).parent / "static"
FILES = {"page.js": "text/javascript", "page.css": "text/css"}
HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:;"
        " base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-cache",
}


def is_page(request: Request) -> bool:
    """Return whether a browser asks for the page. ListBuckets is GET / too, but an AWS client signs it."""
    return request.path.startswith(f"{PATH}/") or (
        request.path == "/"
        and request.method in {"GET", "HEAD"}
        and "text/html" in request.headers.get("Accept", "")
        and "Authorization" not in request.headers
        and not request.args
        and bucket_and_key(request) == ("", "")
    )


def answer(request: Request, services: Services, state: Path) -> Response:
    if request.method not in {"GET", "HEAD"}:
        return _response(405, "The page can only be read.\n", "text/plain")
    if request.path == "/":
        return _response(200, (STATIC / "index.html").read_text(encoding="utf-8"), "text/html")
    name = request.path.removeprefix(f"{PATH}/")
    if name in FILES:
        return _response(200, (STATIC / name).read_text(encoding="utf-8"), FILES[name])
    try:
        if not request.path.startswith(DATA):
            raise NotFound(f"There is nothing at {request.path}.")
        content, status = Content(services, state).get(request.path.removeprefix(DATA)), 200
    except NotFound as error:
        content, status = {"error": str(error)}, 404
    response = _response(status, json.dumps(content, default=_text), "application/json")
    response.add_etag()
    return response.make_conditional(request)


def _text(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime) else str(value)


def _response(status: int, text: str, mimetype: str) -> Response:
    return Response(text, status, HEADERS, mimetype=mimetype)
