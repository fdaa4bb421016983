"""Query executions, results, workgroups and tables as members of the responses."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from math import ceil
from typing import Any

from localaws.athena.api.named_queries import NamedQuery
from localaws.athena.api.workgroups import WorkGroup
from localaws.athena.execution.prepared_statements import PreparedStatement
from localaws.athena.execution.query_execution import QueryExecution
from localaws.athena.results.result import Result, ResultColumn, Row
from localaws.athena.tables.catalog import GlueTable
from localaws.protocol import JSON

_ENGINE = {"SelectedEngineVersion": "AUTO", "EffectiveEngineVersion": "Athena engine version 3"}


def query_execution(execution: QueryExecution) -> JSON:
    statement = execution.prepared.statement
    members: JSON = {
        "QueryExecutionId": execution.id,
        "Query": execution.text,
        "StatementType": statement.kind,
        "SubstatementType": statement.substatement,
        "ResultConfiguration": {**execution.result_configuration, "OutputLocation": execution.output},
        "ResultReuseConfiguration": execution.result_reuse,
        "QueryExecutionContext": {"Database": execution.database, "Catalog": execution.catalog},
        "Status": _status(execution),
        "Statistics": _statistics(execution),
        "WorkGroup": execution.workgroup,
        "EngineVersion": _ENGINE,
    }
    if execution.parameters:
        members["ExecutionParameters"] = list(execution.parameters)
    return members


def runtime_statistics(execution: QueryExecution) -> JSON:
    statistics = _statistics(execution)
    times = {name: value for name, value in statistics.items() if name.endswith("InMillis")}
    rows: JSON = {"InputBytes": statistics["DataScannedInBytes"]}
    if execution.result is not None:
        rows["OutputRows"] = len(execution.result.rows)
    return {"Timeline": times, "Rows": rows}


def result_page(result: Result, start: int, count: int) -> JSON:
    """Return ``count`` rows from row ``start`` on. Row 0 of a query is the header, the names of the columns."""
    header: list[Row] = [tuple(column.name for column in result.columns)] if result.has_header else []
    first = max(0, start - len(header))
    page = [*header[start:], *result.rows[first : start + count - len(header)]] if count else []
    members: JSON = {
        "UpdateCount": result.update_count,
        "ResultSet": {
            "Rows": [{"Data": [_datum(value) for value in row]} for row in page],
            "ResultSetMetadata": {"ColumnInfo": [_column_info(column) for column in result.columns]},
        },
    }
    if start + len(page) < len(header) + len(result.rows):
        members["NextToken"] = str(start + len(page))
    return members


def workgroup(group: WorkGroup) -> JSON:
    return {
        "Name": group.name,
        "State": group.state,
        "Configuration": group.configuration,
        "Description": group.description,
        "CreationTime": group.created,
    }


def workgroup_summary(group: WorkGroup) -> JSON:
    return {
        "Name": group.name,
        "State": group.state,
        "Description": group.description,
        "CreationTime": group.created,
        "EngineVersion": _ENGINE,
    }


def named_query(query: NamedQuery) -> JSON:
    return {
        "NamedQueryId": query.id,
        "Name": query.name,
        "Description": query.description,
        "Database": query.database,
        "QueryString": query.text,
        "WorkGroup": query.workgroup,
    }


def prepared_statement(statement: PreparedStatement) -> JSON:
    return {
        "StatementName": statement.name,
        "QueryStatement": statement.text,
        "WorkGroupName": statement.workgroup,
        "Description": statement.description,
        "LastModifiedTime": statement.modified,
    }


def database(glue_database: dict[str, Any]) -> JSON:
    return {
        "Name": glue_database["Name"],
        "Description": glue_database.get("Description"),
        "Parameters": glue_database.get("Parameters", {}),
    }


def table_metadata(table: GlueTable) -> JSON:
    """Return the TableMetadata.

    PyAthena's tests show ``serde.param.`` names, a location without its last slash, and white space in the comment of
    the table, such as line breaks, as one space.
    """
    storage = table.get("StorageDescriptor", {})
    serde = storage.get("SerdeInfo", {})
    formats = {
        "inputformat": storage.get("InputFormat", ""),
        "location": storage.get("Location", "").removesuffix("/"),
        "outputformat": storage.get("OutputFormat", ""),
        "serde.serialization.lib": serde.get("SerializationLibrary", ""),
        **{f"serde.param.{name}": value for name, value in serde.get("Parameters", {}).items()},
    }
    parameters = dict(table.get("Parameters", {}))
    if "comment" in parameters:
        parameters["comment"] = re.sub(r"\s+", " ", parameters["comment"])
    return {
        "Name": table["Name"],
        "CreateTime": table.get("CreateTime"),
        "TableType": table.get("TableType"),
        "Columns": [_table_column(column) for column in storage.get("Columns", [])],
        "PartitionKeys": [_table_column(column) for column in table.get("PartitionKeys", [])],
        "Parameters": {**parameters, **formats},
    }


def _status(execution: QueryExecution) -> JSON:
    members: JSON = {
        "State": execution.state,
        "StateChangeReason": execution.reason,
        "SubmissionDateTime": execution.submitted,
        "CompletionDateTime": execution.completed,
    }
    if failure := execution.failure:
        members["AthenaError"] = {
            "ErrorCategory": failure.category,
            "ErrorType": failure.error_type,
            "Retryable": failure.retryable,
            "ErrorMessage": failure.message,
        }
    return members


def _statistics(execution: QueryExecution) -> JSON:
    scanned = execution.result.scanned_bytes if execution.result else 0
    members: JSON = {
        "DataScannedInBytes": scanned,
        "ResultReuseInformation": {"ReusedPreviousResult": bool(execution.reused_output)},
    }
    if execution.state == "SUCCEEDED" and execution.prepared.statement.output in ("table", "files"):
        members["DataManifestLocation"] = execution.destination.manifest
    if execution.started is not None:
        members["QueryQueueTimeInMillis"] = _milliseconds(execution.submitted, execution.started)
        if execution.completed is not None:
            members["EngineExecutionTimeInMillis"] = _milliseconds(execution.started, execution.completed)
    if execution.completed is not None:
        members["TotalExecutionTimeInMillis"] = _milliseconds(execution.submitted, execution.completed)
    return members


def _milliseconds(start: datetime, end: datetime) -> int:
    """Return the time between both, rounded up: PyAthena's tests expect that no time of a query is 0."""
    return ceil((end - start) / timedelta(milliseconds=1))


def _datum(value: str | None) -> JSON:
    return {} if value is None else {"VarCharValue": value}


def _column_info(column: ResultColumn) -> JSON:
    return {
        "CatalogName": "hive",
        "SchemaName": "",
        "TableName": "",
        "Name": column.name,
        "Label": column.name,
        "Type": column.type,
        "Precision": column.precision,
        "Scale": column.scale,
        "Nullable": "UNKNOWN",
        "CaseSensitive": column.case_sensitive,
    }


def _table_column(column: dict[str, str]) -> JSON:
    return {"Name": column["Name"], "Type": column.get("Type"), "Comment": column.get("Comment")}
