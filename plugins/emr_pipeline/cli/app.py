"""The commands of ``emr-pipeline``.

Exit codes: 0 success, 1 the command failed or was not confirmed, 2 wrong usage or no access to AWS or Airflow, 130
after Ctrl-C.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

import typer
from botocore.exceptions import BotoCoreError, ClientError

from emr_pipeline.cli.console import CommandError
from emr_pipeline.cli.deploy import deploy
from emr_pipeline.cli.doctor import doctor
from emr_pipeline.cli.guess import guess
from emr_pipeline.cli.logs import logs
from emr_pipeline.cli.plan import plan
from emr_pipeline.cli.reap import reap
from emr_pipeline.cli.run import run
from emr_pipeline.cli.status import status
from emr_pipeline.cli.undeploy import undeploy
from emr_pipeline.settings import SettingsError

app = typer.Typer(
    name="emr-pipeline",
    help="Creates and checks the AWS resources of a pipeline, runs it in Airflow and shows its clusters. The account, "
    "the region and the endpoint are those of the AWS variables, such as AWS_PROFILE, AWS_DEFAULT_REGION and "
    "AWS_ENDPOINT_URL.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
for command in (deploy, doctor, guess, logs, plan, reap, run, status, undeploy):
    app.command()(command)


@app.callback()
def root() -> None:
    """Keep the name of the command in the command line, even if there is only one."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command with ``arguments``, by default those of the process, and return the exit code."""
    try:
        app(arguments)
    except SystemExit as end:
        return int(end.code or 0)
    except CommandError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code
    except (BotoCoreError, ClientError, SettingsError) as error:
        sys.stderr.write(f"{error}\n")
        return 2
    return 0
