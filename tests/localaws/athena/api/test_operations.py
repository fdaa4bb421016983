"""Athena's API, called with boto3."""

from __future__ import annotations

import csv
import io
import time
from typing import Any
from uuid import uuid4

import pytest
from botocore.exceptions import ClientError

from tests.localaws.athena.conftest import Warehouse

# Takes long enough to be seen in the state RUNNING, and DuckDB can interrupt it.
ENDLESS = (
    "SELECT count(*) FROM UNNEST(sequence(1, 10000)) a(x) CROSS JOIN UNNEST(sequence(1, 10000)) b(y) "
    "CROSS JOIN UNNEST(sequence(1, 100)) c(z) WHERE sin(x) * cos(y) * z > 200"
)

KEY = "arn:aws:kms:us-east-1:123456789012:key/0"
GRANTS = {"EnableS3AccessGrants": True, "AuthenticationType": "DIRECTORY_IDENTITY"}


def refusal(call: Any, **request: Any) -> tuple[str, str]:
    with pytest.raises(ClientError) as failure:
        call(**request)
    error = failure.value.response["Error"]
    return error["Code"], error["Message"]


def state(warehouse: Warehouse, execution_id: str) -> str:
    execution = warehouse.athena.get_query_execution(QueryExecutionId=execution_id)["QueryExecution"]
    return str(execution["Status"]["State"])


def start(warehouse: Warehouse, sql: str, **request: Any) -> str:
    request.setdefault("ResultConfiguration", {"OutputLocation": warehouse.output})
    return str(warehouse.athena.start_query_execution(QueryString=sql, **request)["QueryExecutionId"])


@pytest.fixture
def workgroup(warehouse: Warehouse) -> str:
    """A workgroup that enforces its output location."""
    name = f"wg-{uuid4().hex[:8]}"
    location = f"s3://{warehouse.bucket}/enforced/"
    warehouse.athena.create_work_group(
        Name=name, Configuration={"ResultConfiguration": {"OutputLocation": location}}
    )
    return name


def test_a_query_writes_a_csv_file_and_its_metadata(warehouse: Warehouse) -> None:
    outcome = warehouse.run("SELECT 1 AS Id, 'say \"hi\"' AS text, CAST(NULL AS varchar), '' AS empty")
    location = outcome.execution["ResultConfiguration"]["OutputLocation"]
    assert location == f"{warehouse.output}{outcome.execution['QueryExecutionId']}.csv"
    key = location.partition(f"s3://{warehouse.bucket}/")[2]
    body = warehouse.s3.get_object(Bucket=warehouse.bucket, Key=key)["Body"].read().decode()
    assert body == '"Id","text","_col2","empty"\n"1","say ""hi""",,""\n'
    assert next(csv.reader(io.StringIO(body))) == ["Id", "text", "_col2", "empty"]
    assert b"hive" in warehouse.s3.get_object(Bucket=warehouse.bucket, Key=f"{key}.metadata")["Body"].read()


def test_ddl_writes_a_text_file(warehouse: Warehouse) -> None:
    outcome = warehouse.run(f"SHOW DATABASES LIKE '{warehouse.database}'")
    location = outcome.execution["ResultConfiguration"]["OutputLocation"]
    assert location.endswith(f"{outcome.execution['QueryExecutionId']}.txt")
    key = location.partition(f"s3://{warehouse.bucket}/")[2]
    assert (
        warehouse.s3.get_object(Bucket=warehouse.bucket, Key=key)["Body"].read().decode()
        == f"{warehouse.database}\n"
    )


def test_an_execution_has_its_statement_type_times_and_reason(warehouse: Warehouse) -> None:
    good = warehouse.run("-- first a comment\n/* and another */ SELECT 1;").execution
    assert (good["StatementType"], good["SubstatementType"]) == ("DML", "SELECT")
    assert good["Query"].startswith("-- first")
    assert good["EngineVersion"]["EffectiveEngineVersion"] == "Athena engine version 3"
    for duration in ("QueryQueueTimeInMillis", "EngineExecutionTimeInMillis", "TotalExecutionTimeInMillis"):
        assert good["Statistics"][duration] > 0
    assert good["Status"]["CompletionDateTime"] >= good["Status"]["SubmissionDateTime"]
    bad = warehouse.run("SELECT 1/0").execution["Status"]
    assert (bad["State"], bad["StateChangeReason"]) == ("FAILED", "DIVISION_BY_ZERO: Division by zero")
    assert bad["AthenaError"] == {
        "ErrorCategory": 2, "ErrorType": 1001, "Retryable": False, "ErrorMessage": "DIVISION_BY_ZERO: Division by zero",
    }  # fmt: skip
    shown = warehouse.run("SHOW TABLES").execution
    assert (shown["StatementType"], shown["SubstatementType"]) == ("UTILITY", "SHOW_TABLES")


def test_results_are_paged_and_the_first_page_has_the_header(warehouse: Warehouse) -> None:
    sql = "SELECT x AS n FROM UNNEST(sequence(1, 2500)) t(x) ORDER BY 1"
    execution_id = warehouse.run(sql).execution["QueryExecutionId"]
    pages = list(warehouse.athena.get_paginator("get_query_results").paginate(QueryExecutionId=execution_id))
    texts = [[row["Data"][0]["VarCharValue"] for row in page["ResultSet"]["Rows"]] for page in pages]
    assert [len(page) for page in texts] == [1000, 1000, 501]
    assert texts[0][:2] == ["n", "1"]
    assert [text for page in texts for text in page][1:] == [str(n) for n in range(1, 2501)]
    (column,) = pages[0]["ResultSet"]["ResultSetMetadata"]["ColumnInfo"]
    assert (column["Name"], column["Type"], column["Precision"]) == ("n", "bigint", 19)
    assert pages[0]["UpdateCount"] == 0
    small = warehouse.athena.get_query_results(QueryExecutionId=execution_id, MaxResults=2)
    assert len(small["ResultSet"]["Rows"]) == 2
    following = warehouse.athena.get_query_results(
        QueryExecutionId=execution_id, MaxResults=1, NextToken=small["NextToken"]
    )
    assert following["ResultSet"]["Rows"] == [{"Data": [{"VarCharValue": "2"}]}]


def test_a_null_has_no_value(warehouse: Warehouse) -> None:
    rows = warehouse.run("SELECT CAST(NULL AS integer)").pages["ResultSet"]["Rows"]
    assert rows[1] == {"Data": [{}]}


def test_results_of_a_query_without_results_are_refused(warehouse: Warehouse) -> None:
    failed = warehouse.run("SELECT 1/0").execution["QueryExecutionId"]
    assert refusal(warehouse.athena.get_query_results, QueryExecutionId=failed) == (
        "InvalidRequestException",
        "Query did not finish successfully. Final query state: FAILED",
    )
    unknown = str(uuid4())
    for call in (
        warehouse.athena.get_query_results,
        warehouse.athena.get_query_execution,
        warehouse.athena.stop_query_execution,
    ):
        assert refusal(call, QueryExecutionId=unknown)[1] == f"QueryExecution {unknown} was not found"


def test_results_are_read_from_their_file_in_s3(warehouse: Warehouse) -> None:
    execution = warehouse.run("SELECT 1").execution
    key = execution["ResultConfiguration"]["OutputLocation"].partition(f"s3://{warehouse.bucket}/")[2]
    warehouse.s3.delete_object(Bucket=warehouse.bucket, Key=key)
    code, message = refusal(
        warehouse.athena.get_query_results, QueryExecutionId=execution["QueryExecutionId"]
    )
    assert code == "InvalidRequestException"
    assert message.startswith("You do not seem to have access to the S3 location of your query results.")


def test_a_request_token_runs_a_query_once(warehouse: Warehouse) -> None:
    token = uuid4().hex
    first = start(warehouse, "SELECT 1", ClientRequestToken=token)
    assert start(warehouse, "SELECT 1", ClientRequestToken=token) == first
    warehouse.wait(first)
    assert start(warehouse, "SELECT 1", ClientRequestToken=token) == first
    other = {
        "QueryString": "SELECT 2",
        "ClientRequestToken": token,
        "ResultConfiguration": {"OutputLocation": warehouse.output},
    }
    assert refusal(warehouse.athena.start_query_execution, **other) == (
        "InvalidRequestException",
        "Idempotent parameters do not match",
    )
    assert start(warehouse, "SELECT 1", ClientRequestToken=uuid4().hex) != first


@pytest.mark.parametrize(
    ("sql", "message"),
    [
        ("SELECT 1; SELECT 2", "Only one sql statement is allowed. Got: SELECT 1; SELECT 2"),
        ("SELEC 1", "line 1:1: mismatched input 'SELEC'. Queries of this type are not supported"),
        ("SELECT * FORM t", "line 1:10: mismatched input 'FORM'"),
        ("SELECT a, FROM t", "line 1:11: mismatched input 'FROM'"),
        ("SELECT 1::integer", "line 1:9: mismatched input ':'"),
        ("SELECT 1 == 1", "line 1:11: mismatched input '='"),
        ("-- nothing", "line 1:1: mismatched input '<EOF>'"),
        ("SHOW PARTITIONS", "line 1:16: mismatched input '<EOF>' expecting a name"),
        ("DROP TABLE a-b", "line 1:13: mismatched input '-'"),
        ("SELECT ?", "Incorrect number of parameters: expected 1 but found 0"),
    ],
)
def test_a_malformed_query_is_refused_by_start_query_execution(
    warehouse: Warehouse, sql: str, message: str
) -> None:
    request = {"QueryString": sql, "ResultConfiguration": {"OutputLocation": warehouse.output}}
    with pytest.raises(ClientError) as failure:
        warehouse.athena.start_query_execution(**request)
    response = failure.value.response
    assert response["Error"]["Code"] == "InvalidRequestException"
    assert response["Error"]["Message"].startswith(message)
    assert response["AthenaErrorCode"] == "MALFORMED_QUERY"


def test_execution_parameters_replace_question_marks(warehouse: Warehouse) -> None:
    outcome = warehouse.run(
        "SELECT x FROM (VALUES 1, 2) t(x) WHERE x = ? OR 'a' = ?", ExecutionParameters=["2", "'b'"]
    )
    assert outcome.rows == [("2",)]
    words = ["Seattle", "true", "NULL", "DATE '2024-01-31'"]
    typed = warehouse.run("SELECT typeof(?), typeof(?), typeof(?), typeof(?)", ExecutionParameters=words)
    assert typed.rows == [("varchar(7)", "boolean", "unknown", "date")]


def test_an_output_location_is_required_and_its_bucket_must_exist(warehouse: Warehouse) -> None:
    call = warehouse.athena.start_query_execution
    assert refusal(call, QueryString="SELECT 1")[1].startswith(
        "No output location provided. An output location is required"
    )
    wrong = {"OutputLocation": "https://x"}
    assert refusal(call, QueryString="SELECT 1", ResultConfiguration=wrong)[1].startswith(
        "outputLocation is not a valid S3 path"
    )
    missing = {"OutputLocation": "s3://no-such-bucket-here/"}
    assert refusal(call, QueryString="SELECT 1", ResultConfiguration=missing)[1] == (
        "Unable to verify/create output bucket no-such-bucket-here"
    )


def test_the_output_location_of_an_enforcing_workgroup_has_priority(
    warehouse: Warehouse, workgroup: str
) -> None:
    outcome = warehouse.run("SELECT 1", WorkGroup=workgroup)
    assert outcome.execution["ResultConfiguration"]["OutputLocation"].startswith(
        f"s3://{warehouse.bucket}/enforced/"
    )
    warehouse.athena.update_work_group(
        WorkGroup=workgroup, ConfigurationUpdates={"EnforceWorkGroupConfiguration": False}
    )
    outcome = warehouse.run("SELECT 1", WorkGroup=workgroup)
    assert outcome.execution["ResultConfiguration"]["OutputLocation"].startswith(warehouse.output)


def test_a_workgroup_is_created_updated_and_deleted(warehouse: Warehouse, workgroup: str) -> None:
    athena = warehouse.athena
    assert refusal(athena.create_work_group, Name=workgroup) == (
        "InvalidRequestException",
        "WorkGroup is already created",
    )
    found = athena.get_work_group(WorkGroup=workgroup)["WorkGroup"]
    assert (found["State"], found["Configuration"]["EnforceWorkGroupConfiguration"]) == ("ENABLED", True)
    assert {"primary", workgroup} <= {group["Name"] for group in athena.list_work_groups()["WorkGroups"]}
    execution = warehouse.run("SELECT 1", WorkGroup=workgroup).execution["QueryExecutionId"]
    assert athena.list_query_executions(WorkGroup=workgroup)["QueryExecutionIds"] == [execution]
    updates = {"ResultConfigurationUpdates": {"RemoveOutputLocation": True}}
    athena.update_work_group(
        WorkGroup=workgroup, State="DISABLED", Description="closed", ConfigurationUpdates=updates
    )
    changed = athena.get_work_group(WorkGroup=workgroup)["WorkGroup"]
    assert (changed["Description"], changed["Configuration"]["ResultConfiguration"]) == ("closed", {})
    assert refusal(athena.start_query_execution, QueryString="SELECT 1", WorkGroup=workgroup)[1] == (
        f"WorkGroup {workgroup} is disabled."
    )
    assert refusal(athena.delete_work_group, WorkGroup=workgroup)[1] == f"WorkGroup {workgroup} is not empty"
    athena.delete_work_group(WorkGroup=workgroup, RecursiveDeleteOption=True)
    assert refusal(athena.get_work_group, WorkGroup=workgroup)[1] == f"WorkGroup {workgroup} is not found."
    assert refusal(athena.delete_work_group, WorkGroup="primary")[0] == "InvalidRequestException"


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"ManagedQueryResultsConfiguration": {"Enabled": True}}, "ManagedQueryResultsConfiguration"),
        ({"ExecutionRole": "arn:aws:iam::123456789012:role/spark"}, "ExecutionRole"),
        ({"AdditionalConfiguration": "x"}, "AdditionalConfiguration"),
        ({"CustomerContentEncryptionConfiguration": {"KmsKey": KEY}}, "CustomerContentEncryption"),
        ({"EngineVersion": {"SelectedEngineVersion": "PySpark engine version 3"}}, "PySpark engine version 3"),
        ({"EngineVersion": {"SelectedEngineVersion": "Athena engine version 2"}}, "Athena engine version 2"),
        ({"QueryResultsS3AccessGrantsConfiguration": GRANTS}, "S3AccessGrants"),
    ],
)  # fmt: skip
def test_a_workgroup_setting_without_effect_is_refused(
    warehouse: Warehouse, workgroup: str, settings: dict[str, Any], message: str
) -> None:
    code, said = refusal(warehouse.athena.create_work_group, Name=uuid4().hex, Configuration=settings)
    assert (code, said.startswith("not supported by the local Athena: ")) == ("InvalidRequestException", True)
    assert message in said
    managed = "ManagedQueryResultsConfiguration"
    updates = {f"{name}Updates" if name == managed else name: value for name, value in settings.items()}
    assert (
        message
        in refusal(warehouse.athena.update_work_group, WorkGroup=workgroup, ConfigurationUpdates=updates)[1]
    )


def test_disabled_settings_and_the_current_engine_version_are_accepted(
    warehouse: Warehouse, workgroup: str
) -> None:
    off, version = {"Enabled": False}, "Athena engine version 3"
    updates = {
        "ManagedQueryResultsConfigurationUpdates": off,
        "EngineVersion": {"SelectedEngineVersion": version},
    }
    warehouse.athena.update_work_group(WorkGroup=workgroup, ConfigurationUpdates=updates)
    found = warehouse.athena.get_work_group(WorkGroup=workgroup)["WorkGroup"]["Configuration"]
    assert found["ManagedQueryResultsConfiguration"] == off
    assert found["EngineVersion"] == {
        "SelectedEngineVersion": version,
        "EffectiveEngineVersion": version,
    }
    reuse = {"ResultReuseByAgeConfiguration": off}
    assert warehouse.run("SELECT 1", WorkGroup=workgroup, ResultReuseConfiguration=reuse).rows == [("1",)]


def test_unsupported_parameters_of_a_query_are_refused(warehouse: Warehouse) -> None:
    request = {"QueryString": "SELECT 1", "ResultConfiguration": {"OutputLocation": warehouse.output}}
    call = warehouse.athena.start_query_execution
    reuse = {"ResultReuseByAgeConfiguration": {"Enabled": True, "MaxAgeInMinutes": 10_081}}
    assert "MaxAgeInMinutes" in refusal(call, **request, ResultReuseConfiguration=reuse)[1]
    message = refusal(call, **request, EngineConfiguration={"MaxConcurrentDpus": 2})[1]
    assert message == "not supported by the local Athena: EngineConfiguration"
    request["ResultConfiguration"] = {
        "OutputLocation": warehouse.output,
        "ExpectedBucketOwner": "210987654321",
    }
    assert "not by 210987654321" in refusal(call, **request)[1]


def test_a_workgroup_has_tags(warehouse: Warehouse, workgroup: str) -> None:
    arn = f"arn:aws:athena:us-east-1:123456789012:workgroup/{workgroup}"
    warehouse.athena.tag_resource(
        ResourceARN=arn, Tags=[{"Key": "a", "Value": "1"}, {"Key": "b", "Value": "2"}]
    )
    warehouse.athena.untag_resource(ResourceARN=arn, TagKeys=["b"])
    assert warehouse.athena.list_tags_for_resource(ResourceARN=arn)["Tags"] == [{"Key": "a", "Value": "1"}]


def test_a_query_beyond_the_scan_limit_of_its_workgroup_is_cancelled(
    warehouse: Warehouse, workgroup: str
) -> None:
    warehouse.put("wide/part-0.parquet", {"a": [uuid4().hex for _ in range(400_000)]})
    warehouse.run(
        f"CREATE EXTERNAL TABLE wide (a string, b int) STORED AS PARQUET LOCATION 's3://{warehouse.bucket}/wide/'"
    )
    warehouse.athena.update_work_group(
        WorkGroup=workgroup, ConfigurationUpdates={"BytesScannedCutoffPerQuery": 10_000_000}
    )
    outcome = warehouse.run("SELECT max(a) FROM wide", WorkGroup=workgroup)
    assert (outcome.state, outcome.reason) == (
        "CANCELLED",
        "Query cancelled! : Bytes scanned limit was exceeded",
    )
    assert warehouse.run("SELECT max(b) FROM wide", WorkGroup=workgroup).state == "SUCCEEDED"


def test_a_running_query_can_be_stopped(warehouse: Warehouse) -> None:
    execution = start(warehouse, ENDLESS)
    while state(warehouse, execution) == "QUEUED":
        time.sleep(0.01)
    assert state(warehouse, execution) == "RUNNING"
    assert refusal(warehouse.athena.get_query_results, QueryExecutionId=execution)[1] == (
        "Query has not yet finished. Current state: RUNNING"
    )
    warehouse.athena.stop_query_execution(QueryExecutionId=execution)
    assert warehouse.wait(execution).state == "CANCELLED"
    warehouse.athena.stop_query_execution(QueryExecutionId=execution)
    assert state(warehouse, execution) == "CANCELLED"


def test_a_query_stopped_in_the_queue_never_runs(warehouse: Warehouse) -> None:
    running = [start(warehouse, ENDLESS) for _ in range(4)]
    waiting = start(warehouse, "SELECT 1")
    assert state(warehouse, waiting) == "QUEUED"
    warehouse.athena.stop_query_execution(QueryExecutionId=waiting)
    assert state(warehouse, waiting) == "CANCELLED"
    for execution in running:
        warehouse.athena.stop_query_execution(QueryExecutionId=execution)
    assert {warehouse.wait(execution).state for execution in running} == {"CANCELLED"}


def test_batch_get_query_execution_returns_many_executions(warehouse: Warehouse) -> None:
    known = warehouse.run("SELECT 1").execution["QueryExecutionId"]
    unknown = str(uuid4())
    answer = warehouse.athena.batch_get_query_execution(QueryExecutionIds=[known, unknown])
    assert [execution["QueryExecutionId"] for execution in answer["QueryExecutions"]] == [known]
    assert [failure["QueryExecutionId"] for failure in answer["UnprocessedQueryExecutionIds"]] == [unknown]
    statistics = warehouse.athena.get_query_runtime_statistics(QueryExecutionId=known)[
        "QueryRuntimeStatistics"
    ]
    assert statistics["Rows"] == {"InputBytes": 0, "OutputRows": 1}
    ids = [
        page["QueryExecutionIds"]
        for page in warehouse.athena.get_paginator("list_query_executions").paginate()
    ]
    assert known in [execution for page in ids for execution in page]


def test_table_metadata_comes_from_glue(warehouse: Warehouse) -> None:
    warehouse.run(
        r"CREATE EXTERNAL TABLE meta (a int COMMENT 'x') COMMENT '\ntwo\n\nlines\n' PARTITIONED BY (d date) "
        f"STORED AS PARQUET LOCATION 's3://{warehouse.bucket}/m/'"
    )
    catalog = {"CatalogName": "AwsDataCatalog"}
    assert warehouse.database in [
        db["Name"] for db in warehouse.athena.list_databases(**catalog)["DatabaseList"]
    ]
    assert (
        warehouse.athena.get_database(**catalog, DatabaseName=warehouse.database)["Database"]["Name"]
        == warehouse.database
    )
    table = warehouse.athena.get_table_metadata(**catalog, DatabaseName=warehouse.database, TableName="meta")[
        "TableMetadata"
    ]
    assert table["Columns"] == [{"Name": "a", "Type": "int", "Comment": "x"}]
    assert [key["Name"] for key in table["PartitionKeys"]] == ["d"]
    assert table["Parameters"]["location"] == f"s3://{warehouse.bucket}/m"
    assert table["Parameters"]["serde.param.serialization.format"] == "1"
    assert table["Parameters"]["comment"] == " two lines "
    listed = warehouse.athena.list_table_metadata(
        **catalog, DatabaseName=warehouse.database, Expression="me.*"
    )
    assert [table["Name"] for table in listed["TableMetadataList"]] == ["meta"]
    code, message = refusal(
        warehouse.athena.get_table_metadata, **catalog, DatabaseName=warehouse.database, TableName="nope"
    )
    assert code == "MetadataException"
    assert "(Service: AmazonDataCatalog; Status Code: 400; Error Code: EntityNotFoundException;" in message
    assert refusal(warehouse.athena.get_database, **catalog, DatabaseName="nope")[0] == "MetadataException"
    assert refusal(warehouse.athena.list_databases, CatalogName="other")[0] == "InvalidRequestException"
    assert warehouse.athena.list_data_catalogs()["DataCatalogsSummary"] == [
        {"CatalogName": "AwsDataCatalog", "Type": "GLUE"}
    ]
    assert warehouse.athena.get_data_catalog(Name="awsdatacatalog")["DataCatalog"]["Type"] == "GLUE"


def test_an_output_location_is_read_without_empty_parts(warehouse: Warehouse) -> None:
    location = {"OutputLocation": f"{warehouse.output}/a//b/"}
    ended = warehouse.run("SELECT 1", ResultConfiguration=location)
    assert ended.rows == [("1",)]
    output = f"{warehouse.output}a/b/{ended.execution['QueryExecutionId']}.csv"
    assert ended.execution["ResultConfiguration"]["OutputLocation"] == output


def test_the_result_of_an_equal_query_is_reused(warehouse: Warehouse) -> None:
    reuse = {"ResultReuseByAgeConfiguration": {"Enabled": True, "MaxAgeInMinutes": 60}}

    def reused(sql: str, **request: Any) -> bool:
        ended = warehouse.run(sql, ResultReuseConfiguration=reuse, **request)
        assert ended.execution["ResultReuseConfiguration"] == reuse
        return bool(ended.execution["Statistics"]["ResultReuseInformation"]["ReusedPreviousResult"])

    warehouse.run("CREATE TABLE reused AS SELECT 1 AS x")
    first = warehouse.run("SELECT x FROM reused")
    assert first.execution["Statistics"]["DataScannedInBytes"] > 0
    warehouse.run("INSERT INTO reused VALUES 2")
    second = warehouse.run("SELECT x FROM reused", ResultReuseConfiguration=reuse)
    assert second.rows == first.rows == [("1",)]
    assert second.execution["Statistics"]["ResultReuseInformation"] == {"ReusedPreviousResult": True}
    assert second.execution["Statistics"]["DataScannedInBytes"] == 0
    output = second.execution["ResultConfiguration"]["OutputLocation"]
    assert output == first.execution["ResultConfiguration"]["OutputLocation"]

    assert not reused("SELECT x FROM  reused")
    assert not reused("SELECT random() AS r")
    assert not reused("SELECT random() AS r")
    assert not reused("SHOW TABLES")
    by_age = {"ResultReuseByAgeConfiguration": {"Enabled": True, "MaxAgeInMinutes": 0}}
    third = warehouse.run("SELECT x FROM reused", ResultReuseConfiguration=by_age)
    assert len(third.rows) == 2
    assert reused("SELECT x FROM reused")
    output = third.execution["ResultConfiguration"]["OutputLocation"]
    warehouse.s3.delete_object(Bucket=warehouse.bucket, Key=output.split("/", 3)[3])
    assert not reused("SELECT x FROM reused")


def test_named_queries(warehouse: Warehouse) -> None:
    athena = warehouse.athena
    athena.create_work_group(Name="named")
    request = {"Name": "one", "Database": "default", "QueryString": "SELECT 1", "WorkGroup": "named"}
    query = athena.create_named_query(**request, ClientRequestToken="t" * 32)["NamedQueryId"]
    assert athena.create_named_query(**request, ClientRequestToken="t" * 32)["NamedQueryId"] == query
    athena.update_named_query(NamedQueryId=query, Name="two", QueryString="SELECT 2", Description="changed")
    found = athena.get_named_query(NamedQueryId=query)["NamedQuery"]
    assert (found["Name"], found["QueryString"], found["Description"]) == ("two", "SELECT 2", "changed")
    assert athena.list_named_queries(WorkGroup="named")["NamedQueryIds"] == [query]
    both = athena.batch_get_named_query(NamedQueryIds=[query, "gone"])
    assert [each["NamedQueryId"] for each in both["NamedQueries"]] == [query]
    assert both["UnprocessedNamedQueryIds"][0]["NamedQueryId"] == "gone"
    assert "is not empty" in refusal(athena.delete_work_group, WorkGroup="named")[1]
    athena.delete_named_query(NamedQueryId=query)
    assert "was not found" in refusal(athena.get_named_query, NamedQueryId=query)[1]
    athena.delete_work_group(WorkGroup="named")


def test_prepared_statements(warehouse: Warehouse) -> None:
    athena = warehouse.athena
    key = {"StatementName": "stored", "WorkGroup": "primary"}
    athena.create_prepared_statement(**key, QueryStatement="SELECT ? AS x", Description="first")
    assert "already exists" in refusal(athena.create_prepared_statement, **key, QueryStatement="SELECT 1")[1]
    assert (
        "mismatched input"
        in refusal(athena.update_prepared_statement, **key, QueryStatement="SELECT FROM")[1]
    )
    athena.update_prepared_statement(**key, QueryStatement="SELECT ? + 1 AS x")
    found = athena.get_prepared_statement(**key)["PreparedStatement"]
    assert (found["QueryStatement"], found["Description"]) == ("SELECT ? + 1 AS x", "first")
    assert warehouse.run("EXECUTE stored USING 41").rows[1:] == [("42",)]
    names = [
        each["StatementName"]
        for each in athena.list_prepared_statements(WorkGroup="primary")["PreparedStatements"]
    ]
    assert "stored" in names
    both = athena.batch_get_prepared_statement(PreparedStatementNames=["stored", "gone"], WorkGroup="primary")
    assert both["UnprocessedPreparedStatementNames"][0]["ErrorCode"] == "ResourceNotFoundException"
    athena.delete_prepared_statement(**key)
    assert refusal(athena.get_prepared_statement, **key)[0] == "ResourceNotFoundException"


def test_a_workgroup_that_enforces_its_location_refuses_the_location_of_a_new_table(
    warehouse: Warehouse,
) -> None:
    location = {"ResultConfiguration": {"OutputLocation": warehouse.output}}
    warehouse.athena.create_work_group(Name="enforced", Configuration=location)
    sql = f"CREATE TABLE x WITH (external_location = 's3://{warehouse.bucket}/x/') AS SELECT 1 AS a"
    code, message = refusal(warehouse.athena.start_query_execution, QueryString=sql, WorkGroup="enforced")
    assert code == "InvalidRequestException"
    assert message.startswith("The Create Table As Select query failed because it was submitted with an")


def test_engine_versions(warehouse: Warehouse) -> None:
    versions = warehouse.athena.list_engine_versions()["EngineVersions"]
    assert {each["EffectiveEngineVersion"] for each in versions} == {"Athena engine version 3"}
