"""Job code under a version that is a hash of its content, so that new code does not change a run in progress."""

from __future__ import annotations

import hashlib
import io
import zipfile
from dataclasses import dataclass
from pathlib import Path

EPOCH = (1980, 1, 1, 0, 0, 0)
"""The earliest time that a zip file can hold. With a fixed time the same code gives the same bytes."""


@dataclass(frozen=True)
class Package:
    """The job code: the content of each file by name, and ``version``, a hash of all of them."""

    version: str
    files: dict[str, bytes]


def build(folder: Path) -> Package:
    """Return the package of a job folder: its files unchanged, and each Python package in it as ``<name>.zip``.

    Raises FileNotFoundError if the folder has no script.
    """
    files = {path.name: path.read_bytes() for path in sorted(folder.iterdir()) if path.is_file()}
    if not any(name.endswith(".py") for name in files):
        raise FileNotFoundError(f"no Spark job (*.py) in {folder}; the job folder must have at least one")
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
