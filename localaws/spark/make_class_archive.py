"""Make the archive of Spark's classes of this Python environment, unless it exists.

    python -m localaws.spark.make_class_archive

It contains the classes that ``trial_step.py`` loads. It takes about as long as three steps, and about 160 MB.
"""

from __future__ import annotations

import fcntl
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from localaws.spark import class_archive, submit
from localaws.spark.installation import Spark, SparkMissingError, find_spark

TRIAL_STEP = Path(__file__).with_name("trial_step.py")
BUCKET, MAKING = "trial", "making-"


def make(spark: Spark) -> Path:
    """Return the folder of the archives, which are made if they do not exist.

    Raises OSError if the folder cannot be written, and CalledProcessError with the output if Java or Spark fails.
    """
    folder = class_archive.folder(spark)
    folder.parent.mkdir(parents=True, exist_ok=True)
    with (folder.parent / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not class_archive.is_complete(folder):
            # The archives of other versions, and the files of an interrupted attempt.
            for other in [*folder.parent.glob("spark-*"), *folder.parent.glob(f"{MAKING}*")]:
                shutil.rmtree(other)
            with tempfile.TemporaryDirectory(prefix=MAKING, dir=folder.parent) as making:
                _make(spark, Path(making))
                (Path(making) / "archives").rename(folder)
    return folder


def _make(spark: Spark, work: Path) -> None:
    archives, bucket, event_logs = work / "archives", work / BUCKET, work / "event-logs"
    for folder in (archives, bucket, event_logs):
        folder.mkdir()
    base = f"-XX:SharedArchiveFile={archives / class_archive.JAVA}"
    _run([str(spark.java_home / "bin" / "java"), "-Xshare:dump", base], work, {})
    submit.configure(spark, [], {BUCKET: bucket}, work, work, event_logs)
    # As in a step, except that the archive is written when the driver ends.
    at_exit = f'"{base}" "-XX:ArchiveClassesAtExit={archives / class_archive.SPARK}" -Xlog:disable'
    arguments = ["--conf", f"spark.driver.extraJavaOptions={at_exit}", str(TRIAL_STEP), f"s3://{BUCKET}"]
    _run(submit.command(spark, work, arguments), work, submit.environment(spark, work))
    (archives / class_archive.SIZES).write_text(class_archive.sizes(archives))


def _run(command: list[str], work: Path, environment: dict[str, str]) -> None:
    subprocess.run(
        command, cwd=work, env=environment, check=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )


def main() -> None:
    try:
        make(find_spark())
    except subprocess.CalledProcessError as error:
        sys.exit(f"cannot make the archive of Spark's classes: {error}\n{error.output.decode()[-2000:]}")
    except (OSError, SparkMissingError) as error:
        sys.exit(f"cannot make the archive of Spark's classes: {error}")


if __name__ == "__main__":
    main()
