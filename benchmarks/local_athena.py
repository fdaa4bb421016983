"""Measure the local Athena: the time to translate large queries, and TPC-H and TPC-DS next to DuckDB.

    make benchmark-athena [SCALE=0.01]

Writes ``local_athena.md``. Data and queries come from DuckDB's extensions. DuckDB runs its own queries on the same
Parquet files. In the queries for the local Athena, numbers with a point become DECIMAL literals, as in Trino's TPC-DS.
"""

from __future__ import annotations

import json
import re
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from importlib import import_module
from pathlib import Path
from statistics import median
from typing import Any

import boto3
import duckdb
from moto import mock_aws

from localaws.athena.datatypes import parse_type
from localaws.athena.errors import QueryFailed
from localaws.athena.execution.engine import Engine
from localaws.athena.sql.translation.queries import plan_query
from localaws.athena.tables.catalog import Catalog
from localaws.athena.tables.formats import PARQUET_SERDE

REPORT = Path(__file__).with_name("local_athena.md")
LOCATION = "s3://tpc"
RUNS = 5
"""The least CPU time of this number of runs is the time of a query."""
SUITES = {"tpch": "CALL dbgen(sf={})", "tpcds": "CALL dsdgen(sf={})"}
TERMS: dict[str, Callable[[int], str]] = {
    "columns": lambda n: f"SELECT {', '.join(f'x + {at}' for at in range(n))} FROM (VALUES 1) t(x)",
    "values in IN": lambda n: f"SELECT x IN ({', '.join(map(str, range(n)))}) FROM (VALUES 1) t(x)",
    "branches of UNION ALL": lambda n: " UNION ALL ".join(["SELECT 1"] * n),
    "CTEs": lambda n: (
        "WITH c0 AS (SELECT 1 AS x)"
        + "".join(f", c{at} AS (SELECT x + 1 AS x FROM c{at - 1})" for at in range(1, n))
        + f" SELECT x FROM c{n - 1}"
    ),
    "nested subqueries": lambda n: "SELECT 1 FROM (" * n + "SELECT 1" + ")" * n,
}
SIZES = {
    "columns": (2500, 5000, 10_000),
    "values in IN": (10_000, 20_000, 30_000),
    "branches of UNION ALL": (250, 500, 1000),
    "CTEs": (50, 100, 200),
    "nested subqueries": (50, 100, 200),
}


@dataclass(frozen=True)
class Compared:
    """One query: the seconds of DuckDB and of the local Athena, or the error of the local Athena."""

    name: str
    duckdb: float
    athena: float | None
    result: str

    @property
    def ratio(self) -> float:
        return (self.athena or 0) / self.duckdb


def main() -> None:
    scale = sys.argv[1] if len(sys.argv) > 1 else "0.01"
    with mock_aws(), tempfile.TemporaryDirectory() as folder:
        glue = boto3.client("glue", region_name="us-east-1")
        engine = Engine(glue, lambda uri: Path(uri.replace(LOCATION, folder)), spill=Path(folder) / "spill")
        suites = {name: list(_compared(engine, glue, Path(folder), name, scale)) for name in SUITES}
    REPORT.write_text(_report(scale, suites, _translations(engine, Catalog(glue))), encoding="utf-8")


# ---------------------------------------------------------------- TPC
def _compared(engine: Engine, glue: Any, folder: Path, suite: str, scale: str) -> Iterator[Compared]:
    connection = duckdb.connect(config={"threads": 2, "allow_unsigned_extensions": True})
    extension = Path(str(import_module(f"duckdb_extension_{suite}").__path__[0]))
    connection.execute(f"LOAD '{next(extension.rglob('*.duckdb_extension'))}'")
    connection.execute(SUITES[suite].format(scale))
    glue.create_database(DatabaseInput={"Name": suite})
    queries = connection.execute(f"SELECT query_nr, query FROM {suite}_queries() ORDER BY 1").fetchall()
    for (table,) in connection.execute("SELECT table_name FROM duckdb_tables()").fetchall():
        file = folder / suite / table / "data.parquet"
        file.parent.mkdir(parents=True)
        connection.execute(f"COPY {table} TO '{file}' (FORMAT parquet)")
        columns = connection.execute(f"DESCRIBE {table}").fetchall()
        glue.create_table(
            DatabaseName=suite, TableInput=_table(table, f"{LOCATION}/{suite}/{table}", columns)
        )
        connection.execute(f"DROP TABLE {table}; CREATE VIEW {table} AS SELECT * FROM '{file}'")
    for number, text in queries:
        query = text.strip().rstrip(";")
        seconds, expected = _best(partial(_fetched, connection, query))
        statement = re.sub(r"(?<![\w.'])(\d+\.\d+)(?![\w.'])", r"DECIMAL '\1'", query)
        try:
            athena, found = _best(partial(_rows, engine, suite, statement))
        except QueryFailed as failure:
            yield Compared(f"{suite} {number}", seconds, None, failure.message.partition("\n")[0])
            continue
        yield Compared(
            f"{suite} {number}", seconds, athena, "equal" if _equal(expected, found) else "different"
        )


def _table(name: str, location: str, columns: list[tuple[Any, ...]]) -> dict[str, Any]:
    hive = {"INTEGER": "int", "VARCHAR": "string"}
    types = {column: hive.get(type_, type_.lower()) for column, type_, *_ in columns}
    return {
        "Name": name,
        "StorageDescriptor": {
            "Columns": [{"Name": n, "Type": t} for n, t in types.items() if parse_type(t)],
            "Location": location,
            "SerdeInfo": {"SerializationLibrary": PARQUET_SERDE},
        },
    }


def _fetched(connection: duckdb.DuckDBPyConnection, query: str) -> list[Any]:
    return connection.execute(query).fetchall()


def _rows(engine: Engine, database: str, statement: str) -> list[Any]:
    return list(engine.run(engine.prepare(statement), database).rows)


def _best(run: Callable[[], list[Any]]) -> tuple[float, list[Any]]:
    times = []
    for _ in range(RUNS):
        start = time.process_time()
        rows = run()
        times.append(time.process_time() - start)
    return min(times), rows


def _equal(expected: list[Any], found: list[Any]) -> bool:
    """Return whether the rows are equal. An average of decimals is rounded in Athena, and a double in DuckDB."""
    sides = [sorted((tuple(map(_value, row)) for row in rows), key=str) for rows in (expected, found)]
    return len(expected) == len(found) and all(
        abs(first - second) <= max(0.01, abs(first) * 1e-5)
        if isinstance(first, float) and isinstance(second, float)
        else first == second
        for rows in zip(*sides, strict=True)
        for first, second in zip(*rows, strict=True)
    )


def _value(value: Any) -> float | str | None:
    try:
        return None if value is None else round(float(value), 4)
    except (TypeError, ValueError):
        return str(value).rstrip()


# ---------------------------------------------------------------- translation
def _translations(engine: Engine, catalog: Catalog) -> list[tuple[str, int, int, float]]:
    """Return kind, number, characters and CPU seconds of each large query."""
    found = []
    for kind, sizes in SIZES.items():
        for size in sizes:
            text = TERMS[kind](size)
            start = time.process_time()
            body = engine.prepare(text).body
            plan_query(body, catalog, "default", datetime.now(UTC), str)  # type: ignore[arg-type]
            found.append((kind, size, len(text), time.process_time() - start))
    return found


# ---------------------------------------------------------------- report
def _report(
    scale: str, suites: dict[str, list[Compared]], translations: list[tuple[str, int, int, float]]
) -> str:
    lines = [
        "# The local Athena",
        "",
        "Written by `make benchmark-athena`. Times are CPU seconds of all threads, because the machine was shared with",
        "other programs. Compare numbers within a table only.",
        "",
        f"## TPC-H and TPC-DS at scale factor {scale}, next to DuckDB on the same Parquet files",
        "",
        f"The time of a query is the least of {RUNS} runs. That of the local Athena includes parsing and translation.",
        "The texts are those of DuckDB's extensions; some are not Trino's SQL, and fail as in Athena.",
        "",
        "| queries | equal | CPU seconds of DuckDB | CPU seconds of the local Athena | ratio | median | largest |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    for name, compared in suites.items():
        ran = [query for query in compared if query.athena is not None]
        sums = sum(query.duckdb for query in ran), sum(query.athena or 0 for query in ran)
        worst = max(ran, key=lambda query: query.ratio)
        equal = sum(query.result == "equal" for query in ran)
        lines.append(
            f"| {len(compared)} of {name} | {equal} | {sums[0]:.2f} | {sums[1]:.2f} | {sums[1] / sums[0]:.1f} "
            f"| {median(query.ratio for query in ran):.1f} | {worst.ratio:.1f} ({worst.name}) |"
        )
    others = [query for compared in suites.values() for query in compared if query.result != "equal"]
    lines += ["", "| other results | reason |", "| --- | --- |"]
    lines += [f"| {query.name} | {query.result} |" for query in others]
    lines += [
        "",
        "## Translation of large queries",
        "",
        "| query | characters | CPU seconds |",
        "| --- | --- | --- |",
    ]
    lines += [
        f"| {size:,} {kind} | {length:,} | {seconds:.2f} |" for kind, size, length, seconds in translations
    ]
    raw = {
        query.name: [round(query.duckdb, 4), query.athena and round(query.athena, 4)]
        for compared in suites.values()
        for query in compared
    }
    lines += ["", "## CPU seconds of each query: DuckDB, local Athena", "", "```json"]
    lines += [json.dumps(raw).replace("], ", "],\n"), "```", ""]
    return "\n".join(lines)


if __name__ == "__main__":
    main()
