"""Prepared statements: a text with ``?`` for parameters, stored under a name in a workgroup.

Source: https://docs.aws.amazon.com/athena/latest/ug/querying-with-prepared-statements.html
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime


@dataclass(frozen=True)
class PreparedStatement:
    workgroup: str
    name: str
    text: str
    description: str | None = None
    modified: datetime = field(default_factory=lambda: datetime.now(UTC))


class PreparedStatements:
    def __init__(self) -> None:
        self.by_key: dict[str, PreparedStatement] = {}

    def find(self, workgroup: str, name: str) -> PreparedStatement | None:
        """The case of the name does not matter."""
        return self.by_key.get(_key(workgroup, name))

    def put(self, statement: PreparedStatement) -> None:
        self.by_key[_key(statement.workgroup, statement.name)] = statement

    def remove(self, workgroup: str, name: str) -> None:
        self.by_key.pop(_key(workgroup, name), None)

    def of_workgroup(self, workgroup: str) -> list[PreparedStatement]:
        """Return the statements of a workgroup by name."""
        found = (statement for statement in self.by_key.values() if statement.workgroup == workgroup)
        return sorted(found, key=lambda statement: statement.name)


def _key(workgroup: str, name: str) -> str:
    return f"{workgroup}/{name.lower()}"
