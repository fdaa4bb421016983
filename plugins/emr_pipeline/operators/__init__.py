"""Idempotent operators: a retry finds what an earlier attempt has created."""
