"""How deep a statement may be nested: Trino's answer to a stack overflow, before Python has one.

Source: SqlParser.invokeParser and SqlQueryExecution of Trino, which catch StackOverflowError.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterable

from localaws.athena.errors import SYNTAX_ERROR, MalformedQuery, QueryFailed

# A level of parentheses takes some 20 calls of Python, and more where functions are in them.
_DEEPEST = 250
_CALLS = 12_000
_STACK = 2**26  # bytes, reserved and not taken; what a thread has unless told differs by system


def allow_deep_calls() -> None:
    """Let statements of that depth be parsed and compiled, here and in the threads that are started from now on."""
    sys.setrecursionlimit(max(sys.getrecursionlimit(), _CALLS))
    threading.stack_size(_STACK)


def check_depth(words: Iterable[str]) -> None:
    """Raises MalformedQuery when brackets and CASE among the upper case ``words`` are nested too deep."""
    depth = 0
    for word in words:
        if word in ("(", "[", "CASE"):
            depth += 1
            if depth > _DEEPEST:
                raise too_large()
        elif word in (")", "]", "END"):
            depth = max(0, depth - 1)


def too_large() -> MalformedQuery:
    """The statement could not be parsed."""
    return MalformedQuery("line 1:1: statement is too large (stack overflow while parsing)")


def too_large_to_run() -> QueryFailed:
    """The statement could be parsed, and not be compiled."""
    return QueryFailed(
        "STACK_OVERFLOW: statement is too large (stack overflow during analysis)", SYNTAX_ERROR
    )
