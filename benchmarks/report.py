"""``results.md``, made from the measurements in ``results/``."""

from __future__ import annotations

import json
import statistics
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from benchmarks.cases import Case
from benchmarks.contenders import COMPARED_K, CONTENDERS, NOTEBOOK_MEMORY, OURS, OURS_MEMORY

Result = dict[str, Any]
"""``case`` {lines, customers}, ``date``, ``machine``, and ``contenders``: by name the list of its runs, each the
fields of Cost with ``wssse`` and ``stages``."""

PROJECTED = (1, 10, 100)
"""Scales of the projection; 1 is the smaller measured case."""

NODE_CORES = 4
NODES = 10
USED = 0.7
"""Share of a cluster's cores that is kept busy; shuffles, stragglers and the driver take the rest."""


def render(results: Sequence[Result]) -> str:
    """Return the page."""
    ordered = sorted(results, key=lambda result: (_case(result), result["date"]))
    parts = [_HEAD, *(_section(result) for result in ordered), _growth(ordered)]
    return "\n\n".join(part for part in parts if part) + "\n"


def read(folder: Path) -> list[Result]:
    """Return the results that are there."""
    return [json.loads(path.read_text()) for path in sorted(folder.glob("*.json"))]


def median_run(runs: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Return the run whose wall time is the median; of an even number the slower of the middle two."""
    return sorted(runs, key=lambda run: float(run["wall"]))[len(runs) // 2]


_HEAD = f"""# Benchmarks

Made by `make benchmark`; do not edit. A table is what was measured in one go, the contenders in turn. Each figure is of
whole processes, start of Python and Java included, and the median of the runs; memory is the highest sum over all
processes of a contender, shared pages counted once. All rows but that of the defaults use the seven features of the
study, min-max scaled, k from 2 to 10 and one start for each k. The sum of squares for k = {COMPARED_K} shows that they
do the same work. Java heap: the notebook {NOTEBOOK_MEMORY}, ours {OURS_MEMORY}. The notebook cleans nothing and has no
silhouette; pandas and scikit-learn, above 20,000 customers, have one of a sample; ours has one of all customers."""


_NUMBERS = {"× ours", "CPU s", "peak GB", "lines", f"WSSSE, k = {COMPARED_K}"}
"""The columns that are set to the right, beside those of wall time."""


def _case(result: Result) -> Case:
    return Case(**result["case"])


def _section(result: Result) -> str:
    case, runs = _case(result), result["contenders"]
    count = max(len(each) for each in runs.values())
    title = f"## {case.lines:,} lines, {case.customers:,} customers, {result['date']}"
    machine = f"{result['machine']}; runs: {count}."
    table = _table(
        ["", "wall s", "× ours", "CPU s", "peak GB", f"WSSSE, k = {COMPARED_K}"],
        [
            _row(contender.title, runs[contender.name], runs.get(OURS))
            for contender in CONTENDERS
            if contender.name in runs
        ],
    )
    breakdowns = [_breakdown(c.title, median_run(runs[c.name])) for c in CONTENDERS if c.name in runs]
    return "\n\n".join([title, machine, table, *(text for text in breakdowns if text)])


def _row(title: str, runs: Sequence[dict[str, Any]], ours: Sequence[dict[str, Any]] | None) -> list[str]:
    failures = [run["failure"] for run in runs if run["failure"]]
    if failures:
        return [
            title,
            f"failed: {failures[0]}",
            "",
            "",
            f"{max(run['memory'] for run in runs) / 1e9:.1f}",
            "",
        ]
    wall, cpu, memory = (statistics.median(run[name] for run in runs) for name in ("wall", "cpu", "memory"))
    ratio = f"{wall / statistics.median(run['wall'] for run in ours):.2f}" if ours else ""
    return [title, f"{wall:.1f}", ratio, f"{cpu:.1f}", f"{memory / 1e9:.1f}", f"{runs[0]['wssse']:,.2f}"]


def _breakdown(title: str, run: dict[str, Any]) -> str:
    if not run["stages"]:
        return ""
    rows = [
        [job, stage, f"{seconds:.1f}"]
        for job, stages in run["stages"].items()
        for stage, seconds in stages.items()
    ]
    inside = sum(stages["total"] for stages in run["stages"].values())
    rows.append(["", "start and end of Java and Python", f"{run['wall'] - inside:.1f}"])
    return f"By stage, {title}:\n\n" + _table(["job", "stage", "wall s"], rows)


def _growth(results: Sequence[Result]) -> str:
    """Return how cost grows with lines, from the smallest and largest case of as many customers; or nothing.

    ``results`` are in order; of several of a case the newest counts.
    """
    measured = list({_case(result): result for result in results if result["contenders"].get(OURS)}.values())
    if not measured:
        return ""
    customers = _case(measured[0]).customers
    same = [result for result in measured if _case(result).customers == customers]
    if len(same) < 2:
        return ""
    small, large = same[0], same[-1]
    wall, cpu = (_line(small, large, name) for name in ("wall", "cpu"))
    lines = _case(small).lines
    cores = NODES * NODE_CORES
    rows = []
    for scale in PROJECTED:
        fixed = wall(0)
        cluster = fixed + (cpu(scale * lines) - cpu(0)) / (cores * USED)
        rows.append(
            [
                f"{scale * lines:,}",
                f"{wall(scale * lines):,.0f}",
                f"{cpu(scale * lines):,.0f}",
                f"{cluster:,.0f}",
            ]
        )
    per_core = (_case(large).lines - lines) / (cpu(_case(large).lines) - cpu(lines))
    return (
        f"## Growth\n\nA straight line through the smallest and the largest case of {customers:,} customers: each core "
        f"works through {per_core:,.0f} lines a second, the rest of the time is the same at any size. The cluster is "
        f"{NODES} core nodes of {NODE_CORES} cores, {USED:.0%} of them busy, without the minutes EMR needs to start. "
        "Both the projection and the cluster are computed, not measured.\n\n"
        + _table(["lines", "wall s, this machine", "CPU s", f"wall s, {cores} cores on EMR"], rows)
    )


def _line(small: Result, large: Result, what: str) -> Any:
    """Return the function of lines that is straight through two measured cases, and not below 0 without any lines."""
    (x1, y1), (x2, y2) = (
        (_case(each).lines, statistics.median(run[what] for run in each["contenders"][OURS]))
        for each in (small, large)
    )
    slope = (y2 - y1) / (x2 - x1)
    return lambda lines: max(y1 - slope * x1, 0.0) + slope * lines


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    rule = ["---:" if name in _NUMBERS or "wall" in name else "---" for name in head]
    return "\n".join("| " + " | ".join(line) + " |" for line in (head, rule, *rows))
