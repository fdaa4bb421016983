"""Runs DELETE, UPDATE and MERGE INTO: each data file with a changed row is replaced.

Athena writes position deletes instead; the rows of the table are the same. Source:
https://docs.aws.amazon.com/athena/latest/ug/querying-iceberg-updating-iceberg-table-data.html
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from localaws.athena.errors import QueryFailed, not_supported
from localaws.athena.sql.translation.row_changes import DELETED, FIRST_COLUMN, INSERTED, KEPT, UPDATED

if TYPE_CHECKING:  # pyiceberg is slow to import
    from localaws.athena.tables.iceberg_scans import IcebergScan

_CHANGED = f"c1 IN ({DELETED}, {UPDATED})"


def apply_changes(
    connection: Any, sql: str, scan: IcebergScan, columns: Sequence[str]
) -> tuple[int, list[str]]:
    """Run the query of ``changed_rows``, and commit its rows. Return the number of changed rows and the new files."""
    from localaws.athena.writing.iceberg import replace_files  # slow to import

    connection.execute(f"CREATE TEMP TABLE changed AS {sql}")
    _check_matches(connection)
    [(count,)] = connection.execute(f"SELECT count(*) FROM changed WHERE c1 > {KEPT}").fetchall()
    paths = {
        path for (path,) in connection.execute(f"SELECT DISTINCT c0 FROM changed WHERE {_CHANGED}").fetchall()
    }
    values = ", ".join(f"c{at + FIRST_COLUMN}" for at in range(len(columns)))
    kept = (
        f"SELECT {values} FROM (SELECT * FROM changed WHERE c1 < {INSERTED} AND c0 IN (SELECT c0 FROM changed WHERE "
        f"{_CHANGED}) QUALIFY row_number() OVER (PARTITION BY c2 ORDER BY c1 DESC) = 1) WHERE c1 <> {DELETED}"
    )
    rows = f"({kept}) UNION ALL (SELECT {values} FROM changed WHERE c1 = {INSERTED})"
    batches: Iterator[pa.RecordBatch] = iter(connection.execute(rows).to_arrow_reader(8192))
    replaced = [task.file for task in scan.tasks() if task.file.file_path in paths]
    if not count:
        return 0, []
    return count, replace_files(scan.iceberg.transaction(), replaced, columns, batches)


def _check_matches(connection: Any) -> None:
    """Raise QueryFailed if a row matches two source rows with the same clause, or with none, as in Trino.

    A row may match one source row with a clause and another one without. Source: plan(Merge) of Trino's QueryPlanner
    """
    matches = f"FROM changed WHERE c1 < {INSERTED} GROUP BY c2"
    if connection.execute(f"SELECT 1 {matches}, c3 HAVING count(*) > 1 LIMIT 1").fetchall():
        raise QueryFailed(
            "MERGE_TARGET_ROW_MULTIPLE_MATCHES: One MERGE target table row matched more than one source row"
        )
    if connection.execute(f"SELECT 1 {matches} HAVING count(*) FILTER (c1 > {KEPT}) > 1 LIMIT 1").fetchall():
        raise not_supported("a MERGE INTO that changes a row by two clauses")
