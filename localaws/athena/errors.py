"""The ends of a query other than success, with the numbers of Athena's error catalog.

Source: https://docs.aws.amazon.com/athena/latest/ug/error-reference.html
"""

from __future__ import annotations

SYSTEM, USER = 1, 2

RESOURCES_EXHAUSTED = 0
ENGINE_ERROR = 200
QUERY_TIMEOUT = 210
RESULT_NOT_WRITTEN = 401
USER_ERROR = 1000
DATA_ERROR = 1001
DDL_FAILED = 1003
SCHEMA_ERROR = 1004
SYNTAX_ERROR = 1006


BY_USER = "Query cancelled by user"


class QueryFailed(Exception):
    """The query is FAILED; the message is its StateChangeReason."""

    def __init__(
        self, message: str, error_type: int = USER_ERROR, category: int = USER, retryable: bool = False
    ) -> None:
        super().__init__(message)
        self.message, self.error_type, self.category = message, error_type, category
        self.retryable = retryable


class QueryCancelled(Exception):
    """The query is CANCELLED; the message is its StateChangeReason."""


class MalformedQuery(Exception):
    """The text is not exactly one statement of Athena's grammar. StartQueryExecution refuses it."""


def not_supported(what: str) -> QueryFailed:
    """Athena may support it, but the local Athena would return a different result, so it refuses."""
    return QueryFailed(f"not supported by the local Athena: {what}")


def ddl_failed(reason: str) -> QueryFailed:
    """Hive's error for a DDL statement that fails while it runs."""
    return QueryFailed(
        f"FAILED: Execution Error, return code 1 from org.apache.hadoop.hive.ql.exec.DDLTask. {reason}",
        DDL_FAILED,
    )


def semantic_error(code: int, reason: str) -> QueryFailed:
    """Hive's error for a name in a DDL statement. ``code`` is Hive's number of the error."""
    return QueryFailed(f"FAILED: SemanticException [Error {code}]: {reason}", DDL_FAILED)
