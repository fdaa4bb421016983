"""The read-only page at ``/``."""
