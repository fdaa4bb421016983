"""Job code on S3 under a version made of its content, so that a run in progress never changes under your feet."""

from __future__ import annotations

import hashlib
import io
import zipfile
from dataclasses import dataclass
from pathlib import Path

EPOCH = (1980, 1, 1, 0, 0, 0)
"""The earliest time a zip can hold; a fixed one makes the same code the same bytes."""


@dataclass(frozen=True)
class Package:
    """What goes to S3: ``files`` maps a name to its bytes, ``version`` is a hash over all of them."""

    version: str
    files: dict[str, bytes]


def build(folder: Path) -> Package:
    """Return the package of a job folder: every file in it as it is, every package folder as ``<name>.zip``.

    Raises FileNotFoundError when the folder has no job script.
    """
    files = {path.name: path.read_bytes() for path in sorted(folder.iterdir()) if path.is_file()}
    if not any(name.endswith(".py") for name in files):
        raise FileNotFoundError(
            f"no Spark job (*.py) in {folder}; stage_jobs needs the folder that holds them"
        )
    for package in sorted(path.parent for path in folder.glob("*/__init__.py")):
        files[f"{package.name}.zip"] = _zip(package)
    digest = hashlib.sha256()
    for name, content in sorted(files.items()):
        digest.update(f"{name}\0{len(content)}\0".encode() + content)
    return Package(digest.hexdigest()[:12], files)


def _zip(package: Path) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for module in sorted(package.rglob("*.py")):
            info = zipfile.ZipInfo(str(module.relative_to(package.parent)), EPOCH)
            archive.writestr(info, module.read_bytes(), zipfile.ZIP_DEFLATED)
    return buffer.getvalue()
