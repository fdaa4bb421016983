"""The command line, settings and environment of spark-submit."""

from __future__ import annotations

from pathlib import Path

import pytest

from localaws.spark.installation import Spark
from localaws.spark.submit import (
    MAX_DRIVER_MEMORY,
    MIN_DRIVER_MEMORY,
    defaults,
    driver_memory,
    environment,
    local_defaults,
    properties_file,
    submit_arguments,
)

SPARK = Spark(Path("/spark"), Path("/java"), Path("/bin/python"), "3.5.6")


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("--deploy-mode cluster --master yarn s3://b/x.py --k 3", "s3://b/x.py --k 3"),
        ("--master=yarn --name n s3://b/x.py", "--name n s3://b/x.py"),
        ("s3://b/x.py --master mine --deploy-mode its", "s3://b/x.py --master mine --deploy-mode its"),
        ("--verbose --master yarn --py-files s3://b/p.zip x.py", "--verbose --py-files s3://b/p.zip x.py"),
        ("--conf spark.master=yarn --conf spark.a=b=c x.py", "--conf spark.a=b=c x.py"),
        ("-c spark.submit.deployMode=cluster --conf=spark.master=yarn x.py", "x.py"),
        ("--driver-memory 6g x.py", "--driver-memory 6g x.py"),
        ("--master", ""),
        ("", ""),
    ],
)
def test_only_master_and_deploy_mode_before_the_script_are_dropped(given: str, kept: str) -> None:
    assert submit_arguments(given.split()) == kept.split()


def test_options_and_properties_that_are_ignored_are_dropped_before_the_script() -> None:
    given = "--driver-memory 14g --conf spark.driver.memory=14g --conf=spark.a=b x.py --driver-memory 1g"
    kept = "--conf=spark.a=b x.py --driver-memory 1g"
    assert submit_arguments(given.split(), {"spark.driver.memory"}) == kept.split()


def test_local_settings_override_the_cluster_configuration() -> None:
    configurations = [
        {"Classification": "spark-defaults", "Properties": {"spark.master": "yarn", "spark.a": "1"}},
        {"Classification": "yarn-site", "Properties": {"spark.b": "2"}},
        {"Classification": "spark"},
    ]
    assert defaults(configurations, {"spark.master": "local[*]"}) == {
        "spark.master": "local[*]",
        "spark.a": "1",
    }


def test_every_bucket_is_mounted_for_every_scheme() -> None:
    settings = local_defaults(SPARK, {"my.bucket": Path("/a b/s3/my.bucket")}, Path("/work"))
    assert (
        settings["spark.hadoop.fs.viewfs.mounttable.my.bucket.linkFallback"] == "disk:///a%20b/s3/my.bucket"
    )
    schemes = {settings[f"spark.hadoop.fs.{scheme}.impl"] for scheme in ("s3", "s3a", "s3n")}
    assert schemes == {"org.apache.hadoop.fs.viewfs.ViewFileSystemOverloadScheme"}


def test_the_defaults_file_is_a_java_properties_file() -> None:
    assert properties_file({"b": "x y", "a": "c:\\d"}) == "a c:\\\\d\nb x y\n"


def test_a_step_inherits_no_credentials_and_no_airflow_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_SECRET_ACCESS_KEY", "AWS_PROFILE", "AIRFLOW__CORE__FERNET_KEY", "HOME", "JAVA_HOME"):
        monkeypatch.setenv(name, "the server's")
    assert "the server's" not in environment(SPARK, Path("/work")).values()


@pytest.mark.parametrize(("limit", "heap"), [("2500000000", 1_250_000_000), ("1000", MIN_DRIVER_MEMORY)])
def test_a_driver_gets_half_of_a_small_container_but_not_less_than_the_minimum(
    tmp_path: Path, limit: str, heap: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("os.sysconf", {"SC_PAGE_SIZE": 4096, "SC_PHYS_PAGES": 2**30}.get)
    file = tmp_path / "memory.max"
    file.write_text(f"{limit}\n")
    assert driver_memory([tmp_path / "not-here", file]) == heap


def test_a_container_without_limit_uses_the_memory_of_the_machine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("os.sysconf", {"SC_PAGE_SIZE": 4096, "SC_PHYS_PAGES": 2**30}.get)
    file = tmp_path / "memory.max"
    file.write_text("max\n")
    assert driver_memory([file]) == MAX_DRIVER_MEMORY
