"""The style of all charts, and a chart as PNG and SVG files and as an SVG element of the page.

A chart is drawn twice, for wide and for narrow screens, in the colours of the light theme. In the SVG elements of the
page each colour is replaced by the CSS property of its role, ``var(--role)``, so that the chart follows the light or
dark theme of the reader.
"""

from __future__ import annotations

import io
import re
import textwrap
from collections.abc import Callable
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.legend import Legend

INK, MUTED, GRID, PAPER = "#1c2430", "#586372", "#dde2e8", "#ffffff"
ACCENT, FAINT = "#1f6fb3", "#a9c6e0"

SEGMENTS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#8c6d46", "#7f7f7f")
"""The palette of Okabe and Ito, which is safe for colour-blind readers, without yellow, which is too pale on white."""

MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*", "p")
"""Marker shapes of the segments. With nine shapes and eight colours a combination repeats only after 72 segments."""

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
"""Colours of the heatmap, from far below to far above the mean."""
ON_PALE, ON_STRONG, ON_EXTREME = "#1c2431", "#1c2432", "#fffffe"
"""Text colours on the five middle colours of ``DIVERGING``, on their neighbours, and on the two outer ones."""

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
"""The role of each colour, which is the name of its CSS property in ``style.css``; no two roles share a colour."""

STYLE: dict[Any, Any] = {  # matplotlib types a key as a literal of all names
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
    "font.family": "DejaVu Sans",  # included in matplotlib, so all workers draw the same chart
    "font.size": 9,
    "grid.color": GRID,
    "grid.linewidth": 0.8,
    "legend.frameon": False,
    "legend.labelcolor": INK,
    "savefig.facecolor": PAPER,
    "svg.fonttype": "none",
    "text.color": INK,
    "text.parse_math": False,  # a product name such as "$x$" is not a formula
    "xtick.color": GRID,
    "xtick.labelcolor": MUTED,
    "ytick.color": GRID,
    "ytick.labelcolor": INK,
    "ytick.left": False,
}

PNG_DPI = 160

WIDTH, NARROW_WIDTH = 7.4, 3.6
"""Inches. On a phone, text of a chart of the narrow width has about 11 pixels."""
NARROW_TITLE = 38
"""Characters in a line of the title of a narrow chart."""


@dataclass(frozen=True)
class Chart:
    """A chart as files and as an element of the page."""

    name: str
    title: str
    caption: str
    """What the chart shows, in one or two sentences."""
    svg: bytes
    png: bytes
    inline: str
    """The SVG element for the HTML page; all text in it is escaped."""
    narrow: str
    """The same for the screen of a phone."""


def draw_chart(
    name: str,
    title: str,
    caption: str,
    draw: Callable[..., None],
    *,
    height: float,
    width: float = WIDTH,
    panels: int = 1,
) -> Chart:
    """Return a chart. ``draw`` gets one ``Axes`` for each panel; the sizes are in inches.

    The panels are side by side, in the narrow chart one below the other. ``is_narrow`` tells ``draw`` which one it is.
    """
    metadata = {"Title": title, "Description": caption}
    svg, png = _draw(name, title, draw, (width, height), (1, panels), png_metadata=metadata)
    narrow_title = textwrap.fill(title, NARROW_TITLE)
    narrow_height = height * panels + 0.2 * narrow_title.count("\n")
    narrow, _ = _draw(name, narrow_title, draw, (NARROW_WIDTH, narrow_height), (panels, 1))
    element = _accessible(svg, title, caption)
    return Chart(
        name,
        title,
        caption,
        element.encode(),
        png,
        _themed(element, name),
        _themed(_accessible(narrow, title, caption), f"{name}-narrow"),
    )


def cell_colours(step: int) -> tuple[str, str]:
    """Return the colours of a heat-map cell and of the text in it; ``step`` is a place in DIVERGING, from -4 to 4."""
    ink = ON_EXTREME if abs(step) == 4 else ON_STRONG if abs(step) == 3 else ON_PALE
    return DIVERGING[step + 4], ink


def draw_legend(axes: Axes, entries: int, **options: Any) -> Legend:
    """Draw the legend of ``entries`` segments below the chart, on a wide chart in two columns."""
    figure = axes.get_figure(root=True)
    assert figure is not None
    columns = 2 if entries > 1 and not is_narrow(axes) else 1
    return figure.legend(loc="outside lower left", ncols=columns, fontsize=8.5, **options)


def is_narrow(axes: Axes) -> bool:
    """Return whether the chart is drawn for the screen of a phone."""
    figure = axes.get_figure(root=True)
    return figure is not None and figure.get_figwidth() < WIDTH


def _draw(
    name: str,
    title: str,
    draw: Callable[..., None],
    size: tuple[float, float],
    grid: tuple[int, int],
    png_metadata: dict[str, str] | None = None,
) -> tuple[str, bytes]:
    """Return the chart as SVG and, with metadata, as PNG."""
    # pyplot is not used: it keeps global state, and each figure until it is closed.
    from matplotlib import rc_context
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure

    svg, png = io.StringIO(), io.BytesIO()
    with rc_context(STYLE | {"svg.hashsalt": name}):
        figure = Figure(figsize=size, layout="constrained")
        figure.suptitle(title, x=0.008, ha="left", fontsize=11, fontweight="bold")
        axes: list[Axes] = list(figure.subplots(*grid, squeeze=False).flat)
        draw(*axes)
        # The layout is computed once, not for each file. ``savefig`` would draw each file twice, to compute it again.
        figure.draw_without_rendering()
        figure.set_layout_engine("none")
        FigureCanvasSVG(figure).print_svg(svg, metadata={"Date": None})
        if png_metadata:
            figure.set_dpi(PNG_DPI)
            FigureCanvasAgg(figure).print_png(png, metadata=png_metadata)
    return svg.getvalue(), png.getvalue()


def _accessible(svg: str, title: str, caption: str) -> str:
    """Return the svg element without a fixed size, with title and description for screen readers."""
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
    """Return the element with CSS properties as colours, and with ids that are unique in the page."""

    def colour(found: re.Match[str]) -> str:
        role = THEME.get(found[2])
        return f"{found[1]}: var(--{role})" if role else found[0]

    element = re.sub(r"\b(fill|stroke): (#[0-9a-f]{6})", colour, element)
    element = re.sub(r'\b(id="|xlink:href="#|url\(#)', rf"\g<1>{name}-", element)
    return re.sub(r' xmlns(:xlink)?="[^"]*"', "", element).replace("xlink:href", "href")
