"""The command line, spark-defaults.conf and environment of spark-submit on this machine.

The arguments are passed on unchanged, except where the driver runs (--deploy-mode) and which cluster manager is
used (--master). Both are replaced, because everything runs on this machine.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence, Set
from pathlib import Path
from typing import Any, NamedTuple

from localaws import memory
from localaws.spark import class_archive
from localaws.spark.installation import Spark

FLAGS = frozenset({"--help", "-h", "--supervise", "--usage-error", "--verbose", "-v", "--version"})
OPTION_PROPERTIES = {
    "--master": "spark.master",
    "--deploy-mode": "spark.submit.deployMode",
    "--driver-memory": "spark.driver.memory",
    "--driver-cores": "spark.driver.cores",
    "--executor-memory": "spark.executor.memory",
    "--executor-cores": "spark.executor.cores",
    "--num-executors": "spark.executor.instances",
}
PLACEMENT_PROPERTIES = frozenset({"spark.master", "spark.submit.deployMode"})
MAX_DRIVER_MEMORY = 4 * 2**30  # bytes of heap; a step can set more with --driver-memory
DISK = "disk"
"""URI scheme of the raw local file system that the mounts point to."""
MIN_DRIVER_MEMORY = 2**30
CONFIGURATION = "spark-defaults.conf"
S3A_JARS = ("hadoop-aws-*.jar", "aws-java-sdk-bundle-*.jar")
S3A_FILE_SYSTEM = "org.apache.hadoop.fs.s3a.S3AFileSystem"
INHERITED = ("PATH", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "USER", "LOGNAME")


def configure(
    spark: Spark,
    configurations: Iterable[Mapping[str, Any]],
    buckets: Mapping[str, Path],
    conf: Path,
    work: Path,
    event_logs: Path | None = None,
) -> None:
    """Write the file ``CONFIGURATION`` to the folder ``conf``; the other arguments are those of the next functions."""
    properties = defaults(configurations, local_defaults(spark, buckets, work, event_logs))
    (conf / CONFIGURATION).write_text(properties_file(properties), "utf-8")


def command(spark: Spark, conf: Path, args: Sequence[str]) -> list[str]:
    """Return the command that runs ``args``, of ``submit_arguments``, with the configuration in ``conf``."""
    return [str(spark.submit), "--properties-file", str(conf / CONFIGURATION), *args]


class Option(NamedTuple):
    """An option of spark-submit; ``words`` are its words on the command line. A flag has no value."""

    name: str
    value: str
    words: list[str]

    @property
    def properties(self) -> dict[str, str]:
        """The Spark property that the option sets."""
        if self.name in {"--conf", "-c"}:
            key, _, value = self.value.partition("=")
            return {key.strip(): value.strip()}
        return {OPTION_PROPERTIES[self.name]: self.value} if self.name in OPTION_PROPERTIES else {}


def split_options(args: Sequence[str]) -> tuple[list[Option], list[str]]:
    """Return the options of spark-submit, and the program with its own arguments."""
    options: list[Option] = []
    rest = list(args)
    while rest and rest[0].startswith("-"):
        name, equals, value = rest[0].partition("=")
        length = 1 if name in FLAGS or equals else 2
        words, rest = rest[:length], rest[length:]
        options.append(Option(name, value if equals else words[1] if len(words) == length > 1 else "", words))
    return options, rest


def submit_arguments(args: Sequence[str], ignored: Set[str] = frozenset()) -> list[str]:
    """Return spark-submit's arguments without those that set the master, the deploy mode or an ignored property.

    The program's own arguments are unchanged.
    """
    options, program = split_options(args)
    kept = [o for o in options if not o.properties.keys() & (PLACEMENT_PROPERTIES | ignored)]
    return [word for option in kept for word in option.words] + program


def defaults(configurations: Iterable[Mapping[str, Any]], local: Mapping[str, str]) -> dict[str, str]:
    """Return the ``spark-defaults`` classification of the configurations, overridden by the local settings."""
    return {**spark_defaults(configurations), **local}


def spark_defaults(configurations: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """Return the properties of the classification ``spark-defaults``."""
    return {
        key: value
        for configuration in configurations
        if configuration.get("Classification") == "spark-defaults"
        for key, value in configuration.get("Properties", {}).items()
    }


JIT_OPTIONS = (
    "-XX:Tier4InvocationThreshold=50000",
    "-XX:Tier4MinInvocationThreshold=6000",
    "-XX:Tier4CompileThreshold=150000",
    "-XX:Tier4BackEdgeThreshold=400000",
)
"""Let Java's C2 compiler compile only code that runs ten times as often as the default thresholds.

Most local steps take seconds, and C2 then costs more CPU time than its code saves. With the C1 compiler alone, however,
preprocess took 1.9 times as long over ten million lines.
https://docs.oracle.com/en/java/javase/17/docs/specs/man/java.html
"""


def local_defaults(
    spark: Spark, buckets: Mapping[str, Path], work: Path, event_logs: Path | None = None
) -> dict[str, str]:
    """Return the local settings. ``buckets`` maps each bucket to its folder; ``work`` is for temporary files.

    ``event_logs`` is the folder for the event log of the application; without it, none is written.

    A viewfs mount maps ``s3://bucket/...`` to the bucket's folder, without an extra jar or a copy. The raw file system
    writes no ``.crc`` files next to the objects. It has its own scheme, because Spark ML can load models only if
    ``file`` is Hadoop's default file system.
    """
    viewfs = "org.apache.hadoop.fs.viewfs.ViewFileSystemOverloadScheme"
    java_options = [
        "-XX:-UsePerfData",
        *JIT_OPTIONS,
        f'-Djava.io.tmpdir="{work}"',
        f'-Dderby.system.home="{work}"',
        *class_archive.driver_options(spark),
    ]
    mounts = {
        f"spark.hadoop.fs.viewfs.mounttable.{bucket}.linkFallback": folder.as_uri().replace(
            "file:", f"{DISK}:", 1
        )
        for bucket, folder in buckets.items()
    }
    return {
        "spark.master": "local[*]",
        "spark.submit.deployMode": "client",
        "spark.driver.memory": f"{driver_memory() // 2**20}m",
        "spark.driver.host": "127.0.0.1",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.driver.defaultJavaOptions": " ".join(java_options),
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        **_event_log(event_logs),
        "spark.local.dir": str(work),
        "spark.sql.warehouse.dir": (work / "warehouse").as_uri(),
        "spark.jars.ivy": str(work / "ivy"),
        "spark.pyspark.python": str(spark.python),
        "spark.pyspark.driver.python": str(spark.python),
        f"spark.hadoop.fs.{DISK}.impl": "org.apache.hadoop.fs.RawLocalFileSystem",
        **{f"spark.hadoop.fs.{scheme}.impl": viewfs for scheme in ("s3", "s3a", "s3n")},
        **mounts,
    }


def s3a(jars: Path, endpoint_url: str) -> dict[str, str]:
    """Return the settings with which Spark reads and writes S3 through its connector S3A, from this endpoint.

    ``jars`` is a folder with hadoop-aws and the bundle of the AWS SDK.
    https://hadoop.apache.org/docs/r3.3.1/hadoop-aws/tools/hadoop-aws/index.html
    """
    files = [jar for name in S3A_JARS for jar in sorted(jars.glob(name))]
    return {
        "spark.driver.extraClassPath": os.pathsep.join(map(str, files)),
        **{f"spark.hadoop.fs.{scheme}.impl": S3A_FILE_SYSTEM for scheme in ("s3", "s3a", "s3n")},
        "spark.hadoop.fs.s3a.endpoint": endpoint_url,
        "spark.hadoop.fs.s3a.path.style.access": "true",
        "spark.hadoop.fs.s3a.access.key": "local",
        "spark.hadoop.fs.s3a.secret.key": "any-secret-key",
    }


def _event_log(folder: Path | None) -> dict[str, str]:
    if folder is None:
        return {"spark.eventLog.enabled": "false"}
    return {
        "spark.eventLog.enabled": "true",
        "spark.eventLog.compress": "true",
        "spark.eventLog.dir": folder.as_uri(),
    }


def properties_file(properties: Mapping[str, str]) -> str:
    """Return the content of spark-defaults.conf, a Java properties file."""
    return "".join(f"{key} {value}\n".replace("\\", "\\\\") for key, value in sorted(properties.items()))


def environment(spark: Spark, work: Path) -> dict[str, str]:
    """Return a step's environment.

    SPARK_CONF_DIR is not set: spark-submit adds the folder to the class path, and Java ignores the archive of Spark's
    classes if the class path is another one than that of the archive.
    """
    return {
        **inherited_environment(work),
        "JAVA_HOME": str(spark.java_home),
        "SPARK_HOME": str(spark.home),
        "SPARK_LAUNCHER_OPTS": " ".join(class_archive.launcher_options(spark)),
        "SPARK_LOCAL_IP": "127.0.0.1",
        "PYSPARK_PYTHON": str(spark.python),
        "PYSPARK_DRIVER_PYTHON": str(spark.python),
    }


def inherited_environment(work: Path) -> dict[str, str]:
    """Return the environment of a program: path, language, time zone and user name are inherited from the server."""
    return {
        **{name: os.environ[name] for name in INHERITED if name in os.environ},
        "HOME": str(work),  # without ~/.aws and ~/.m2 of the user
        "TMPDIR": str(work),
    }


def driver_memory(limits: Iterable[Path] = memory.LIMITS) -> int:
    """Return the heap size of a driver in bytes, between the minimum and the maximum.

    It is a quarter of the machine's memory, but at most half of the container's, which runs nothing else.
    """
    halves = [limit // 2 for limit in memory.container_limits(limits)]
    return max(MIN_DRIVER_MEMORY, min(MAX_DRIVER_MEMORY, memory.physical_memory() // 4, *halves))
