"""The charts of the report, each from one or two answers. A chart without data is not drawn."""

from __future__ import annotations

from collections.abc import Callable

from emr_pipeline.report_data import ReportData
from sales_segmentation.report.chart import Chart
from sales_segmentation.report.charts import change, model, rfm, sales, segments

CHARTS: tuple[Callable[[ReportData], Chart | None], ...] = (
    segments.segment_sizes,
    segments.segment_plane,
    segments.segment_silhouettes,
    segments.segment_heatmap,
    rfm.rfm_grid,
    change.segment_migration,
    change.feature_drift,
    change.segment_monthly_revenue,
    model.model_selection,
    model.explained_variance,
    sales.revenue_by_region,
    sales.revenue_by_category,
    sales.monthly_revenue,
    sales.customer_types,
)


def draw_charts(data: ReportData) -> dict[str, Chart]:
    """Return the charts that have data, by name."""
    drawn = (draw(data) for draw in CHARTS)
    return {chart.name: chart for chart in drawn if chart}
