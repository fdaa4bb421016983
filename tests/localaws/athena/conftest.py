"""Fixtures: an Athena client with a bucket and a Glue database, and an engine without tables."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from localaws.athena.execution.engine import Engine


@dataclass
class Outcome:
    """The final state of a query. ``rows`` does not include the header."""

    execution: dict[str, Any]
    pages: dict[str, Any] = field(default_factory=dict)

    @property
    def state(self) -> str:
        return str(self.execution["Status"]["State"])

    @property
    def reason(self) -> str:
        return str(self.execution["Status"].get("StateChangeReason", ""))

    @property
    def scanned(self) -> int:
        return int(self.execution["Statistics"]["DataScannedInBytes"])

    @property
    def rows(self) -> list[tuple[str | None, ...]]:
        assert self.state == "SUCCEEDED", self.reason
        found = [
            tuple(datum.get("VarCharValue") for datum in row["Data"])
            for row in self.pages["ResultSet"]["Rows"]
        ]
        return found[1:] if self.execution["SubstatementType"] == "SELECT" else found

    @property
    def types(self) -> list[str]:
        return [column["Type"] for column in self.pages["ResultSet"]["ResultSetMetadata"]["ColumnInfo"]]


@dataclass
class Warehouse:
    """A bucket, a Glue database and clients, for one test module."""

    aws: Any
    bucket: str
    database: str

    def __post_init__(self) -> None:
        self.athena, self.s3, self.glue = (self.aws.client(name) for name in ("athena", "s3", "glue"))

    @property
    def output(self) -> str:
        return f"s3://{self.bucket}/athena-results/"

    def run(self, sql: str, **request: Any) -> Outcome:
        request.setdefault("QueryExecutionContext", {"Database": self.database})
        request.setdefault("ResultConfiguration", {"OutputLocation": self.output})
        started = self.athena.start_query_execution(QueryString=sql, **request)
        return self.wait(started["QueryExecutionId"])

    def wait(self, execution_id: str) -> Outcome:
        while True:
            execution = self.athena.get_query_execution(QueryExecutionId=execution_id)["QueryExecution"]
            if execution["Status"]["State"] == "SUCCEEDED":
                return Outcome(execution, self.athena.get_query_results(QueryExecutionId=execution_id))
            if execution["Status"]["State"] in ("FAILED", "CANCELLED"):
                return Outcome(execution)
            time.sleep(0.01)

    def rows(self, sql: str) -> list[tuple[str | None, ...]]:
        return self.run(sql).rows

    def failure(self, sql: str) -> str:
        outcome = self.run(sql)
        assert outcome.state == "FAILED", outcome.state
        return outcome.reason

    def create_iceberg(self, name: str, columns: str = "id bigint, name string", clauses: str = "") -> None:
        """Create an Iceberg table at ``s3://<bucket>/<name>/``."""
        location = f"LOCATION 's3://{self.bucket}/{name}/' TBLPROPERTIES ('table_type'='ICEBERG')"
        assert self.rows(f"CREATE TABLE {name} ({columns}) {clauses} {location}") == []

    def upload(self, key: str, body: bytes | str) -> None:
        self.s3.put_object(Bucket=self.bucket, Key=key, Body=body)

    def put(self, key: str, columns: dict[str, Any] | pa.Table) -> None:
        """Upload a Parquet object to S3."""
        table = columns if isinstance(columns, pa.Table) else pa.table(columns)
        sink = pa.BufferOutputStream()
        pq.write_table(table, sink, compression="snappy")
        self.s3.put_object(Bucket=self.bucket, Key=key, Body=sink.getvalue().to_pybytes())


@pytest.fixture(scope="module")
def warehouse(local_aws: Any) -> Iterator[Warehouse]:
    name = f"warehouse-{uuid4().hex[:8]}"
    warehouse = Warehouse(local_aws, name, name.replace("-", "_"))
    warehouse.s3.create_bucket(Bucket=name)
    warehouse.glue.create_database(DatabaseInput={"Name": warehouse.database})
    yield warehouse
    warehouse.glue.delete_database(Name=warehouse.database)


@pytest.fixture(scope="module")
def engine() -> Engine:
    """An engine without a catalog, for queries without tables."""

    def no_path(uri: str) -> Path:
        raise AssertionError(f"nothing should be read from {uri}")

    return Engine(None, no_path)
