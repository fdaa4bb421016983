"""The commands of docs/aws-setup.md, run in their order in one shell against the local AWS.

A command is left out only if the page says so above it. In the shell, only the address and the credentials of AWS are
different, and ``make`` does not install its environment again.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from localaws.testing import LocalAws

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "aws-setup.md"
BLOCK = re.compile(
    r"(?:^\*Not tried by the test: (?P<reason>[^*]+)\*\n\n)?^```\n(?P<text>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)
REGION = "eu-central-1"
MAKE = 'make() { command make -o .venv/complete "$@" < <(yes); }\n'
"""Each question is answered with yes."""


@dataclass(frozen=True)
class Block:
    text: str
    reason: str
    """Why it is not tried; '' if it is."""


def blocks(page: str) -> list[Block]:
    return [Block(found["text"], found["reason"] or "") for found in BLOCK.finditer(page)]


def script(page: str) -> str:
    """Return the script with all commands of the page that are tried; it ends at the first that fails."""
    tried = [block.text for block in blocks(page) if not block.reason]
    steps = [f"echo '+ block {number}' >&2\n{text}" for number, text in enumerate(tried, 1)]
    return f"set -euo pipefail\n{MAKE}{''.join(steps)}"


def test_every_block_is_tried_or_has_a_reason() -> None:
    page = PAGE.read_text(encoding="utf-8")
    found = blocks(page)
    assert len(found) == page.count("\n```\n") // 2
    assert page.count("*Not tried") == len([block for block in found if block.reason])
    assert len([block for block in found if not block.reason]) >= 9


def test_the_make_targets_of_the_page_exist() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert set(re.findall(r"^(?:\w+=\S+ )*make ([a-z-]+)", PAGE.read_text(), re.MULTILINE)) <= targets


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the repository, with the environment of this one."""
    folder = tmp_path_factory.mktemp("clone")
    files = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard", "-z"], cwd=ROOT, capture_output=True, check=True
    )
    for name in files.stdout.decode().rstrip("\0").split("\0"):
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)
    (folder / ".venv").unlink(missing_ok=True)
    (folder / ".venv").symlink_to(ROOT / ".venv")
    return folder


@pytest.fixture
def aws() -> Iterator[LocalAws]:
    with LocalAws("--cluster-seconds", "0.1", region=REGION) as local_aws:
        yield local_aws


def run(text: str, clone: Path, aws: LocalAws) -> subprocess.CompletedProcess[str]:
    """Run a script in the copy."""
    hidden = ("AWS_", "AIRFLOW", "EMR_PIPELINE_", "DEVTOOLS_", "MAKE")
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(hidden)}
    cli = ROOT / ".venv-awscli" / "bin"
    assert (cli / "aws").exists(), "make test-setup creates .venv-awscli"
    return subprocess.run(
        ["bash", "-c", text],
        cwd=clone,
        env=inherited | aws.environment | {"PATH": f"{cli}:{inherited['PATH']}"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.setup
def test_the_commands_lead_from_an_empty_account_to_a_run_and_back(clone: Path, aws: LocalAws) -> None:
    page = PAGE.read_text(encoding="utf-8")
    done = run(script(page), clone, aws)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    assert "0 failed" in done.stdout
    assert "index.html" in done.stdout
    bucket = aws.state / "s3" / f"sales-segmentation-123456789012-{REGION}"
    assert list(bucket.glob("processed/customer_segments/run_date=2026-01-31/*.parquet"))
    stacks = aws.client("cloudformation").describe_stacks()["Stacks"]
    assert [stack["StackName"] for stack in stacks if stack["StackStatus"] != "DELETE_COMPLETE"] == []


@pytest.mark.setup
@pytest.mark.parametrize(
    ("command", "broken", "message"),
    [
        ("aws iam create-role", "aws iam make-role", "Invalid choice"),
        ("--caller-role sales", "--caller-name sales", "No such option: --caller-name"),
    ],
)
def test_a_broken_command_of_the_page_is_found(
    clone: Path, aws: LocalAws, command: str, broken: str, message: str
) -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert command in page
    done = run(script(page.replace(command, broken, 1)), clone, aws)
    assert done.returncode != 0
    assert message in done.stderr
