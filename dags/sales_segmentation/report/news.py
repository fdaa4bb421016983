"""What is new since the latest earlier run, in sentences that follow from the answers."""

from __future__ import annotations

from emr_pipeline.report_data import ReportData, Rows
from sales_segmentation.report.charts.change import LARGE_PSI
from sales_segmentation.report.charts.names import feature_name
from sales_segmentation.report.formatting import day, decimal, integer, parse_column, percent, short_money
from sales_segmentation.report.migration import Migration, migration


def news(data: ReportData) -> list[str]:
    """Return the sentences, the most important ones first; without an earlier run only that there is none."""
    found = migration(data)
    if found is None:
        return ["No earlier run has segments, so nothing can be compared yet."]
    sentences = [
        f"Compared with {day(found.earlier)}: {found.sentence}",
        _revenue(found),
        _new_segments(found),
        _largest_move(found),
        _drift(data.answers["feature_drift"]),
    ]
    return [sentence for sentence in sentences if sentence]


def _revenue(found: Migration) -> str:
    before, now = (sum(parse_column(found.rows, column)) for column in ("earlier_revenue", "revenue"))
    if before <= 0:
        return ""
    change = 100 * (now / before - 1)
    comparison = (
        "about as much as"
        if abs(change) < 0.5
        else f"{percent(abs(change))} {'more' if change > 0 else 'less'} than"
    )
    return f"The revenue in the data is {short_money(now)}, {comparison} in the earlier run."


def _new_segments(found: Migration) -> str:
    matched = {row["segment"] for row in found.rows if row["matched"] == "true"}
    new = sorted({row["segment"] for row in found.rows if row["segment"]} - matched, key=int)
    if not new:
        return ""
    words = "Segment {} is new: it has" if len(new) == 1 else "Segments {} are new: they have"
    return f"{words.format(', '.join(new))} no customer of an earlier segment with a similar profile."


def _largest_move(found: Migration) -> str:
    moves = [
        row for row in found.rows if row["earlier_segment"] and row["segment"] and row["matched"] != "true"
    ]
    if not moves:
        return ""
    row = max(moves, key=lambda each: parse_column([each], "customers")[0])
    customers = parse_column([row], "customers")[0]
    names = (
        f"{row[number]}{f' ({row[label]})' if row[label] else ''}"
        for number, label in (("earlier_segment", "earlier_label"), ("segment", "label"))
    )
    return (
        f"The largest move: {integer(customers)} {'customer' if customers == 1 else 'customers'} from the earlier "
        f"segment {' to segment '.join(names)}."
    )


def _drift(rows: Rows) -> str:
    drifted = [row for row in rows if row["drifted"] == "true"]
    if not drifted:
        return "No feature has shifted much." if rows else ""
    listed = ", ".join(
        f"{feature_name(row['feature']).lower()} ({decimal(parse_column([row], 'psi')[0])})"
        for row in drifted[:5]
    )
    more = f" and {len(drifted) - 5} more" if len(drifted) > 5 else ""
    return f"Warning: {len(drifted)} of {len(rows)} features have shifted much (PSI above {LARGE_PSI}): {listed}{more}."
