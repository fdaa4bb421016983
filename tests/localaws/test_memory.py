"""The memory of the machine, or of the container if that is less."""

from __future__ import annotations

from pathlib import Path

import psutil
import pytest

from localaws import memory


@pytest.mark.parametrize(
    ("limit", "bytes_"),
    [("max\n", None), ("104857600\n", 104857600), ("9223372036854771712\n", None), (None, None)],
)
def test_the_container_limit_is_used_if_it_is_less(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, limit: str | None, bytes_: int | None
) -> None:
    file = tmp_path / "memory.max"
    if limit is not None:
        file.write_text(limit)
    monkeypatch.setattr(memory, "LIMITS", (file,))
    assert memory.machine_memory() == (bytes_ or psutil.virtual_memory().total)
