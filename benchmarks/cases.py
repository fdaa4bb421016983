"""The amounts of data that are measured, and the sample file of each."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from devtools import sales

LINES = 1_048_575
"""Scale 1: the size of the data set of the original study."""

CUSTOMERS = 10_000


@dataclass(frozen=True, order=True)
class Case:
    """An amount of data: numbers of lines and customers."""

    lines: int
    customers: int

    @property
    def name(self) -> str:
        return f"{self.lines}-lines-{self.customers}-customers"

    def sample(self, folder: Path) -> Path:
        """Return the file with the sample lines; create it if it does not exist."""
        file = folder / f"{self.name}.csv"
        if not file.exists():
            folder.mkdir(parents=True, exist_ok=True)
            sales.write(file, self.lines, customers=self.customers)
        return file
