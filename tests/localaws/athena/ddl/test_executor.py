"""DDL statements on the local Glue, with Hive's results and errors."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.localaws.athena.conftest import Lake

SALES = """
CREATE EXTERNAL TABLE {name} (
  order_id string COMMENT 'the order',
  total decimal(10,2),
  weights array<double>,
  sold_at timestamp
)
PARTITIONED BY (year int, region string)
STORED AS PARQUET
LOCATION 's3://{bucket}/{name}'
TBLPROPERTIES ('parquet.compression' = 'SNAPPY')
"""


@pytest.fixture
def sales(lake: Lake, request: pytest.FixtureRequest) -> Iterator[str]:
    """A partitioned table for one test, without registered partitions."""
    name = request.node.originalname.removeprefix("test_")[:60]
    assert lake.run(SALES.format(name=name, bucket=lake.bucket)).state == "SUCCEEDED"
    yield name
    lake.run(f"DROP TABLE IF EXISTS {name}")


def partition(lake: Lake, table: str, year: str, region: str) -> None:
    lake.put(f"{table}/year={year}/region={region}/part-0.parquet", {"order_id": ["a"]})


def test_a_created_table_has_the_same_glue_definition_as_in_athena(lake: Lake, sales: str) -> None:
    table = lake.glue.get_table(DatabaseName=lake.database, Name=sales)["Table"]
    assert table["TableType"] == "EXTERNAL_TABLE"
    assert table["Parameters"] == {"EXTERNAL": "TRUE", "parquet.compression": "SNAPPY"}
    assert [(key["Name"], key["Type"]) for key in table["PartitionKeys"]] == [
        ("year", "int"),
        ("region", "string"),
    ]
    storage = table["StorageDescriptor"]
    assert storage["Location"] == f"s3://{lake.bucket}/{sales}"
    assert [column["Type"] for column in storage["Columns"]] == [
        "string",
        "decimal(10,2)",
        "array<double>",
        "timestamp",
    ]
    assert storage["SerdeInfo"]["SerializationLibrary"].endswith("ParquetHiveSerDe")


def test_create_database_creates_it_in_glue(lake: Lake) -> None:
    name = f"{lake.database}_other"
    assert (
        lake.run(f"CREATE DATABASE {name} COMMENT 'x' LOCATION 's3://{lake.bucket}/db/'").state == "SUCCEEDED"
    )
    assert lake.glue.get_database(Name=name)["Database"]["LocationUri"] == f"s3://{lake.bucket}/db/"
    assert lake.failure(f"CREATE SCHEMA {name}").endswith(f"Database {name} already exists")
    assert lake.run(f"CREATE DATABASE IF NOT EXISTS {name}").state == "SUCCEEDED"
    assert (name,) in lake.rows("SHOW DATABASES")
    assert lake.rows(f"SHOW DATABASES LIKE '{name[:-2]}*'") == [(name,)]
    assert (
        lake.run(
            f"CREATE EXTERNAL TABLE {name}.t (a int) STORED AS PARQUET LOCATION 's3://{lake.bucket}/t/'"
        ).rows
        == []
    )
    assert "is not empty" in lake.failure(f"DROP DATABASE {name}")
    assert lake.run(f"DROP DATABASE {name} CASCADE").state == "SUCCEEDED"
    assert lake.failure(f"DROP DATABASE {name}").endswith(f"Database does not exist: {name}")
    assert lake.run(f"DROP DATABASE IF EXISTS {name}").state == "SUCCEEDED"


def test_a_table_that_exists_is_not_created_again(lake: Lake, sales: str) -> None:
    again = SALES.format(name=sales, bucket=lake.bucket)
    assert f"Table {sales} already exists" in lake.failure(again)
    assert lake.run(again.replace("EXTERNAL TABLE", "EXTERNAL TABLE IF NOT EXISTS")).state == "SUCCEEDED"


def test_drop_table_keeps_the_data(lake: Lake, sales: str) -> None:
    partition(lake, sales, "2024", "EU")
    assert lake.run(f"DROP TABLE {sales}").state == "SUCCEEDED"
    assert lake.s3.list_objects_v2(Bucket=lake.bucket, Prefix=f"{sales}/")["KeyCount"] == 1
    assert lake.failure(f"DROP TABLE {sales}").endswith(f"Table not found {lake.database}.{sales}")
    assert lake.run(f"DROP TABLE IF EXISTS {sales}").state == "SUCCEEDED"


def test_repair_adds_new_partitions_and_lists_them(lake: Lake, sales: str) -> None:
    partition(lake, sales, "2023", "EU")
    partition(lake, sales, "2024", "EU")
    assert lake.rows(f"MSCK REPAIR TABLE {sales}") == [
        (f"Partitions not in metastore:\t{sales}:year=2023/region=EU\t{sales}:year=2024/region=EU",),
        (f"Repair: Added partition to metastore {sales}:year=2023/region=EU",),
        (f"Repair: Added partition to metastore {sales}:year=2024/region=EU",),
    ]
    assert lake.rows(f"MSCK REPAIR TABLE {sales}") == []
    assert lake.rows(f"SHOW PARTITIONS {sales}") == [("year=2023/region=EU",), ("year=2024/region=EU",)]


def test_repair_removes_no_partition(lake: Lake, sales: str) -> None:
    partition(lake, sales, "2024", "EU")
    lake.run(f"MSCK REPAIR TABLE {sales}")
    lake.s3.delete_object(Bucket=lake.bucket, Key=f"{sales}/year=2024/region=EU/part-0.parquet")
    assert lake.rows(f"MSCK REPAIR TABLE {sales}") == [
        (f"Partitions missing from filesystem:\t{sales}:year=2024/region=EU",)
    ]
    assert lake.rows(f"SHOW PARTITIONS {sales}") == [("year=2024/region=EU",)]


def test_repair_skips_folders_that_are_not_partitions(lake: Lake, sales: str) -> None:
    partition(lake, sales, "2024", "a%3Ab")
    partition(lake, sales, "2024", "10:30")
    lake.put(f"{sales}/region=EU/year=2024/part-0.parquet", {"order_id": ["a"]})
    lake.put(f"{sales}/Year=2024/region=EU/part-0.parquet", {"order_id": ["a"]})
    lake.put(f"{sales}/year=2024/part-0.parquet", {"order_id": ["a"]})
    lake.run(f"MSCK REPAIR TABLE {sales}")
    assert lake.rows(f"SHOW PARTITIONS {sales}") == [("year=2024/region=a:b",)]
    assert lake.rows(f"SELECT DISTINCT region FROM {sales}") == [("a:b",)]


def test_partitions_are_added_and_dropped_by_name(lake: Lake, sales: str) -> None:
    add = f"ALTER TABLE {sales} ADD PARTITION (region='EU', year=2024) PARTITION (year=2024, region='US')"
    assert lake.run(f"{add} LOCATION 's3://{lake.bucket}/elsewhere/us'").state == "SUCCEEDED"
    found = lake.glue.get_partitions(DatabaseName=lake.database, TableName=sales)["Partitions"]
    assert {p["Values"][1]: p["StorageDescriptor"]["Location"] for p in found} == {
        "EU": f"s3://{lake.bucket}/{sales}/year=2024/region=EU/",
        "US": f"s3://{lake.bucket}/elsewhere/us",
    }
    assert "Partition already exists" in lake.failure(add)
    assert lake.run(add.replace("ADD", "ADD IF NOT EXISTS")).state == "SUCCEEDED"
    drop = f"ALTER TABLE {sales} DROP PARTITION (year=2024, region='US')"
    assert lake.run(drop).state == "SUCCEEDED"
    assert "Partition not found" in lake.failure(drop)
    assert lake.run(drop.replace("DROP", "DROP IF EXISTS")).state == "SUCCEEDED"
    assert lake.rows(f"SHOW PARTITIONS {sales}") == [("year=2024/region=EU",)]
    assert "not supported by the local Athena: DROP PARTITION with values for only some" in lake.failure(
        f"ALTER TABLE {sales} DROP PARTITION (year=2024)"
    )
    assert "must name all partition keys of the table (year, region)" in lake.failure(
        f"ALTER TABLE {sales} ADD PARTITION (year=2024)"
    )


def test_show_lists_tables_and_columns_and_the_create_statement(lake: Lake, sales: str) -> None:
    assert (sales,) in lake.rows("SHOW TABLES")
    assert lake.rows(f"SHOW TABLES IN {lake.database} '{sales[:-1]}*|nothing'") == [(sales,)]
    names = ["order_id", "total", "weights", "sold_at", "year", "region"]
    assert [str(name).rstrip() for (name,) in lake.rows(f"SHOW COLUMNS IN {sales}")] == names
    lines = [line for (line,) in lake.rows(f"SHOW CREATE TABLE {sales}")]
    assert lines[0] == f"CREATE EXTERNAL TABLE `{lake.database}.{sales}`("
    assert "  `order_id` string COMMENT 'the order', " in lines
    assert "  `region` string)" in lines
    assert f"  's3://{lake.bucket}/{sales}'" in lines


@pytest.fixture
def again(lake: Lake, request: pytest.FixtureRequest) -> Iterator[Callable[[str], dict[str, Any]]]:
    """Run the result of SHOW CREATE TABLE from another database, and return the new table in Glue."""
    made: list[str] = []

    def run(name: str) -> dict[str, Any]:
        made.append(name)
        statement = "\n".join(str(line) for (line,) in lake.rows(f"SHOW CREATE TABLE `{name}`"))
        before = definition(lake, name)
        assert lake.run(f"DROP TABLE `{name}`").state == "SUCCEEDED"
        outcome = lake.run(statement, QueryExecutionContext={"Database": "default"})
        assert outcome.state == "SUCCEEDED", f"{outcome.reason}: {statement}"
        assert definition(lake, name) == before
        return before

    yield run
    for name in made:
        lake.run(f"DROP TABLE IF EXISTS `{name}`")


def definition(lake: Lake, name: str) -> dict[str, Any]:
    """Return a table's definition in Glue without times and versions."""
    table = lake.glue.get_table(DatabaseName=lake.database, Name=name)["Table"]
    return {k: v for k, v in table.items() if k not in ("CreateTime", "UpdateTime", "VersionId")}


@pytest.mark.parametrize(
    ("name", "ddl"),
    [
        ("plain", "(a int) STORED AS PARQUET LOCATION 's3://b/plain'"),
        ("slash", "(a int) STORED AS PARQUET LOCATION 's3://b/slash/'"),
        (
            "types",
            "(a struct<x:int,y:array<map<string,decimal(9,3)>>>, v varchar(10), d decimal) "
            "STORED AS PARQUET LOCATION 's3://b/t/'",
        ),
        (
            "_under",
            "(`_id` bigint, `date` date) PARTITIONED BY (`_part` string, `user` string) "
            "STORED AS PARQUET LOCATION 's3://b/u/'",
        ),
        (
            "commented",
            r"""(a int COMMENT 'row\'s "id"', b int COMMENT "it's; a \\ or\ttab\nline \u00e4") COMMENT 'the one\'s' """
            r"PARTITIONED BY (c int COMMENT 'ü') STORED AS PARQUET LOCATION 's3://b/it\'s/' "
            r"TBLPROPERTIES ('k\'' = 'v\'s', 'z' = '')",
        ),
        (
            "serde",
            "(a int) ROW FORMAT SERDE 'org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe' "
            "WITH SERDEPROPERTIES ('serialization.format' = '1') STORED AS PARQUET LOCATION 's3://b/s/'",
        ),
    ],
)
def test_show_create_table_creates_the_same_table_again(
    lake: Lake, again: Callable[[str], dict[str, Any]], name: str, ddl: str
) -> None:
    created = lake.run(f"CREATE EXTERNAL TABLE `{name}` {ddl}")
    assert created.state == "SUCCEEDED", created.reason
    again(name)


def test_comments_and_properties_keep_their_quotes(
    lake: Lake, again: Callable[[str], dict[str, Any]]
) -> None:
    created = lake.run(
        r"""CREATE EXTERNAL TABLE quoting (a int COMMENT 'row\'s "id"', b int COMMENT "it's\ttab") COMMENT 'one\ntwo'
        STORED AS PARQUET LOCATION 's3://b//q///r/' TBLPROPERTIES ('k' = 'a\\b;')"""
    )
    assert created.state == "SUCCEEDED", created.reason
    table = again("quoting")
    storage = table["StorageDescriptor"]
    assert [column["Comment"] for column in storage["Columns"]] == ['row\'s "id"', "it's\ttab"]
    assert table["Parameters"] == {"EXTERNAL": "TRUE", "k": r"a\b;", "comment": "one\ntwo"}
    assert storage["Location"] == "s3://b/q/r/"
    lines = [str(line) for (line,) in lake.rows("SHOW CREATE TABLE quoting")]
    assert r"""  `a` int COMMENT 'row\'s "id"', """ in lines
    assert r"COMMENT 'one\ntwo'" in lines
    assert not any("'comment'" in line for line in lines)


def test_quotes_are_escaped_for_a_table_that_was_created_in_glue(lake: Lake) -> None:
    columns = [{"Name": "a", "Type": "int", "Comment": "row's"}]
    storage = {"Columns": columns, "Location": "s3://b/g", "SerdeInfo": {"Parameters": {"x": "y"}}}
    lake.glue.create_table(
        DatabaseName=lake.database,
        TableInput={"Name": "given", "TableType": "EXTERNAL_TABLE", "StorageDescriptor": storage},
    )
    lines = [line for (line,) in lake.rows("SHOW CREATE TABLE given")]
    assert r"  `a` int COMMENT 'row\'s')" in lines
    assert "  'x'='y')" in lines
    lake.glue.create_table(
        DatabaseName=lake.database, TableInput={"Name": "seen", "TableType": "VIRTUAL_VIEW"}
    )
    assert "SHOW CREATE TABLE of VIRTUAL_VIEW" in lake.failure("SHOW CREATE TABLE seen")
    for name in ("given", "seen"):
        lake.glue.delete_table(DatabaseName=lake.database, Name=name)


def test_a_database_in_backticks_can_be_the_query_context(lake: Lake, sales: str) -> None:
    partition(lake, sales, "2024", "EU")
    context = {"Database": f"`{lake.database}`"}
    for statement in (
        f"MSCK REPAIR TABLE `{sales}`;",
        f"DESCRIBE `{sales}`;",
        f"SHOW CREATE TABLE `{sales}`;",
    ):
        outcome = lake.run(statement, QueryExecutionContext=context)
        assert outcome.state == "SUCCEEDED", outcome.reason
    assert lake.rows(f"SHOW PARTITIONS `{lake.database}`.`{sales}`") == [("year=2024/region=EU",)]
    assert lake.rows(f"SHOW PARTITIONS `{lake.database}.{sales}`") == [("year=2024/region=EU",)]


@pytest.mark.parametrize("name", ["_id", "date", "timestamp", "user", "order", "a$b"])
def test_a_name_that_needs_backticks_is_refused_without_them(lake: Lake, name: str) -> None:
    for sql in (
        f"CREATE EXTERNAL TABLE t ({name} int) STORED AS PARQUET LOCATION 's3://b/t/'",
        f"DESCRIBE {name}",
        f"DROP TABLE IF EXISTS {lake.database}.{name}",
    ):
        with pytest.raises(
            ClientError, match=re.escape(f"mismatched input '{name}' expecting a name: write `{name}`")
        ):
            lake.run(sql)


def test_describe_lists_fields_padded_and_partition_keys_twice(lake: Lake, sales: str) -> None:
    lines = [line for (line,) in lake.rows(f"DESCRIBE {sales}")]
    assert lines[0] == f"{'order_id':20}\t{'string':20}\t{'the order':20}"
    assert lines[6:10] == [
        "\t \t ",
        "# Partition Information\t \t ",
        f"{'# col_name':20}\t{'data_type':20}\t{'comment':20}",
        "\t \t ",
    ]
    assert [line.split()[0] for line in lines[10:]] == ["year", "region"]


@pytest.mark.parametrize(
    ("sql", "message"),
    [
        ("MSCK REPAIR TABLE nope", "Table not found {database}.nope"),
        ("SHOW PARTITIONS nope", "Table not found {database}.nope"),
        ("SHOW TABLES IN nope", "Database does not exist: nope"),
        ("CREATE EXTERNAL TABLE t (a int) STORED AS PARQUET", "add LOCATION 's3://bucket/folder/'"),
        (
            "CREATE EXTERNAL TABLE t (a int) STORED AS PARQUET LOCATION 's3a://b/c/'",
            "must be s3://bucket/folder/",
        ),
        (
            "CREATE EXTERNAL TABLE t (a int) STORED AS PARQUET LOCATION 's3://bucket/*.parquet'",
            "without wildcards",
        ),
        (
            "CREATE EXTERNAL TABLE t (a integer) STORED AS PARQUET LOCATION 's3://bucket/t/'",
            "mismatched input 'integer'",
        ),
        (
            "CREATE EXTERNAL TABLE t (a inet) STORED AS PARQUET LOCATION 's3://bucket/t/'",
            "column a inet (unknown type: inet)",
        ),
        (
            "CREATE EXTERNAL TABLE t (a int, a int) STORED AS PARQUET LOCATION 's3://bucket/t/'",
            "Duplicate column name: a",
        ),
        (
            "CREATE EXTERNAL TABLE t (a int) PARTITIONED BY (a int) STORED AS PARQUET LOCATION 's3://bucket/t/'",
            "Column repeated in partitioning columns",
        ),
        ("CREATE EXTERNAL TABLE t (a int) STORED AS ORC LOCATION 's3://bucket/t/'", "STORED AS ORC"),
        (
            "CREATE EXTERNAL TABLE t (a int) LOCATION 's3://bucket/t/'",
            "a table without STORED AS PARQUET",
        ),
        ("CREATE TABLE t AS SELECT 1 AS a", "CREATE TABLE AS SELECT"),
        ("CREATE VIEW v AS SELECT 1 AS a", "CREATE VIEW"),
        ("INSERT INTO t SELECT 1", "INSERT statements"),
        ("UNLOAD (SELECT 1) TO 's3://bucket/x/' WITH (format='PARQUET')", "UNLOAD statements"),
        (
            "CREATE EXTERNAL TABLE t (a int COMMENT 'it''s') STORED AS PARQUET LOCATION 's3://b/t/'",
            "in DDL, write a quote in a string as \\'",
        ),
        ("CREATE TABLE t (a int) STORED AS PARQUET LOCATION 's3://b/t/'", "CREATE TABLE without EXTERNAL"),
        ("DROP TABLE 2024_sales", "a name that begins with a digit; put it in backticks"),
        ("CREATE DATABASE `a.b`", "the database name `a.b`"),
        (
            "CREATE EXTERNAL TABLE t (a varchar(0)) STORED AS PARQUET LOCATION 's3://b/t/'",
            "a varchar has 1 to 65535 characters",
        ),
        ("DROP TABLE `a.b.c`", "the table name `a.b.c`"),
        (
            "CREATE EXTERNAL TABLE t (a int) ROW FORMAT SERDE 'org.apache.hadoop.hive.ql.io.parquet.serde."
            "ParquetHiveSerDe' WITH SERDEPROPERTIES ('parquet.column.index.access' = 'true') STORED AS PARQUET "
            "LOCATION 's3://b/t/'",
            "WITH SERDEPROPERTIES parquet.column.index.access",
        ),
        ("ALTER TABLE t ADD COLUMNS (b int)", "ADD COLUMNS"),
        ("EXPLAIN SELECT 1", "EXPLAIN statements"),
    ],
)
def test_invalid_and_unsupported_statements_are_refused(lake: Lake, sql: str, message: str) -> None:
    assert message.format(database=lake.database) in lake.failure(sql)
