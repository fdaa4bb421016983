"""Generates sample text of random words, of any size and reproducible: ``python -m devtools.words PATH --lines N``."""

from __future__ import annotations

import random
from argparse import ArgumentParser
from collections.abc import Callable
from pathlib import Path

TEXT = """
It was the best of times, it was the worst of times, it was the age of wisdom, it was the age of foolishness, it was
the epoch of belief, it was the epoch of incredulity, it was the season of Light, it was the season of Darkness, it was
the spring of hope, it was the winter of despair, we had everything before us, we had nothing before us.
"""
"""The source of the words: Charles Dickens, A Tale of Two Cities (1859), in the public domain."""

WORDS_PER_LINE = 12
LINES_PER_BLOCK = 10_000


def write(path: Path, lines: int, *, progress: Callable[[int], None] | None = None) -> None:
    """Write text; the same number of lines gives the same bytes. ``progress`` is called with the lines written so far.

    The file is written atomically.
    """
    generator, words = random.Random(7), TEXT.split()
    partial = path.with_name(f"{path.name}.partial")
    with partial.open("w", encoding="utf-8") as file:
        for line in range(1, lines + 1):
            file.write(" ".join(generator.choices(words, k=WORDS_PER_LINE)) + "\n")
            if progress and (line % LINES_PER_BLOCK == 0 or line == lines):
                progress(line)
    partial.rename(path)


if __name__ == "__main__":
    parser = ArgumentParser(prog="python -m devtools.words", description="Write sample text.")
    parser.add_argument("path", type=Path)
    parser.add_argument("--lines", type=int, default=10_000)
    options = parser.parse_args()
    write(options.path, options.lines)
