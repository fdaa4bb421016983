"""A chart has fixed colours in files, and the colours of the theme in the page."""

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


def test_the_page_has_css_properties_where_the_file_has_colours() -> None:
    drawn = draw_chart("bars", "Bars", "One bar.", draw, height=2)
    assert f"fill: {ACCENT}" in drawn.svg.decode()
    assert "fill: var(--accent)" in drawn.inline
    assert ACCENT not in drawn.inline
    remaining = set(re.findall(r"(?:fill|stroke): (#\w+)", drawn.inline))
    assert remaining <= {INK}, "a colour that does not follow the theme"


def test_both_themes_define_each_property_and_the_light_theme_has_the_colours_of_the_files() -> None:
    light, dark = STYLE.split("prefers-color-scheme: dark", 1)
    for colour, role in THEME.items():
        assert f"--{role}: {colour};" in light
        assert f"--{role}: #" in dark
    assert len(set(THEME.values())) == len(THEME)
