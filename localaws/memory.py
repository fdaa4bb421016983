"""How much memory there is for this process."""

from __future__ import annotations

import os
from pathlib import Path

# A container's limit, by version 2 and by version 1 of cgroups; "max", or a huge number, is none.
_LIMITS = (Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"))


def machine_memory() -> int:
    """Return the bytes of the machine's memory, or of the container's if that is less."""
    machine = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return min([machine, *(int(text) for text in map(_text, _LIMITS) if text.isdigit())])


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="ascii").strip()
    except OSError:
        return ""
