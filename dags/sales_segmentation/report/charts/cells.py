"""Coloured cells with a text in each, in rows and columns with names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sales_segmentation.report.chart import INK, PAPER, cell_colours

if TYPE_CHECKING:
    from matplotlib.axes import Axes


@dataclass(frozen=True)
class Cell:
    """The text of a cell, its colour as a step from -4 to 4 (see ``cell_colours``), and whether it has a frame."""

    text: str
    step: int
    framed: bool = False


def draw_cells(
    axes: Axes,
    cells: Mapping[tuple[int, int], Cell],
    rows: Sequence[str],
    columns: Sequence[str],
    fontsize: float = 8.5,
) -> None:
    """Draw ``cells`` by row and column, the first row on top, with the names of the rows and columns."""
    from matplotlib.patches import Rectangle

    for (row, column), cell in cells.items():
        colour, ink = cell_colours(cell.step)
        edge = INK if cell.framed else PAPER
        place = column - 0.47, row - 0.44
        axes.add_patch(Rectangle(place, 0.94, 0.88, facecolor=colour, edgecolor=edge, linewidth=1.8))
        axes.text(column, row, cell.text, ha="center", va="center", color=ink, fontsize=fontsize)
    axes.set_xlim(-0.5, len(columns) - 0.5)
    axes.set_ylim(len(rows) - 0.5, -0.5)
    axes.set_xticks(range(len(columns)), columns)
    axes.set_yticks(range(len(rows)), rows)
    axes.tick_params(axis="x", top=False, labeltop=True, bottom=False, labelbottom=False, labelcolor=INK)
    axes.grid(visible=False)
    axes.spines.bottom.set_visible(False)
