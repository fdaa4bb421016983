"""How much memory there is for this process."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

LIMITS = (Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"))
"""What a container may use, as control groups v2 and v1 tell it; a machine without limit has no such file."""


def machine_memory() -> int:
    """Return the bytes of the machine's memory, or of the container's if that is less."""
    return min([physical_memory(), *container_limits(LIMITS)])


def physical_memory() -> int:
    """Return the bytes of the machine's memory, whatever a container may use of it."""
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")


def container_limits(files: Iterable[Path]) -> list[int]:
    """Return the bytes that each of the files allows; a file that is missing or says ``max`` sets no limit."""
    return [int(text) for text in map(_text, files) if text.isdecimal()]


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="ascii").strip()
    except OSError:
        return ""
