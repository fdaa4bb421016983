"""The error that ends a job with a message to the user."""

from __future__ import annotations


class UserError(Exception):
    """An error that only the user can correct. The message is one sentence: the problem and what to do."""
