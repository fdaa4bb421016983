"""Security configurations, stored but without effect: a cluster can only name an existing one. Nothing is encrypted.

Source: https://docs.aws.amazon.com/emr/latest/APIReference/API_CreateSecurityConfiguration.html
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from threading import Lock

from localaws.emr.errors import invalid_request


@dataclass(frozen=True)
class SecurityConfiguration:
    name: str
    content: str
    created: datetime

    @property
    def id(self) -> str:
        """The id for paging."""
        return self.name


class SecurityConfigurations:
    def __init__(self) -> None:
        self._all: dict[str, SecurityConfiguration] = {}
        self._lock = Lock()

    def __iter__(self) -> Iterator[SecurityConfiguration]:
        return iter(list(self._all.values()))

    def create(self, name: str, content: str, now: datetime) -> None:
        """Raises InvalidRequestException if the name already exists or the content is not a JSON object."""
        try:
            parsed = json.loads(content)
        except ValueError:
            parsed = None
        if not isinstance(parsed, dict):
            raise invalid_request("The SecurityConfiguration is not a JSON object.")
        with self._lock:
            if name in self._all:
                raise invalid_request(f"SecurityConfiguration with name '{name}' already exists.")
            self._all[name] = SecurityConfiguration(name, content, now)

    def get(self, name: str) -> SecurityConfiguration:
        """Raises InvalidRequestException if it does not exist."""
        if name not in self._all:
            raise invalid_request(f"Security configuration with name '{name}' does not exist.")
        return self._all[name]

    def delete(self, name: str) -> None:
        with self._lock:
            del self._all[self.get(name).name]
