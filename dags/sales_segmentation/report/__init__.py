"""The report of a run: a self-contained HTML page, its charts as files, the customers to act on as CSV, and the main
answers as Markdown."""

from __future__ import annotations

from emr_pipeline.report_data import ReportData


def render(data: ReportData) -> dict[str, bytes]:
    """Return the files of the report by name; ``index.html`` is the page, ``report.md`` a short version."""
    # Imported here, because parsing the DAG does not need matplotlib and Jinja2.
    from sales_segmentation.report.actions import CSV_FILE, actions_csv
    from sales_segmentation.report.charts import draw_charts
    from sales_segmentation.report.formatting import CURRENCY, SIGNS
    from sales_segmentation.report.markdown import markdown
    from sales_segmentation.report.page import page

    mapping = data.metrics.get("preprocess", {}).get("parameters", {}).get("mapping", {})
    code = mapping.get("currency", "EUR")
    CURRENCY.set(SIGNS.get(code, f"{code} "))
    charts = draw_charts(data)
    files = {"index.html": page(data, charts).encode(), "report.md": markdown(data).encode()}
    if data.answers["customers_to_act_on"]:
        files[CSV_FILE] = actions_csv(data)
    for chart in charts.values():
        files |= {f"{chart.name}.svg": chart.svg, f"{chart.name}.png": chart.png}
    return files


def key_figures(data: ReportData) -> str:
    """Return the key figures of the run in one short line, as for a notification."""
    from sales_segmentation.report.overview import overview
    from sales_segmentation.report.summary import key_figures

    return key_figures(overview(data))
