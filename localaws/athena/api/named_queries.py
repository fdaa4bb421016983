"""Named queries: texts that are stored under an id in a workgroup."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from uuid import uuid4

from localaws.athena.api.errors import invalid_request
from localaws.protocol import JSON


@dataclass(frozen=True)
class NamedQuery:
    name: str
    database: str
    text: str
    workgroup: str
    description: str | None = None
    id: str = field(default_factory=lambda: str(uuid4()))


class NamedQueries:
    def __init__(self) -> None:
        self.by_id: dict[str, NamedQuery] = {}
        self._tokens: dict[str, tuple[JSON, str]] = {}

    def create(self, query: NamedQuery, token: str | None, request: JSON) -> str:
        """Store the query and return its id. A repeated request with the same token returns the first id."""
        if token is not None and token in self._tokens:
            earlier, query_id = self._tokens[token]
            if earlier != request:
                raise invalid_request("Idempotent parameters do not match")
            return query_id
        self.by_id[query.id] = query
        if token is not None:
            self._tokens[token] = (request, query.id)
        return query.id

    def get(self, query_id: str) -> NamedQuery:
        if query_id not in self.by_id:
            raise invalid_request(f"NamedQuery {query_id} was not found")
        return self.by_id[query_id]

    def update(self, query_id: str, name: str, text: str, description: str | None) -> None:
        found = self.get(query_id)
        kept = found.description if description is None else description
        self.by_id[query_id] = replace(found, name=name, text=text, description=kept)

    def delete(self, query_id: str) -> None:
        del self.by_id[self.get(query_id).id]

    def of_workgroup(self, workgroup: str) -> list[NamedQuery]:
        return [query for query in self.by_id.values() if query.workgroup == workgroup]
