"""The primary node of a cluster: the folders, the environment and the commands of its bootstrap actions and steps.

Everything runs on this machine as the user of the server. The folder of the cluster has

    work/     the home directory, working directory and temporary folder; removed when the cluster has ended
    bin/      the commands of a node that this machine does not have: spark-submit, hadoop, s3-dist-cp, sudo, ...
    spark/    the Spark of a node, /usr/lib/spark
    hdfs/     the files of hdfs:///
    python/   with bootstrap actions: the Python of the cluster, where they can install packages
    conf/     spark-defaults.conf and core-site.xml
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import site
import sys
import venv
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any
from xml.sax.saxutils import escape

import localaws
from localaws.emr import spark_examples
from localaws.emr.s3_dist_cp import s3_dist_cp
from localaws.spark import submit
from localaws.spark.installation import Spark, SparkMissingError, find_spark

SPARK_HOME = "/usr/lib/spark"
"""Where Spark is on a node."""
SPARK_COMMANDS = ("spark-submit", "spark-sql", "run-example", "spark-example")
_COMMANDS = (*SPARK_COMMANDS, "hadoop", "hdfs", "s3-dist-cp")
_FOLDERS = {"", "/usr/bin", f"{SPARK_HOME}/bin", "/usr/lib/hadoop/bin"}
_NOT_SUPPORTED = re.compile(
    r"(hive|pig|impala|hbase|flink|presto|trino|oozie|sqoop|zeppelin|spark-(shell|class))\b.*"
)
"""Commands of a node that need an application which the local EMR does not have."""
_PATHS = re.compile(rf"{SPARK_HOME}(?=/)")
# The location of Python is that of this machine.
_FIXED_VARIABLES = ("PYSPARK_PYTHON", "PYSPARK_DRIVER_PYTHON", "JAVA_HOME", "SPARK_HOME")
# No other user exists on a node of the local EMR, so the command runs as the same user.
_SUDO = """#!/bin/sh
while :; do
    case "$1" in
        -u | -g) shift 2 ;;
        -*) shift ;;
        *) break ;;
    esac
done
exec env "$@"
"""
_COMMAND = """#!/bin/sh
exec {python} -c {program} {folder} {name} "$@"
"""
_PROGRAM = "import sys; sys.path.insert(0, {root!r}); from localaws.emr.node import main; main()"


class CommandError(Exception):
    """The command cannot run; the message says why."""


class Node:
    """``folder`` is the folder of the cluster; ``configurations`` are its Configurations in RunJobFlow.

    ``endpoint_url`` is the address of this server, for the programs that call AWS.
    """

    def __init__(
        self, folder: Path, configurations: Sequence[Mapping[str, Any]] = (), endpoint_url: str = ""
    ) -> None:
        self.folder, self._configurations, self._endpoint_url = folder, configurations, endpoint_url
        self.conf, self.work, self.bin = folder / "conf", folder / "work", folder / "bin"
        self._python, self._spark_home, self._hdfs = folder / "python", folder / "spark", folder / "hdfs"
        self._buckets = folder / "buckets"

    def prepare(self, buckets: Path, own_python: bool) -> None:
        """Create the folders. ``buckets`` is the folder of all buckets; ``own_python`` creates the Python."""
        for folder in (self.conf, self.work, self.bin, self._hdfs, self._spark_home):
            folder.mkdir(parents=True)
        self._buckets.symlink_to(buckets)
        program = _PROGRAM.format(root=str(Path(localaws.__file__).parents[1]))
        for name in _COMMANDS:
            words = {"python": sys.executable, "program": program, "folder": str(self.folder), "name": name}
            quoted = {key: shlex.quote(word) for key, word in words.items()}
            self._write_command(name, _COMMAND.format(**quoted))
        self._write_command("sudo", _SUDO)
        (self._spark_home / "bin").symlink_to(self.bin)
        if own_python:
            self._create_python()

    def _write_command(self, name: str, text: str) -> None:
        path = self.bin / name
        path.write_text(text, "utf-8")
        path.chmod(0o755)

    def _create_python(self) -> None:
        """Create an environment that has the packages of the server's Python, and into which pip installs.

        So a bootstrap action cannot change the environment of the server.
        """
        venv.EnvBuilder(symlinks=True).create(self._python)
        # The Python of EMR 7.x: https://docs.aws.amazon.com/emr/latest/ReleaseGuide/emr-release-app-versions-7.x.html
        if not (python := self._python / "bin" / "python3.11").exists():
            python.symlink_to("python3")
        folders = [*site.getsitepackages(), *([site.getusersitepackages()] if site.ENABLE_USER_SITE else [])]
        lines = [f"import site; site.addsitedir({folder!r})\n" for folder in folders]
        if pip := _bundled_pip():
            lines.append(f"{pip}\n")
        version = f"python{sys.version_info.major}.{sys.version_info.minor}"
        (self._python / "lib" / version / "site-packages" / "server.pth").write_text("".join(lines), "utf-8")
        for name in ("pip", "pip3"):
            self._write_command(name, '#!/bin/sh\nexec python3 -m pip "$@"\n')

    @cached_property
    def spark(self) -> Spark:
        """Raises SparkMissingError."""
        spark = find_spark()
        python = self._python / "bin" / "python3"
        return replace(spark, python=python) if python.exists() else spark

    def configure(self, buckets: Mapping[str, Path], event_logs: Path, s3a: Mapping[str, str]) -> None:
        """Write the configuration of Spark and Hadoop for the buckets that exist now.

        ``s3a`` are the settings of the S3A connector; without them, Spark reads and writes the files of the buckets.
        Raises SparkMissingError.
        """
        spark = self.spark
        for name in ("examples", "jars", "data"):
            with suppress(FileExistsError):  # another step may be first
                (self._spark_home / name).symlink_to(spark.home / name)
        local = submit.local_defaults(spark, {"default": self._hdfs, **buckets}, self.work, event_logs)
        local["spark.hadoop.fs.hdfs.impl"] = local["spark.hadoop.fs.s3.impl"]
        properties = submit.defaults(self._configurations, {**local, **s3a})
        _replace(self.conf / submit.CONFIGURATION, submit.properties_file(properties))
        prefix = "spark.hadoop."
        hadoop = {key.removeprefix(prefix): value for key, value in local.items() if key.startswith(prefix)}
        # The shell of Hadoop reads the owners of files by the scheme ``file``.
        hadoop = {key: value.replace(f"{submit.DISK}:", "file:", 1) for key, value in hadoop.items()}
        hadoop |= {"fs.file.impl": hadoop[f"fs.{submit.DISK}.impl"], "fs.defaultFS": "hdfs:///"}
        members = (
            f"<property><name>{escape(key)}</name><value>{escape(value)}</value></property>"
            for key, value in hadoop.items()
        )
        _replace(self.conf / "core-site.xml", f"<configuration>{''.join(members)}</configuration>")

    def environment(self) -> dict[str, str]:
        """Return the environment of a bootstrap action or a step, with the variables of ``spark-env``.

        The endpoint and the credentials are those of the local AWS: on AWS they come from the instance profile.
        """
        try:
            inherited = submit.environment(self.spark, self.work)
        except SparkMissingError:  # a program may not need Spark
            inherited = submit.inherited_environment(self.work)
        given = {
            key: value
            for key, value in spark_env(self._configurations).items()
            if key not in _FIXED_VARIABLES
        }
        path = [str(self.bin), *([str(self._python / "bin")] if self._python.exists() else [])]
        return {
            **inherited,
            **given,
            "PATH": os.pathsep.join([*path, inherited.get("PATH", os.defpath)]),
            # pip refuses to install into the Python of this machine.
            "PIP_REQUIRE_VIRTUALENV": "1",
            "AWS_ENDPOINT_URL": self._endpoint_url,
            "AWS_ACCESS_KEY_ID": "local",
            "AWS_SECRET_ACCESS_KEY": "any-secret-key",
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_REGION": "us-east-1",
        }

    def script(self, uri: str) -> Path:
        """Return a copy of the script, an S3 URI or a path, that can be executed. Raises CommandError."""
        source = self._local_path(uri) if "://" in uri else Path(uri)
        if not source.is_file():
            raise CommandError(f"the script {uri} does not exist")
        copy = self.work / source.name
        shutil.copyfile(source, copy)
        copy.chmod(0o755)
        if not copy.read_bytes().startswith(b"#!"):
            raise CommandError(f"the script {uri} does not begin with #!, such as #!/bin/bash")
        return copy

    def command(self, words: Sequence[str]) -> list[str]:
        """Return the command on this machine for a command of a node.

        Raises CommandError, SparkMissingError.
        """
        words = [_PATHS.sub(str(self._spark_home), word) for word in words]
        if not words:
            raise CommandError("the step has no arguments, so there is no command to run")
        folder, _, name = words[0].rpartition("/")
        if folder in _FOLDERS | {str(self._spark_home / "bin"), str(self.bin)}:
            match name, *words[1:]:
                case ["spark-submit", *args]:
                    return self._spark_submit(args)
                case ["spark-sql", *args]:
                    properties = str(self.conf / submit.CONFIGURATION)
                    sql = str(self.spark.home / "bin" / "spark-sql")
                    return [sql, "--properties-file", properties, *submit.submit_arguments(args)]
                case ["run-example" | "spark-example", *args]:
                    return self._example(args)
                case ["hadoop" | "hdfs", "fs" | "dfs", *args]:
                    return self._hadoop_fs(args)
                case ["s3-dist-cp", *_]:
                    return [str(self.bin / name), *words[1:]]
        if name in {"hadoop", "hdfs"} or _NOT_SUPPORTED.fullmatch(name):
            raise CommandError(f"not supported by the local EMR: {shlex.join([name, *words[1:2]])}")
        path = os.pathsep.join([str(self.bin), str(self._python / "bin"), os.environ.get("PATH", os.defpath)])
        if not shutil.which(words[0], path=path):
            raise CommandError(f'Cannot run program "{words[0]}": error=2, No such file or directory')
        return words

    def _spark_submit(self, args: Sequence[str]) -> list[str]:
        args = spark_examples.python_arguments(submit.submit_arguments(args), self.spark.home)
        return submit.command(self.spark, self.conf, args)

    def _example(self, args: Sequence[str]) -> list[str]:
        options, program = submit.split_options(args)
        if not program:
            raise CommandError("run-example needs the name of an example, such as SparkPi")
        script = spark_examples.script(program[0], self.spark.home)
        if script is None:
            raise CommandError(
                f"not supported by the local EMR: the example {program[0]}. PySpark has only the examples in Python,"
                f" such as SparkPi ({SPARK_HOME}/examples/src/main/python)"
            )
        return self._spark_submit(
            [word for option in options for word in option.words] + [str(script), *program[1:]]
        )

    def _hadoop_fs(self, args: Sequence[str]) -> list[str]:
        java, jars = self.spark.java_home / "bin" / "java", self.spark.home / "jars" / "*"
        shell = "org.apache.hadoop.fs.FsShell"
        return [str(java), "-XX:TieredStopAtLevel=1", "-cp", f"{self.conf}{os.pathsep}{jars}", shell, *args]

    def _local_path(self, uri: str) -> Path:
        """Return the file or folder of a URI of S3 or HDFS. Raises CommandError."""
        scheme, _, rest = uri.partition("://")
        if scheme == "hdfs":
            return self._hdfs / rest.partition("/")[2]
        if scheme in {"s3", "s3a", "s3n"}:
            return self._buckets / rest
        raise CommandError(f"{uri} is not a URI of S3 or HDFS")

    def run(self, name: str, args: Sequence[str]) -> int:
        """Run a command of ``bin``. Replaces this process, except for s3-dist-cp."""
        try:
            if name == "s3-dist-cp":
                return s3_dist_cp(args, self._local_path)
            command = self.command([name, *args])
        except (CommandError, ValueError, OSError, SparkMissingError) as error:
            print(f"{name}: {error}", file=sys.stderr)
            return 1
        return os.execv(command[0], command)


def spark_env(configurations: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """Return the variables of the classification ``export`` in ``spark-env``.

    https://docs.aws.amazon.com/emr/latest/ReleaseGuide/emr-spark-configure.html
    """
    return {
        key: value
        for configuration in configurations
        if configuration.get("Classification") == "spark-env"
        for export in configuration.get("Configurations", [])
        if export.get("Classification") == "export"
        for key, value in export.get("Properties", {}).items()
    }


def _bundled_pip() -> Path | None:
    """Return the wheel with pip of the standard library, which Python can import; None if there is none."""
    import ensurepip

    wheels = sorted((Path(ensurepip.__file__).parent / "_bundled").glob("pip-*.whl"))
    return wheels[0] if wheels else None


def _replace(path: Path, text: str) -> None:
    """Write the file atomically: another step may read or write it at the same time."""
    with NamedTemporaryFile("w", encoding="utf-8", dir=path.parent, delete=False) as new:
        new.write(text)
    Path(new.name).replace(path)


def main() -> None:
    folder, name, *args = sys.argv[1:]
    sys.exit(Node(Path(folder)).run(name, args))
