"""The limit of nesting in a statement. Deeper statements fail with Trino's stack overflow error, before
Python's own stack overflows.

Source: SqlParser.invokeParser and SqlQueryExecution of Trino, which catch StackOverflowError.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterable

from localaws.athena.errors import SYNTAX_ERROR, MalformedQuery, QueryFailed

# A level of parentheses takes about 20 nested Python calls, and more with functions.
_MAX_DEPTH = 250
_MAX_CALLS = 12_000
_STACK_SIZE = 2**26  # bytes; only reserved. The default of threads depends on the system


def allow_deep_calls() -> None:
    """Make room for statements of this depth, in this thread and in threads that are started later."""
    sys.setrecursionlimit(max(sys.getrecursionlimit(), _MAX_CALLS))
    threading.stack_size(_STACK_SIZE)


def check_depth(words: Iterable[str]) -> None:
    """Raises MalformedQuery if brackets and CASE are nested too deep. ``words`` are in upper case."""
    depth = 0
    for word in words:
        if word in ("(", "[", "CASE"):
            depth += 1
            if depth > _MAX_DEPTH:
                raise too_large()
        elif word in (")", "]", "END"):
            depth = max(0, depth - 1)


def too_large() -> MalformedQuery:
    """The error of a statement that is too deep to be parsed."""
    return MalformedQuery("line 1:1: statement is too large (stack overflow while parsing)")


def too_large_to_run() -> QueryFailed:
    """The error of a statement that can be parsed, but is too deep to be translated."""
    return QueryFailed(
        "STACK_OVERFLOW: statement is too large (stack overflow during analysis)", SYNTAX_ERROR
    )
