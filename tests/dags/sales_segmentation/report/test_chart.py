"""One drawing for files and for the page, whose theme gives it other colours."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from sales_segmentation.report import chart
from sales_segmentation.report.chart import ACCENT, INK, THEME, draw_chart

STYLE = Path(chart.__file__).with_name("style.css").read_text()


def draw(axes: Any) -> None:
    axes.barh([0], [1], color=ACCENT)
    axes.text(0, 0, f"fill: {INK}")


def test_the_page_has_properties_where_the_file_has_colours() -> None:
    drawn = draw_chart("bars", "Bars", "One bar.", draw, height=2)
    assert f"fill: {ACCENT}" in drawn.svg.decode()
    assert "fill: var(--accent)" in drawn.inline
    assert ACCENT not in drawn.inline
    painted = set(re.findall(r"(?:fill|stroke): (#\w+)", drawn.inline))
    assert painted <= {INK}, "a colour that does not follow the theme"


def test_light_and_dark_define_every_property_and_light_is_what_the_files_show() -> None:
    light, dark = STYLE.split("prefers-color-scheme: dark", 1)
    for colour, role in THEME.items():
        assert f"--{role}: {colour};" in light
        assert f"--{role}: #" in dark
    assert len(set(THEME.values())) == len(THEME)
