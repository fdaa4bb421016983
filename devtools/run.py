"""Runs a whole pipeline on this machine: ``python -m devtools.run [NAME=value ...]``.

Names are DAG (default sales_segmentation), INPUT (a file; default: sample data), ROWS (number of sample lines), AWS,
and the params of the trigger form in capitals, such as K=4 or FEATURE_SET=notebook. MAPPING can be a file, too. AWS is
``local``, the default, or ``account``: the account of the AWS variables, with the settings of the variables
EMR_PIPELINE_. Exit codes: 0 the run succeeded, 1 it failed, 2 it could not start, 130 after Ctrl-C.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from threading import Thread
from typing import Any

from rich.console import Console

from devtools import airflow_home, aws, dag_run, paths, sales, words
from devtools.screen import Screen
from localaws import StartError
from localaws.testing import LocalAws

ROWS = 1_048_575
"""Number of lines in the data set of the original study."""

DAG_ID = "sales_segmentation"
SAMPLES: dict[str, tuple[str, Callable[..., object]]] = {
    DAG_ID: ("sales-{}.csv", sales.write),
    "word_count": ("words-{}.txt", words.write),
}
"""The DAGs that can be run, each with the name of its sample file and the function that writes it."""

LOCAL, ACCOUNT = "local", "account"
INTERRUPTED = "Interrupted: all started processes are stopped."

DISK_BYTES_PER_ROW = 400
"""Disk space of a run per line: the CSV file twice, the outputs, Spark's temporary files."""


class RunError(Exception):
    """The run cannot start; the message is one sentence with the cause."""


@dataclass(frozen=True)
class RunOptions:
    """The options of the command line; ``params`` by their names in the trigger form."""

    dag_id: str
    input: Path | None
    rows: int
    params: dict[str, Any]
    on_account: bool = False

    @classmethod
    def parse(cls, arguments: Sequence[str]) -> RunOptions:
        """Parse the arguments. Raises RunError for an argument that is not NAME=value or has an invalid value."""
        given = {}
        for argument in arguments:
            name, equals, value = argument.partition("=")
            if not equals:
                raise RunError(f"{argument!r} is not NAME=value, such as ROWS=100000 or INPUT=sales.csv")
            given[name] = value
        dag_id, file, rows = given.pop("DAG", DAG_ID), given.pop("INPUT", ""), given.pop("ROWS", str(ROWS))
        if dag_id not in SAMPLES:
            raise RunError(f"DAG is {dag_id!r}; valid DAGs: {', '.join(SAMPLES)}")
        where = given.pop("AWS", LOCAL)
        if where not in (LOCAL, ACCOUNT):
            raise RunError(f"AWS is {where!r}; valid values: {LOCAL}, {ACCOUNT}")
        if file and not Path(file).is_file():
            raise RunError(f"INPUT: the file {file} does not exist")
        mapping = given.get("MAPPING", "")
        if mapping and not mapping.startswith("s3://"):
            if not Path(mapping).is_file():
                raise RunError(f"MAPPING: the file {mapping} does not exist")
            given["MAPPING"] = Path(mapping).read_text("utf-8")
        if not rows.isdecimal() or int(rows) == 0:
            raise RunError(f"ROWS is {rows!r}; it must be a whole number, at least 1")
        params = {name.lower(): _value(value) for name, value in given.items()}
        return cls(dag_id, Path(file) if file else None, int(rows), params, where == ACCOUNT)


def _value(text: str) -> Any:
    """Return a number as a number and anything else as text, as the trigger form does."""
    try:
        value = json.loads(text)
    except ValueError:
        return text
    return value if isinstance(value, int | float) else text


def main(arguments: Sequence[str]) -> int:
    """Run the pipeline and return the exit code."""
    log = paths.LOGS / f"run-{datetime.now():%Y%m%d-%H%M%S}.log"
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with dag_run.redirect_output(log) as stdout, os.fdopen(os.dup(stdout), "w") as terminal:
        screen = Screen(Console(file=terminal), step_status=_step_status)
        try:
            with ExitStack() as started:
                succeeded = _run(RunOptions.parse(arguments), screen, log, started)
        except (RunError, StartError) as problem:
            screen.error(str(problem))
            return 2
        except OSError as problem:
            screen.error(f"{problem}; all files of a run are in {paths.LOCAL}")
            return 2
        except KeyboardInterrupt:
            screen.error(INTERRUPTED)
            return 130
        return 0 if succeeded else 1


def _run(options: RunOptions, screen: Screen, log: Path, started: ExitStack) -> bool:
    """Return whether the run succeeded; ``started`` stops what was started."""
    start = time.monotonic()
    _check_disk(options)
    file = options.input or _sample_file(options, screen)
    importing = _start_importing_airflow()
    used, variables = _account() if options.on_account else _local_aws(log, started)
    os.environ.update(variables)
    with screen.step("Airflow is ready"):
        importing.join()
        dag = dag_run.load(options.dag_id)
    with screen.step(f"{file.name} is on S3"):
        uri = aws.provide(used, file, os.environ["EMR_PIPELINE_BUCKET"], f"raw/{file.name}")
    conf = {"input": uri, **options.params}
    try:
        dag_run.validate_conf(dag, conf)
    except ValueError as problem:
        raise RunError(str(problem)) from None
    with _interruptible(started, screen), screen.tasks(dag_run.task_instance_counts(dag)):
        result = dag_run.run(dag, conf, screen)
    # Other clusters of an account are not those of this run.
    alive = [] if options.on_account else aws.active_clusters(used)
    _summary(screen, result, options.on_account, time.monotonic() - start, log)
    if alive:
        screen.error(f"cluster {', '.join(alive)} was still alive after the run")
    return result.state == "success" and not alive


def _start_importing_airflow() -> Thread:
    """Return a thread that imports Airflow, which takes seconds, while the local AWS starts."""
    variables = airflow_home.airflow_variables(paths.AIRFLOW)
    airflow_home.migrate(variables, paths.LOGS / "airflow-db.log")
    os.environ.update(variables)
    sys.path.insert(0, variables["PYTHONPATH"])
    importing = Thread(target=dag_run.import_airflow, daemon=True)
    importing.start()
    return importing


def _local_aws(log: Path, started: ExitStack) -> tuple[aws.Aws, dict[str, str]]:
    """Start the local AWS, and return it with the variables for Airflow."""
    local = started.enter_context(
        LocalAws(
            "--cluster-seconds",
            "0.1",
            "--record-calls",
            str(log.with_suffix(".calls.jsonl")),
            state=paths.AWS,
            log=paths.LOGS / "localaws.log",
            region=aws.REGION,
        )
    )
    # The first call of Athena imports its modules in the server.
    Thread(target=local.client("athena").list_work_groups, daemon=True).start()
    return local, airflow_home.environment(paths.AIRFLOW, local.endpoint_url)


def _account() -> tuple[aws.Aws, dict[str, str]]:
    """Return the account of the environment with the variables for Airflow. Raises RunError."""
    for name in ("EMR_PIPELINE_BUCKET", "AWS_DEFAULT_REGION"):
        if not os.environ.get(name):
            raise RunError(f"{name} is not set; export the settings: set -a; . ./.env.aws; set +a")
    return aws.Account(), airflow_home.environment_of_account(paths.AIRFLOW)


@contextmanager
def _interruptible(started: ExitStack, screen: Screen) -> Iterator[None]:
    """On Ctrl-C or SIGTERM, stop all started processes and exit.

    For Airflow a KeyboardInterrupt in a task is an ordinary failure, and the run would continue.
    """

    def stop(number: int, _: object) -> None:
        screen.stop()
        started.close()
        screen.error(INTERRUPTED)
        screen.console.file.flush()
        os._exit(130)

    before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _check_disk(options: RunOptions) -> None:
    paths.LOCAL.mkdir(parents=True, exist_ok=True)
    size = options.input.stat().st_size * 4 if options.input else options.rows * DISK_BYTES_PER_ROW
    free = shutil.disk_usage(paths.LOCAL).free
    if free < size:
        raise RunError(
            f"{free / 1e6:,.0f} MB are free at {paths.LOCAL}, this run needs about {size / 1e6:,.0f} MB"
        )


def _sample_file(options: RunOptions, screen: Screen) -> Path:
    name, write = SAMPLES[options.dag_id]
    file = paths.DATA / name.format(options.rows)
    if not file.exists():
        file.parent.mkdir(parents=True, exist_ok=True)
        with screen.progress_bar("Sample data", options.rows) as progress:
            write(file, options.rows, progress=progress)
    return file


def _step_status() -> str:
    """Return the last log message of the running Spark step."""
    # In client mode Spark writes stdout and stderr of the Python driver to stdout.
    found = (*paths.AWS.glob("emr/*/*/stdout"), *paths.AWS.glob("emr-serverless/*/*/*/stdout"))
    logs = sorted(found, key=lambda path: path.stat().st_mtime)
    if not logs:
        return ""
    lines = [line for line in logs[-1].read_text(errors="replace").splitlines() if " INFO " in line]
    return lines[-1].partition(" INFO ")[2] if lines else "starting Spark"


def _summary(screen: Screen, result: dag_run.RunResult, on_account: bool, seconds: float, log: Path) -> None:
    if on_account:
        for task_id, error in result.errors.items():
            screen.error(f"{task_id}: {error}")
        screen.print(f"Done in {seconds:.0f} s: {result.state}")
        screen.print(f"Outputs: s3://{os.environ['EMR_PIPELINE_BUCKET']}/")
        screen.print(f"Log:     {log}")
        return
    outputs = paths.AWS / "s3" / airflow_home.BUCKET
    start = time.time() - seconds
    reports = [p for p in outputs.glob("reports/run_date=*/index.html") if p.stat().st_mtime >= start]
    if result.state == "success":
        for report in reports:
            screen.report(report.with_name("report.md").read_text())
        screen.print(f"\nDone in {seconds:.0f} s. No cluster is alive.")
        screen.print(f"Outputs: {outputs}")
        for report in reports:
            screen.print(f"Report:  {report}")
    else:
        for task_id, error in result.errors.items():
            screen.error(f"{task_id}: {error}" if not error.startswith(f"{task_id}:") else error)
        screen.print(f"Spark:   {paths.AWS / 'emr'}")
    screen.print(f"Log:     {log}")
    if result.state == "success" and reports:
        screen.print("Next:    make run K=4 · make run INPUT=your.csv · make test")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
