"""``emr-pipeline guess``: a proposal of the mapping for a CSV file."""

from __future__ import annotations

import bz2
import zlib
from contextlib import closing
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from emr_pipeline import mapping_guess
from emr_pipeline.cli import console, settings_file
from emr_pipeline.cli.aws import Aws
from emr_pipeline.cli.console import CommandError
from emr_pipeline.mapping import InputColumns, MappingError

MAX_BYTES = 2**20
"""The most bytes of the file that are read."""

COLUMNS = "dags/*/input_columns.json"
"""Where the pipelines of a clone have their columns."""


def guess(
    file: Annotated[str, typer.Argument(help="CSV file: a path, or an address on S3")],
    columns: Annotated[
        str, typer.Option(help=f"File with the columns of the pipeline; empty for the only {COLUMNS}")
    ] = "",
    settings: console.SettingsFile = console.DEFAULT_SETTINGS_FILE,
    json_output: console.Json = False,
) -> None:
    """Propose the mapping for a CSV file, from its first lines. The exit code is 1 if a column was not found."""
    try:
        known = InputColumns.read(_columns_file(columns))
        found = mapping_guess.guess(_unpacked(_start(file, settings), file), known)
    except MappingError as error:
        raise CommandError(f"{file}: {error}") from None
    except OSError as error:
        raise CommandError(str(error)) from None
    console.console(json_output).print(found.text(), end="", markup=False)
    if json_output:
        console.print_json(asdict(found))
    if found.not_found:
        raise typer.Exit(1)


def _columns_file(given: str) -> Path:
    files = [Path(given)] if given else sorted(Path().glob(COLUMNS))
    if len(files) != 1:
        raise CommandError(
            f"there are {len(files)} files {COLUMNS} here: name the one of your pipeline with --columns"
        )
    return files[0]


def _start(file: str, settings: Path) -> bytes:
    if not file.startswith("s3://"):
        with Path(file).open("rb") as opened:
            return opened.read(MAX_BYTES)
    bucket, _, key = file.removeprefix("s3://").partition("/")
    s3 = Aws(settings_file.read(settings)).client("s3")
    with closing(s3.get_object(Bucket=bucket, Key=key)["Body"]) as body:
        content: bytes = body.read(MAX_BYTES)
    return content


def _unpacked(content: bytes, file: str) -> bytes:
    """Return the unpacked beginning of a compressed file."""
    try:
        if file.endswith(".gz"):
            return zlib.decompressobj(zlib.MAX_WBITS | 16).decompress(content, MAX_BYTES)
        if file.endswith(".bz2"):
            return bz2.BZ2Decompressor().decompress(content, MAX_BYTES)
    except (OSError, zlib.error):
        raise CommandError(f"{file} cannot be unpacked: it is cut off, or not what its name says") from None
    return content
