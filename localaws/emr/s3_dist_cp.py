"""S3DistCp for plain copies.

https://docs.aws.amazon.com/emr/latest/ReleaseGuide/UsingEMR_s3distcp.html
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

_OPTIONS = ("--src", "--dest")


def s3_dist_cp(args: Sequence[str], local_path: Callable[[str], Path]) -> int:
    """Copy the files below ``--src`` to ``--dest``. Return the exit code. Raises ValueError, OSError.

    ``local_path`` returns the file or folder of a URI.
    """
    options = _parse(args)
    source, target = (local_path(options[name]) for name in _OPTIONS)
    if source.is_file():
        files = [source]
        root = source.parent
    else:
        files = [path for path in sorted(source.rglob("*")) if path.is_file()]
        root = source
    if not files:
        raise ValueError(f"there are no files in {options['--src']}")
    for file in files:
        copy = target / file.relative_to(root)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(file, copy)
    print(f"copied {len(files)} files from {options['--src']} to {options['--dest']}")
    return 0


def _parse(args: Sequence[str]) -> dict[str, str]:
    options: dict[str, str] = {}
    rest = list(args)
    while rest:
        name, equals, value = rest.pop(0).partition("=")
        if name not in _OPTIONS:
            raise ValueError(f"not supported by the local EMR: {name}; supported: {', '.join(_OPTIONS)}")
        if not equals:
            value = rest.pop(0) if rest else ""
        options[name] = value
    if missing := [name for name in _OPTIONS if not options.get(name)]:
        raise ValueError(f"{' and '.join(missing)} must be given")
    return options
