"""Airflow's REST API, with a token of its auth manager.

https://airflow.apache.org/docs/apache-airflow/stable/stable-rest-api-ref.html
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

import httpx
import typer

from emr_pipeline.cli.console import CommandError

URL, TOKEN, USER, PASSWORD = (f"AIRFLOW_API_{name}" for name in ("URL", "TOKEN", "USER", "PASSWORD"))
"""The variables with the address of the API server, and with a token or the name and the password of a user."""

DEFAULT_USER = "admin"
TIMEOUT_SECONDS = 60
DENIED = (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN)
"""The statuses for a token that has expired; the second one also for a missing permission."""

INVALID = (HTTPStatus.BAD_REQUEST, HTTPStatus.CONFLICT, HTTPStatus.UNPROCESSABLE_ENTITY)
"""The statuses whose reason is a sentence about the request."""

UNFINISHED = ("queued", "running")
"""The states of a run that has not ended."""

PAGE = 100
"""The default of ``[api] maximum_page_limit``."""


class AirflowError(CommandError):
    """Airflow has refused a request or does not respond; ``status`` is the HTTP status, 0 without a response."""

    def __init__(self, message: str, status: int = 0) -> None:
        super().__init__(message)
        self.status = status

    @property
    def is_transient(self) -> bool:
        return self.status == 0 or self.status >= HTTPStatus.INTERNAL_SERVER_ERROR


class AirflowApi:
    """The API of the Airflow at ``url``. It logs in at the first request, and again when the token has expired.

    Raises CommandError if ``variables`` has no address. All methods raise AirflowError with one sentence.
    """

    def __init__(self, variables: Mapping[str, str]) -> None:
        self.url = variables.get(URL, "").rstrip("/")
        if not self.url:
            raise CommandError(
                f"{URL} is not set: set it to the address of Airflow, such as http://localhost:8080"
            )
        self._token = self._given = variables.get(TOKEN, "")
        self._user, self._password = variables.get(USER, DEFAULT_USER), variables.get(PASSWORD, "")
        self._client = httpx.Client(timeout=TIMEOUT_SECONDS)

    def get(self, path: str, **query: Any) -> Any:
        return self._request("GET", path, params=query)

    def post(self, path: str, body: Mapping[str, Any]) -> Any:
        return self._request("POST", path, json=body)

    def pages(self, path: str, key: str) -> Iterator[dict[str, Any]]:
        """Yield the members ``key`` of all pages."""
        offset = 0
        while members := self.get(path, limit=PAGE, offset=offset)[key]:
            yield from members
            offset += len(members)

    def is_active(self, dag_id: str, run_id: str) -> bool:
        """Return whether the run exists and has not ended."""
        try:
            run = self.get(f"/dags/{quote(dag_id, safe='')}/dagRuns/{quote(run_id, safe='')}")
        except AirflowError as error:
            if error.status == HTTPStatus.NOT_FOUND:
                return False
            raise
        return run["state"] in UNFINISHED

    def page(self, *parts: str) -> str:
        """Return the address of a page of the web UI."""
        return "/".join((self.url, *(quote(part, safe="") for part in parts)))

    def _request(self, method: str, path: str, **content: Any) -> Any:
        known = bool(self._token)
        self._token = self._token or self._log_in()
        response = self._send(method, f"/api/v2{path}", **content)
        if response.status_code in DENIED and known and (self._password or not self._given):
            self._token = self._log_in()
            response = self._send(method, f"/api/v2{path}", **content)
        return self._content(response)

    def _log_in(self) -> str:
        """Return a token for the user; without a password one for an Airflow that lets everybody be admin."""
        if not self._password:
            response = self._send("GET", "/auth/token")
            if response.is_success:
                return str(self._content(response)["access_token"])
            if not sys.stdin.isatty():
                raise AirflowError(
                    f"Airflow at {self.url} requires a login: set {USER} and {PASSWORD}, or {TOKEN}",
                    response.status_code,
                )
            self._password = typer.prompt(
                f"Password of {self._user} at {self.url}", hide_input=True, err=True
            )
        credentials = {"username": self._user, "password": self._password}
        return str(self._content(self._send("POST", "/auth/token", json=credentials))["access_token"])

    def _send(self, method: str, path: str, **content: Any) -> httpx.Response:
        headers = {"Authorization": f"Bearer {self._token}"} if self._token else {}
        try:
            return self._client.request(method, self.url + path, headers=headers, **content)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise AirflowError(f"Airflow at {self.url} does not respond: {error}") from None

    def _content(self, response: httpx.Response) -> Any:
        try:
            content = response.json()
        except ValueError:
            content = None
        if response.is_success and content is not None:
            return content
        status, detail = response.status_code, _detail(content) or response.reason_phrase
        request = f"{response.request.method} {response.request.url.path}"
        if status == HTTPStatus.UNAUTHORIZED:
            refused = f"the password of {self._user}" if self._password else TOKEN
            raise AirflowError(f"Airflow at {self.url} does not accept {refused}: {detail}", status)
        if status in INVALID and content is not None:
            raise AirflowError(detail, status)
        raise AirflowError(f"Airflow at {self.url} answered {request} with {status} {detail}", status)


def _detail(content: Any) -> str:
    """Return the reason in an error response: the first line of a text, or a list of errors of validation."""
    detail = content.get("detail", "") if isinstance(content, dict) else ""
    if isinstance(detail, list):
        return "; ".join(f"{'.'.join(map(str, each.get('loc', ())))}: {each.get('msg')}" for each in detail)
    return next(iter(str(detail).splitlines()), "")
