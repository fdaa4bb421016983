"""The page of the command line lists all commands with their options."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command

from emr_pipeline.cli.app import app

PAGE = (Path(__file__).parents[4] / "docs/command-line.md").read_text()
COMMANDS: dict[str, Any] = get_command(app).commands
COMMON = {"help", "settings", "json_output"}
"""The options of all commands, which the page describes once."""


def row(parameter: Any) -> str:
    names = [*parameter.opts, *parameter.secondary_opts]
    if parameter.param_type_name == "argument":
        names = [parameter.metavar or parameter.name.upper()]
    default = (
        f" (default `{parameter.default}`)" if parameter.default not in (None, "", [], False, True) else ""
    )
    return f"| {' / '.join(f'`{name}`' for name in names)} | {parameter.help}{default} |"


def test_the_page_has_a_section_for_each_command() -> None:
    assert re.findall(r"^## (.+)$", PAGE, re.MULTILINE) == list(COMMANDS)


@pytest.mark.parametrize("command", COMMANDS)
def test_the_section_of_a_command_lists_its_options(command: str) -> None:
    section = re.split(r"^## ", PAGE.partition(f"\n## {command}\n")[2], flags=re.MULTILINE)[0]
    rows = [row(parameter) for parameter in COMMANDS[command].params if parameter.name not in COMMON]
    table = [line for line in section.splitlines() if re.match(r"\| `", line)]
    assert table == rows
    assert COMMANDS[command].help, "--help has no text"
