"""The output of a command: text for people, or one JSON document on stdout with ``--json``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from emr_pipeline.cli.settings_file import SETTINGS_FILE

Json = Annotated[
    bool, typer.Option("--json", help="Print one JSON document on stdout and all other text on stderr")
]
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask for confirmation")]
SettingsFile = Annotated[
    Path, typer.Option("--settings", help="File with the lines EMR_PIPELINE_<FIELD>=value")
]
DEFAULT_SETTINGS_FILE = Path(SETTINGS_FILE)


class CommandError(Exception):
    """The command cannot do its work; the message is one sentence with the cause and the solution."""

    def __init__(self, message: str, exit_code: int = 2) -> None:
        super().__init__(message)
        self.exit_code = exit_code


def console(json_output: bool) -> Console:
    """Return the console for text. It writes to stderr if stdout is for JSON."""
    return Console(stderr=json_output, highlight=False, soft_wrap=True)


def confirm(question: str, *, yes: bool) -> None:
    """Ask on stderr unless ``yes``; end the command with exit code 1 if the answer is not yes."""
    if not yes and not typer.confirm(question, err=True):
        raise CommandError("Not confirmed", exit_code=1)


def print_json(document: Any) -> None:
    typer.echo(json.dumps(document, indent=2, default=str))
