"""The memory that this process may use."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

LIMITS = (Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"))
"""The memory limit of a container in control groups v2 and v1; without a limit the files do not exist."""


def machine_memory() -> int:
    """Return the machine's memory, or the container's limit if that is less, in bytes."""
    return min([physical_memory(), *container_limits(LIMITS)])


def physical_memory() -> int:
    """Return the machine's memory in bytes, without regard to a container's limit."""
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")


def container_limits(files: Iterable[Path]) -> list[int]:
    """Return the limits in the files, in bytes; a missing file or the text ``max`` means no limit."""
    return [int(text) for text in map(_text, files) if text.isdecimal()]


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="ascii").strip()
    except OSError:
        return ""
