"""Measures the contenders on one case: ``python -m benchmarks [SCALE=1] [CUSTOMERS=10000] [RUNS=3] [ONLY=…]``.

SCALE is a multiple of 1,048,575 lines; ONLY is a list of contenders, separated by spaces. Writes a file in
``benchmarks/results/`` after each round, and the tables of all files in ``benchmarks/results.md``. To remove a
measurement, delete its file.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks import report
from benchmarks.cases import CUSTOMERS, LINES, Case
from benchmarks.contenders import CONTENDERS, PROJECT, Contender, environment, stages, wssse
from benchmarks.measuring import measure

RESULTS = PROJECT / "benchmarks" / "results"
WORK = PROJECT / ".local" / "benchmark"


def main(arguments: Sequence[str]) -> None:
    given = dict(argument.split("=", 1) for argument in arguments if "=" in argument)
    if len(given) < len(arguments) or given.keys() - {"SCALE", "CUSTOMERS", "RUNS", "ONLY"}:
        sys.exit(
            f"invalid arguments: {' '.join(arguments)}; valid: SCALE=n, CUSTOMERS=n, RUNS=n, ONLY='name ...'"
        )
    case = Case(round(float(given.get("SCALE", 1)) * LINES), int(given.get("CUSTOMERS", CUSTOMERS)))
    names = [contender.name for contender in CONTENDERS]
    only = given.get("ONLY", "").split() or names
    if unknown := set(only) - set(names):
        sys.exit(
            f"ONLY: unknown contender {', '.join(sorted(unknown))}; valid contenders: {', '.join(names)}"
        )
    start = datetime.now(UTC)
    file = RESULTS / f"{case.name}-{start:%Y%m%d-%H%M}.json"
    for measured in rounds(
        case, [each for each in CONTENDERS if each.name in only], int(given.get("RUNS", 3))
    ):
        _save(file, case, start, measured)
        (PROJECT / "benchmarks" / "results.md").write_text(report.render(report.read(RESULTS)))


def rounds(
    case: Case, contenders: Sequence[Contender], runs: int
) -> Iterator[dict[str, list[dict[str, Any]]]]:
    """Yield the runs of each contender so far. The contenders take turns, so that slow times affect all of them."""
    source = case.sample(WORK / "data")
    measured: dict[str, list[dict[str, Any]]] = {each.name: [] for each in contenders}
    for number in range(runs):
        for contender in contenders:
            result = _run_once(contender, source)
            measured[contender.name].append(result)
            print(
                f"{number + 1}/{runs} {contender.name}: {result['failure'] or format(result['wall'], '.1f') + ' s'}, "
                f"{result['memory'] / 1e9:.1f} GB",
                flush=True,
            )
        yield measured


def _run_once(contender: Contender, source: Path) -> dict[str, Any]:
    output = WORK / "output"
    shutil.rmtree(output, ignore_errors=True)
    output.mkdir(parents=True)
    cost = measure(contender.commands(source, output), environment(output), WORK / f"{contender.name}.log")
    result = asdict(cost) | {
        "wssse": None if cost.failure else wssse(output),
        "stages": {} if cost.failure else stages(output),
    }
    shutil.rmtree(output)
    return result


def _save(file: Path, case: Case, start: datetime, measured: dict[str, list[dict[str, Any]]]) -> None:
    RESULTS.mkdir(exist_ok=True)
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9
    result: report.Result = {
        "case": asdict(case),
        "date": f"{start:%Y-%m-%d %H:%M}",
        "machine": f"{os.cpu_count()} cores, {memory:.0f} GB",
        "contenders": measured,
    }
    file.write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main(sys.argv[1:])
