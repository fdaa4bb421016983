"""The archive of Spark's classes is used if it fits, and never makes a step fail."""

from __future__ import annotations

import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from localaws.spark import class_archive, make_class_archive, submit
from localaws.spark.class_archive import JAVA, SIZES, SPARK
from localaws.spark.installation import Spark, find_spark


@pytest.fixture
def spark(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Spark:
    """A Spark of one empty jar, with complete archives."""
    monkeypatch.setattr(class_archive, "ARCHIVES", tmp_path / "archives")
    spark = Spark(tmp_path / "spark", tmp_path / "java", Path("/bin/python"), "3.5.6")
    (spark.home / "jars").mkdir(parents=True)
    (spark.home / "jars" / "core.jar").touch()
    made = class_archive.folder(spark)
    made.mkdir(parents=True)
    for name in (JAVA, SPARK):
        (made / name).write_bytes(b"classes")
    (made / SIZES).write_text(class_archive.sizes(made))
    return spark


def test_complete_archives_are_used(spark: Spark) -> None:
    made = class_archive.folder(spark)
    assert f'-XX:SharedArchiveFile="{made / JAVA}:{made / SPARK}"' in class_archive.driver_options(spark)
    assert class_archive.launcher_options(spark) == [f"-XX:SharedArchiveFile={made / JAVA}"]
    assert class_archive.make_in_background(spark) is None


@pytest.mark.parametrize("name", [JAVA, SPARK])
def test_a_truncated_archive_is_not_used(spark: Spark, name: str) -> None:
    """Java 17 ends with SIGBUS when the second archive is truncated."""
    (class_archive.folder(spark) / name).write_bytes(b"class")
    assert class_archive.driver_options(spark) == class_archive.launcher_options(spark) == []


def test_archives_of_other_jars_are_not_used(spark: Spark) -> None:
    (spark.home / "jars" / "core.jar").write_bytes(b"a new version")
    assert class_archive.driver_options(spark) == class_archive.launcher_options(spark) == []


def test_archives_of_another_folder_are_not_used(spark: Spark) -> None:
    """Java would refuse them, because the class path in the archive does not exist."""
    moved = replace(spark, home=spark.home.rename(spark.home.with_name("moved")))
    assert class_archive.driver_options(moved) == class_archive.launcher_options(moved) == []


def test_new_archives_replace_old_ones_and_the_rest_of_an_interrupted_attempt(
    spark: Spark, monkeypatch: pytest.MonkeyPatch
) -> None:
    def write(_: Spark, work: Path) -> None:
        (work / "archives").mkdir()
        for name in (JAVA, SPARK):
            (work / "archives" / name).write_bytes(b"new")
        (work / "archives" / SIZES).write_text("3 3")

    monkeypatch.setattr(make_class_archive, "_make", write)
    (class_archive.ARCHIVES / "making-1").mkdir()
    (spark.home / "jars" / "core.jar").write_bytes(b"a new version")
    made = make_class_archive.make(spark)
    assert class_archive.is_complete(made)
    assert {path.name for path in class_archive.ARCHIVES.iterdir()} == {made.name, "lock"}


def test_java_accepts_the_archives_for_the_class_path_of_spark_submit(tmp_path: Path) -> None:
    spark = find_spark()
    make_class_archive.make(spark)
    strict = [*class_archive.driver_options(spark), "-Xshare:on", "-Xlog:class+load:file=loaded.txt"]
    arguments = ["--driver-java-options", " ".join(strict), "--version"]
    submit.configure(spark, [], {}, tmp_path, tmp_path)
    environment = submit.environment(spark, tmp_path)
    ended = subprocess.run(
        submit.command(spark, tmp_path, arguments),
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    (loaded,) = [
        line
        for line in (tmp_path / "loaded.txt").read_text().splitlines()
        if "org.apache.spark.deploy.SparkSubmit source" in line
    ]
    assert loaded.endswith("shared objects file (top)")
