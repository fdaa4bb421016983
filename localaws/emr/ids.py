"""The ids of EMR's resources."""

from __future__ import annotations

import secrets
import string


def new_id(prefix: str) -> str:
    """Return a new id in EMR's format, such as ``j-2AXXXXXXGAPLF``."""
    return f"{prefix}-" + "".join(secrets.choice(string.ascii_uppercase + string.digits) for _ in range(13))
