"""An archive of Spark's classes for class data sharing: Java maps the file instead of reading and verifying the jars.

``make_class_archive.py`` makes it, once for each Python environment. A step uses it if it exists. Java ignores an
archive that does not fit, such as one of another version of Java, and loads the classes as usual.

https://docs.oracle.com/en/java/javase/17/vm/class-data-sharing.html
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from functools import cache
from pathlib import Path

import localaws
from localaws.spark import supervisor
from localaws.spark.installation import Spark

JAVA, SPARK = "java.jsa", "spark.jsa"
"""The archives in the folder: the classes of Java itself, and on top of them those of Spark."""
SIZES = "sizes"
ARCHIVES = Path(sys.prefix) / "share" / "localaws" / "class-archives"
_QUIET = ["-Xlog:cds=off", "-Xlog:cds+dynamic=off"]
"""Java writes its warnings to stdout, where the output of the step is."""


def folder(spark: Spark) -> Path:
    """Return the folder of the archives, whether it exists or not.

    Its name contains a hash of the files of Java and Spark and of their folders, so that the archives are made again
    after an update or a move.
    """
    files = [spark.java_home / "lib" / "modules", *sorted((spark.home / "jars").glob("*.jar"))]
    # Whole seconds, like Java: an image of Docker may drop the fractions.
    found = [(file.name, file.stat().st_size, int(file.stat().st_mtime)) for file in files if file.is_file()]
    fingerprint = hashlib.sha256(repr((spark.home, spark.java_home, found)).encode()).hexdigest()[:12]
    return ARCHIVES / f"spark-{spark.version}-{fingerprint}"


def driver_options(spark: Spark) -> list[str]:
    """Return the Java options with which a driver uses the archives; none if they are not complete."""
    made = folder(spark)
    return [f'-XX:SharedArchiveFile="{made / JAVA}:{made / SPARK}"', *_QUIET] if is_complete(made) else []


def launcher_options(spark: Spark) -> list[str]:
    """Return the Java options of the short process in which spark-submit composes the command of the driver."""
    made = folder(spark)
    # spark-submit splits the options at spaces, and no quotes help.
    return [f"-XX:SharedArchiveFile={made / JAVA}"] if is_complete(made) and " " not in str(made) else []


def sizes(made: Path) -> str:
    """Return the content of the file ``SIZES`` of the folder ``made``: the bytes of each archive."""
    return " ".join(str((made / name).stat().st_size) for name in (JAVA, SPARK))


def is_complete(made: Path) -> bool:
    """Return whether the archives have their original sizes: Java ends at once if it reads a truncated one."""
    try:
        return (made / SIZES).read_text() == sizes(made)
    except OSError:
        return False


@cache  # keeps the process, which ends when its standard input is closed
def make_in_background(spark: Spark) -> subprocess.Popen[bytes] | None:
    """Start to make the archives if they do not exist; the process has the lowest priority and ends with this one.

    Returns None if there is nothing to do, or if the Python environment is read-only.
    """
    parent = next(path for path in ARCHIVES.parents if path.is_dir())
    if is_complete(folder(spark)) or not os.access(parent, os.W_OK):
        return None
    command = ["nice", "-n", "19", sys.executable, "-m", "localaws.spark.make_class_archive"]
    return subprocess.Popen(
        [sys.executable, "-I", supervisor.__file__, *command],
        cwd=Path(localaws.__file__).parents[1],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        start_new_session=True,
    )
