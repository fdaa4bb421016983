"""How every chart is made: one look for files, whose colours the page can replace by those of its theme.

A chart is drawn once, in the colours of the light theme. Each colour stands for a role, so the page gets the same
drawing with ``var(--role)`` in its place, and follows the reader's theme.
"""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.axes import Axes

INK, MUTED, GRID, PAPER = "#1c2430", "#586372", "#dde2e8", "#ffffff"
ACCENT, FAINT = "#1f6fb3", "#a9c6e0"

SEGMENTS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#8c6d46", "#7f7f7f")
"""Okabe and Ito's colours, told apart with any colour vision, without yellow, which is lost on white."""

MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*", "p")
"""A second mark for each segment, as colours repeat; nine shapes and eight colours repeat together after 72."""

DIVERGING = (
    "#2166ac",
    "#4393c3",
    "#92c5de",
    "#d1e5f0",
    "#f7f7f6",
    "#fde0c5",
    "#fdb97d",
    "#ec8a3c",
    "#b35806",
)
"""From far below to far above the mean."""
ON_PALE, ON_STRONG, ON_EXTREME = "#1c2431", "#1c2432", "#fffffe"
"""Ink on the middle five of these colours, on their neighbours, on the outermost."""

THEME = {
    INK: "ink",
    MUTED: "muted",
    GRID: "grid",
    PAPER: "paper",
    ACCENT: "accent",
    FAINT: "faint",
    ON_PALE: "on-pale",
    ON_STRONG: "on-strong",
    ON_EXTREME: "on-extreme",
    **{colour: f"segment-{number}" for number, colour in enumerate(SEGMENTS)},
    **{colour: f"diverging-{number}" for number, colour in enumerate(DIVERGING)},
}
"""The custom property of the page for each colour; no two roles share a colour."""

STYLE: dict[Any, Any] = {  # matplotlib's type of a key is a list of them all
    "axes.axisbelow": True,
    "axes.edgecolor": GRID,
    "axes.facecolor": PAPER,
    "axes.grid": True,
    "axes.labelcolor": MUTED,
    "axes.spines.left": False,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlecolor": INK,
    "axes.titlelocation": "left",
    "axes.titlesize": 9.5,
    "figure.facecolor": PAPER,
    "font.family": "DejaVu Sans",  # comes with matplotlib: the same chart on every worker
    "font.size": 9,
    "grid.color": GRID,
    "grid.linewidth": 0.8,
    "legend.frameon": False,
    "legend.labelcolor": INK,
    "savefig.facecolor": PAPER,
    "svg.fonttype": "none",
    "text.color": INK,
    "text.parse_math": False,  # a product called "$x$" is no formula
    "xtick.color": GRID,
    "xtick.labelcolor": MUTED,
    "ytick.color": GRID,
    "ytick.labelcolor": INK,
    "ytick.left": False,
}

PNG_DPI = 160


@dataclass(frozen=True)
class Chart:
    """A chart as files and for the page."""

    name: str
    title: str
    caption: str
    """What one sees, in a sentence or two."""
    svg: bytes
    png: bytes
    inline: str
    """The SVG element for an HTML page, safe as it is: all text is escaped."""


def draw_chart(
    name: str,
    title: str,
    caption: str,
    draw: Callable[..., None],
    *,
    height: float,
    width: float = 7.4,
    panels: int = 1,
) -> Chart:
    """Return the chart that ``draw`` makes on its axes, one for each panel, side by side; sizes are in inches."""
    # Without pyplot: it keeps state, and every figure until it is closed.
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    svg, png = io.StringIO(), io.BytesIO()
    with rc_context(STYLE | {"svg.hashsalt": name}):
        figure = Figure(figsize=(width, height), layout="constrained")
        figure.suptitle(title, x=0.008, ha="left", fontsize=11, fontweight="bold")
        axes: list[Axes] = list(figure.subplots(1, panels, squeeze=False)[0])
        draw(*axes)
        # The layout is settled once, not for each file.
        figure.draw_without_rendering()
        figure.set_layout_engine("none")
        figure.savefig(svg, format="svg", metadata={"Date": None})
        figure.savefig(png, format="png", dpi=PNG_DPI, metadata={"Title": title, "Description": caption})
    element = _described(svg.getvalue(), name, title, caption)
    return Chart(name, title, caption, element.encode(), png.getvalue(), _themed(element, name))


def _described(svg: str, name: str, title: str, caption: str) -> str:
    """Return the bare svg element, with its size left to whoever shows it and the words for those who cannot see it."""
    element = re.sub(r"\s*<metadata>.*?</metadata>", "", svg[svg.index("<svg") :], flags=re.DOTALL)
    element = re.sub(r' (width|height)="[\d.]+pt"', "", element, count=2)
    words = f"<title>{escape(title)}</title><desc>{escape(caption)}</desc>"
    return re.sub(
        r"<svg ([^>]*)>",
        lambda tag: f'<svg role="img" aria-label="{escape(title)}" {tag[1]}>{words}',
        element,
        count=1,
    )


def _themed(element: str, name: str) -> str:
    """Return the element with the theme's properties for colours, and ids that no other chart of the page has."""

    def colour(found: re.Match[str]) -> str:
        role = THEME.get(found[2])
        return f"{found[1]}: var(--{role})" if role else found[0]

    element = re.sub(r"\b(fill|stroke): (#[0-9a-f]{6})", colour, element)
    element = re.sub(r'\b(id="|xlink:href="#|url\(#)', rf"\g<1>{name}-", element)
    return re.sub(r' xmlns(:xlink)?="[^"]*"', "", element).replace("xlink:href", "href")
