"""The report of a run: one HTML page that needs nothing from elsewhere, its pictures, and the answers as Markdown."""

from __future__ import annotations

from emr_pipeline.report_data import ReportData


def render(data: ReportData) -> dict[str, bytes]:
    """Return the files of the report by name; ``index.html`` is the page, ``report.md`` what a terminal shows."""
    # matplotlib and Jinja2 are for the worker that makes a report, not for every parsing of the DAG.
    from sales_segmentation.report.markdown import markdown
    from sales_segmentation.report.page import page
    from sales_segmentation.report.pictures import draw_all

    pictures = draw_all(data)
    files = {"index.html": page(data, pictures).encode(), "report.md": markdown(data).encode()}
    for picture in pictures.values():
        files |= {f"{picture.name}.svg": picture.svg, f"{picture.name}.png": picture.png}
    return files


def key_figures(data: ReportData) -> str:
    """Return the run in one short line, such as a notification has room for."""
    from sales_segmentation.report.overview import overview
    from sales_segmentation.report.summary import key_figures

    return key_figures(overview(data))
