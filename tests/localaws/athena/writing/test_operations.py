"""CREATE TABLE AS, INSERT INTO and UNLOAD: their files, tables, partitions, manifests and errors."""

from __future__ import annotations

import gzip
import json
from typing import Any
from uuid import uuid4

import pyarrow.parquet as pq
import pytest
from pyarrow import orc

from tests.localaws.athena.conftest import Warehouse


def objects(warehouse: Warehouse, prefix: str) -> list[str]:
    found = warehouse.s3.list_objects_v2(Bucket=warehouse.bucket, Prefix=prefix).get("Contents", [])
    return [str(each["Key"]) for each in found]


def body(warehouse: Warehouse, uri: str) -> bytes:
    key = uri.removeprefix(f"s3://{warehouse.bucket}/")
    return bytes(warehouse.s3.get_object(Bucket=warehouse.bucket, Key=key)["Body"].read())


def glue_table(warehouse: Warehouse, name: str) -> Any:
    return warehouse.glue.get_table(DatabaseName=warehouse.database, Name=name)["Table"]


@pytest.fixture
def location(warehouse: Warehouse, request: pytest.FixtureRequest) -> str:
    return f"s3://{warehouse.bucket}/{request.node.originalname}-{uuid4().hex[:4]}/"


# ---------------------------------------------------------------- CREATE TABLE AS
def test_the_table_is_below_the_output_location_and_has_the_types_of_the_query(warehouse: Warehouse) -> None:
    sql = """CREATE TABLE typed AS SELECT 1 AS i, BIGINT '2' AS b, 'a' AS s, CAST('abc' AS varchar(5)) AS v, 1.5e0 AS d,
        CAST(2.5 AS real) AS r, DECIMAL '1.20' AS c, true AS t, DATE '2024-01-31' AS day, ARRAY[1, 2] AS a,
        TIMESTAMP '2024-01-31 10:00:00.123' AS moment"""
    ended = warehouse.run(sql)
    assert ended.state == "SUCCEEDED", ended.reason
    execution = ended.execution
    assert (execution["StatementType"], execution["SubstatementType"]) == ("DDL", "CREATE_TABLE_AS_SELECT")
    folder = f"{warehouse.output}tables/{execution['QueryExecutionId']}"
    assert execution["ResultConfiguration"]["OutputLocation"] == folder
    table = glue_table(warehouse, "typed")
    assert table["StorageDescriptor"]["Location"] == f"{folder}/"
    types = {column["Name"]: column["Type"] for column in table["StorageDescriptor"]["Columns"]}
    assert types == {
        "i": "int", "b": "bigint", "s": "string", "v": "varchar(5)", "d": "double", "r": "float", "c": "decimal(3,2)",
        "t": "boolean", "day": "date", "a": "array<int>", "moment": "timestamp",
    }  # fmt: skip
    assert warehouse.rows("SELECT i, b, s, v, d, r, c, t, day, a, moment FROM typed") == [
        (
            "1",
            "2",
            "a",
            "abc",
            "1.5",
            "2.5",
            "1.20",
            "true",
            "2024-01-31",
            "[1, 2]",
            "2024-01-31 10:00:00.123",
        )
    ]
    manifest = execution["Statistics"]["DataManifestLocation"]
    assert manifest == f"{folder}-manifest.csv"
    (file,) = body(warehouse, manifest).decode().splitlines()
    assert file.startswith(f"{folder}/")
    assert ended.pages["UpdateCount"] == 1
    assert ended.pages["ResultSet"]["Rows"] == []


def test_partitions_are_folders_and_are_registered(warehouse: Warehouse, location: str) -> None:
    ended = warehouse.run(
        f"""CREATE TABLE parts WITH (external_location = '{location}', partitioned_by = ARRAY['day', 'kind']) AS
        SELECT * FROM (VALUES (1, DATE '2024-01-31', 'a'), (2, DATE '2024-01-31', 'b/c'), (3, DATE '2024-02-01', NULL))
        AS t (x, day, kind)"""
    )
    assert ended.state == "SUCCEEDED", ended.reason
    assert warehouse.rows("SELECT x, day, kind FROM parts ORDER BY x") == [
        ("1", "2024-01-31", "a"), ("2", "2024-01-31", "b/c"), ("3", "2024-02-01", None),
    ]  # fmt: skip
    folders = {
        key.rpartition("/")[0].partition("/")[2] for key in objects(warehouse, location.split("/", 3)[3])
    }
    assert folders == {
        "day=2024-01-31/kind=a", "day=2024-01-31/kind=b%2Fc", "day=2024-02-01/kind=__HIVE_DEFAULT_PARTITION__",
    }  # fmt: skip


def test_more_than_100_partitions_are_refused_and_nothing_remains(
    warehouse: Warehouse, location: str
) -> None:
    sql = f"""CREATE TABLE many WITH (external_location = '{location}', partitioned_by = ARRAY['p']) AS
        SELECT 1 AS x, p FROM UNNEST(sequence(1, {{}})) AS t (p)"""
    reason = warehouse.failure(sql.format(101))
    assert reason.startswith(
        "HIVE_TOO_MANY_OPEN_PARTITIONS: Exceeded limit of 100 open writers for partitions/buckets."
    )
    assert objects(warehouse, location.split("/", 3)[3]) == []
    assert "many" not in [
        t["Name"] for t in warehouse.glue.get_tables(DatabaseName=warehouse.database)["TableList"]
    ]
    assert warehouse.run(sql.format(100)).state == "SUCCEEDED"
    assert warehouse.rows("SELECT count(*), sum(p) FROM many") == [("100", "5050")]


@pytest.mark.parametrize(
    ("format_", "properties", "serde"),
    [
        ("PARQUET", "write_compression = 'SNAPPY'", "parquet.serde.ParquetHiveSerDe"),
        ("ORC", "", "orc.OrcSerde"),
        ("JSON", "write_compression = 'NONE'", "JsonSerDe"),
        ("TEXTFILE", "field_delimiter = ','", "LazySimpleSerDe"),
    ],
)
def test_formats(
    warehouse: Warehouse, location: str, format_: str, properties: str, serde: str, tmp_path: Any
) -> None:
    name = f"as_{format_.lower()}"
    ended = warehouse.run(
        f"""CREATE TABLE {name} WITH (external_location = '{location}', format = '{format_}'
        {", " + properties if properties else ""}) AS
        SELECT 'a"b' AS s, CAST(NULL AS integer) AS n, 0.1 AS d, ARRAY['x', 'y'] AS a,
            TIMESTAMP '2024-01-31 10:00:00.000' AS t"""
    )
    assert ended.state == "SUCCEEDED", ended.reason
    assert serde in glue_table(warehouse, name)["StorageDescriptor"]["SerdeInfo"]["SerializationLibrary"]
    (key,) = objects(warehouse, location.split("/", 3)[3])
    content = body(warehouse, f"s3://{warehouse.bucket}/{key}")
    (tmp_path / "file").write_bytes(content)
    if format_ == "JSON":
        assert json.loads(content) == {
            "s": 'a"b', "n": None, "d": 0.1, "a": ["x", "y"], "t": "2024-01-31 10:00:00.000",
        }  # fmt: skip
    elif format_ == "TEXTFILE":
        assert gzip.decompress(content).decode() == 'a"b,\\N,0.1,x\x02y,2024-01-31 10:00:00.000\n'
    elif format_ == "ORC":
        assert orc.read_table(tmp_path / "file").to_pylist()[0]["a"] == ["x", "y"]
    else:
        metadata = pq.read_metadata(tmp_path / "file")
        assert metadata.row_group(0).column(0).compression == "SNAPPY"
        assert metadata.schema.column(4).physical_type == "INT96"


def test_buckets(warehouse: Warehouse, location: str) -> None:
    ended = warehouse.run(
        f"""CREATE TABLE bucketed WITH (external_location = '{location}', bucketed_by = ARRAY['k'], bucket_count = 3) AS
        SELECT k, 'x' AS s FROM UNNEST(sequence(1, 10)) AS t (k)"""
    )
    assert ended.state == "SUCCEEDED", ended.reason
    keys = objects(warehouse, location.split("/", 3)[3])
    assert [key.rpartition("/")[2][:8] for key in keys] == ["000000_0", "000001_0", "000002_0"]
    assert glue_table(warehouse, "bucketed")["StorageDescriptor"]["BucketColumns"] == ["k"]
    assert warehouse.rows('SELECT k FROM bucketed WHERE "$path" LIKE \'%/000001_0%\' ORDER BY k') == [
        ("1",), ("4",), ("7",), ("10",),
    ]  # fmt: skip
    assert "bucketed" in warehouse.failure("INSERT INTO bucketed SELECT 1, 'y'")


def test_no_data(warehouse: Warehouse) -> None:
    assert warehouse.run("CREATE TABLE empty_one AS SELECT 1 AS x WITH NO DATA").state == "SUCCEEDED"
    assert warehouse.rows("SELECT x FROM empty_one") == []
    assert warehouse.run("CREATE TABLE IF NOT EXISTS empty_one AS SELECT 2 AS x").state == "SUCCEEDED"
    assert warehouse.rows("SELECT x FROM empty_one") == []


def test_the_location_must_be_empty(warehouse: Warehouse, location: str) -> None:
    warehouse.put(f"{location.split('/', 3)[3]}old.parquet", {"x": [1]})
    reason = warehouse.failure(f"CREATE TABLE again WITH (external_location = '{location}') AS SELECT 1 AS x")
    assert reason.startswith(
        f"HIVE_PATH_ALREADY_EXISTS: Target directory for table '{warehouse.database}.again' already exists: {location}."
    )


@pytest.mark.parametrize("compression", ["GZIP", "SNAPPY", "NONE"])
def test_avro_files_have_the_types_of_the_table(warehouse: Warehouse, compression: str) -> None:
    values = """1 AS i, TINYINT '2' AS t, BIGINT '3' AS b, 'a' AS s, 1.5e0 AS d, CAST(2.5 AS real) AS r,
        DECIMAL '-1.20' AS c, true AS yes, DATE '2024-01-31' AS day, TIMESTAMP '2024-01-31 10:00:00.123' AS moment,
        X'0aff' AS x, ARRAY[1, NULL] AS a, MAP(ARRAY['k'], ARRAY['v']) AS m,
        CAST(ROW(ROW(1), ROW(TIMESTAMP '2024-07-31 10:00:00')) AS row(p row(x int), q row(x timestamp))) AS nested,
        CAST(NULL AS int) AS missing"""
    name = f"avro_{compression.lower()}"
    properties = f"format = 'AVRO', write_compression = '{compression}'"
    ended = warehouse.run(f"CREATE TABLE {name} WITH ({properties}) AS SELECT {values}")
    assert ended.state == "SUCCEEDED", ended.reason
    assert warehouse.rows(f"SELECT * FROM {name}") == warehouse.rows(f"SELECT {values}")
    assert warehouse.run(f"INSERT INTO {name} SELECT * FROM {name}").state == "SUCCEEDED"
    assert warehouse.rows(f"SELECT count(*) FROM {name} WHERE day = DATE '2024-01-31'") == [("2",)]


@pytest.mark.parametrize(
    ("sql", "reason"),
    [
        ("CREATE TABLE x AS SELECT 1", "Column name not specified at position 1"),
        ("CREATE TABLE x AS SELECT 1 AS a, 2 AS A", "Column name 'A' specified more than once"),
        ("CREATE TABLE x AS SELECT NULL AS a", "Column type is unknown at position 1"),
        ("CREATE TABLE nowhere.x AS SELECT 1 AS a", "SCHEMA_NOT_FOUND: line 1:14: Schema 'nowhere' does not exist"),
        (
            "CREATE TABLE x WITH (format = 'AVRO') AS SELECT MAP(ARRAY[1], ARRAY[2]) AS a",
            "not supported by the local Athena: writing map<int32, int32> to AVRO",
        ),
        ("CREATE TABLE x WITH (format = 'CSV') AS SELECT 1 AS a", "INVALID_TABLE_PROPERTY"),
        ("CREATE TABLE x WITH (colour = 'red') AS SELECT 1 AS a", "table property 'colour' does not exist"),
        ("CREATE TABLE x WITH (partitioned_by = ARRAY['a']) AS SELECT 1 AS a, 2 AS b", "HIVE_COLUMN_ORDER_MISMATCH"),
        ("CREATE TABLE x WITH (partitioned_by = ARRAY['a']) AS SELECT 1 AS a", "only partition columns"),
        ("CREATE TABLE x WITH (partitioned_by = ARRAY['z']) AS SELECT 1 AS a", "not present in schema"),
        ("CREATE TABLE x WITH (partitioned_by = ARRAY['p']) AS SELECT 1 AS a, 'é' AS p", "Invalid value: C3 A9"),
        ("CREATE TABLE x AS SELECT nothing FROM y", "TABLE_NOT_FOUND: line 1:39"),
    ],
)  # fmt: skip
def test_a_wrong_create_table_as_is_refused(warehouse: Warehouse, sql: str, reason: str) -> None:
    assert reason in warehouse.failure(sql)


def test_an_existing_table_is_refused(warehouse: Warehouse) -> None:
    warehouse.run("CREATE TABLE present AS SELECT 1 AS x")
    assert warehouse.failure("CREATE TABLE present AS SELECT 1 AS x") == (
        f"TABLE_ALREADY_EXISTS: line 1:14: Destination table 'awsdatacatalog.{warehouse.database}.present' "
        "already exists"
    )


def test_parameters_of_a_create_table_as(warehouse: Warehouse) -> None:
    ended = warehouse.run("CREATE TABLE given AS SELECT ? AS x", ExecutionParameters=["42"])
    assert ended.state == "SUCCEEDED", ended.reason
    assert warehouse.rows("SELECT x FROM given") == [("42",)]


# ---------------------------------------------------------------- INSERT INTO
def test_insert(warehouse: Warehouse) -> None:
    warehouse.run(
        "CREATE TABLE facts WITH (partitioned_by = ARRAY['day']) AS SELECT 1 AS x, 'a' AS s, DATE '2024-01-01' AS day"
    )
    ended = warehouse.run(
        "INSERT INTO facts VALUES (2, 'b', DATE '2024-01-01'), (3, NULL, DATE '2024-01-02')"
    )
    assert ended.state == "SUCCEEDED", ended.reason
    assert (ended.execution["StatementType"], ended.execution["SubstatementType"]) == ("DML", "INSERT")
    assert ended.pages["UpdateCount"] == 2
    manifest = ended.execution["Statistics"]["DataManifestLocation"]
    assert manifest == f"{warehouse.output}{ended.execution['QueryExecutionId']}-manifest.csv"
    assert len(body(warehouse, manifest).decode().splitlines()) == 2
    warehouse.rows("INSERT INTO facts (day, x) SELECT DATE '2024-01-02', 4")
    assert warehouse.rows("SELECT x, s, day FROM facts ORDER BY x") == [
        ("1", "a", "2024-01-01"), ("2", "b", "2024-01-01"), ("3", None, "2024-01-02"), ("4", None, "2024-01-02"),
    ]  # fmt: skip
    assert warehouse.rows("SHOW PARTITIONS facts") == [("day=2024-01-01",), ("day=2024-01-02",)]


def test_insert_casts_as_trino(warehouse: Warehouse) -> None:
    warehouse.run("CREATE TABLE narrow AS SELECT 1 AS i, CAST('abc' AS varchar(3)) AS v")
    warehouse.rows("INSERT INTO narrow SELECT DECIMAL '2.5', 'ab  '")
    warehouse.rows("INSERT INTO narrow (i) SELECT 2.5e0")
    assert warehouse.rows("SELECT i FROM narrow ORDER BY i") == [("1",), ("3",), ("3",)]
    assert warehouse.failure("INSERT INTO narrow SELECT 1, 'abcd'") == (
        "INVALID_CAST_ARGUMENT: Cannot truncate non-space characters when casting from varchar to varchar(3) on INSERT"
    )


def test_insert_widens_types_and_refuses_others(warehouse: Warehouse) -> None:
    warehouse.run(
        "CREATE TABLE wide AS SELECT BIGINT '1' AS b, 1.0e0 AS d, DECIMAL '12345678901.00' AS c, 'a' AS s"
    )
    warehouse.rows("INSERT INTO wide SELECT 2, 3, 4, NULL")
    assert warehouse.failure("INSERT INTO wide SELECT 2, 3, 'x', 'y'").startswith(
        "TYPE_MISMATCH: line 1:13: Insert query has mismatched column types: Table: [bigint, double, decimal(13,2), "
        "varchar], Query: ["
    )
    assert "TYPE_MISMATCH" in warehouse.failure("INSERT INTO wide SELECT 1")
    assert "COLUMN_NOT_FOUND" in warehouse.failure("INSERT INTO wide (z) SELECT 1")
    assert "DUPLICATE_COLUMN_NAME" in warehouse.failure("INSERT INTO wide (b, b) SELECT 1, 2")
    assert "TABLE_NOT_FOUND" in warehouse.failure("INSERT INTO nothing SELECT 1")


# ---------------------------------------------------------------- UNLOAD
def test_unload(warehouse: Warehouse, location: str) -> None:
    sql = f"UNLOAD (SELECT x, p FROM (VALUES (1, 'a'), (2, 'b')) AS t (x, p)) TO '{location}' WITH ("
    ended = warehouse.run(f"{sql} format = 'TEXTFILE', field_delimiter = ';', partitioned_by = ARRAY['p'])")
    assert ended.state == "SUCCEEDED", ended.reason
    execution = ended.execution
    assert (execution["StatementType"], execution["SubstatementType"]) == ("DML", "UNLOAD")
    files = sorted(body(warehouse, execution["Statistics"]["DataManifestLocation"]).decode().splitlines())
    assert [file.removeprefix(location).partition("/")[0] for file in files] == ["p=a", "p=b"]
    assert gzip.decompress(body(warehouse, files[1])) == b"2\n"
    assert "HIVE_PATH_ALREADY_EXISTS" in warehouse.failure(f"{sql} format = 'PARQUET')")
    assert "format" in warehouse.failure(f"{sql} compression = 'gzip')")
    nested = warehouse.run(f"UNLOAD (SELECT 1 AS x) TO '{location}/deeper//' WITH (format = 'PARQUET')")
    assert nested.state == "SUCCEEDED", nested.reason
    assert objects(warehouse, location.partition(f"{warehouse.bucket}/")[2] + "deeper/")
