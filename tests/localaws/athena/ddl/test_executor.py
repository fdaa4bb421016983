"""DDL statements on the local Glue, with Hive's results and errors."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.localaws.athena.conftest import Warehouse

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
def sales(warehouse: Warehouse, request: pytest.FixtureRequest) -> Iterator[str]:
    """A partitioned table for one test, without registered partitions."""
    name = request.node.originalname.removeprefix("test_")[:60]
    assert warehouse.run(SALES.format(name=name, bucket=warehouse.bucket)).state == "SUCCEEDED"
    yield name
    warehouse.run(f"DROP TABLE IF EXISTS {name}")


def partition(warehouse: Warehouse, table: str, year: str, region: str) -> None:
    warehouse.put(f"{table}/year={year}/region={region}/part-0.parquet", {"order_id": ["a"]})


def test_a_created_table_has_the_same_glue_definition_as_in_athena(warehouse: Warehouse, sales: str) -> None:
    table = warehouse.glue.get_table(DatabaseName=warehouse.database, Name=sales)["Table"]
    assert table["TableType"] == "EXTERNAL_TABLE"
    assert table["Parameters"] == {"EXTERNAL": "TRUE", "parquet.compression": "SNAPPY"}
    assert [(key["Name"], key["Type"]) for key in table["PartitionKeys"]] == [
        ("year", "int"),
        ("region", "string"),
    ]
    storage = table["StorageDescriptor"]
    assert storage["Location"] == f"s3://{warehouse.bucket}/{sales}"
    assert [column["Type"] for column in storage["Columns"]] == [
        "string",
        "decimal(10,2)",
        "array<double>",
        "timestamp",
    ]
    assert storage["SerdeInfo"]["SerializationLibrary"].endswith("ParquetHiveSerDe")


def test_create_database_creates_it_in_glue(warehouse: Warehouse) -> None:
    name = f"{warehouse.database}_other"
    assert (
        warehouse.run(f"CREATE DATABASE {name} COMMENT 'x' LOCATION 's3://{warehouse.bucket}/db/'").state
        == "SUCCEEDED"
    )
    assert warehouse.glue.get_database(Name=name)["Database"]["LocationUri"] == f"s3://{warehouse.bucket}/db/"
    assert warehouse.failure(f"CREATE SCHEMA {name}").endswith(f"Database {name} already exists")
    assert warehouse.run(f"CREATE DATABASE IF NOT EXISTS {name}").state == "SUCCEEDED"
    assert (name,) in warehouse.rows("SHOW DATABASES")
    assert warehouse.rows(f"SHOW DATABASES LIKE '{name[:-2]}*'") == [(name,)]
    assert (
        warehouse.run(
            f"CREATE EXTERNAL TABLE {name}.t (a int) STORED AS PARQUET LOCATION 's3://{warehouse.bucket}/t/'"
        ).rows
        == []
    )
    assert "is not empty" in warehouse.failure(f"DROP DATABASE {name}")
    assert warehouse.run(f"DROP DATABASE {name} CASCADE").state == "SUCCEEDED"
    assert warehouse.failure(f"DROP DATABASE {name}").endswith(f"Database does not exist: {name}")
    assert warehouse.run(f"DROP DATABASE IF EXISTS {name}").state == "SUCCEEDED"


def test_a_table_that_exists_is_not_created_again(warehouse: Warehouse, sales: str) -> None:
    again = SALES.format(name=sales, bucket=warehouse.bucket)
    assert f"Table {sales} already exists" in warehouse.failure(again)
    assert warehouse.run(again.replace("EXTERNAL TABLE", "EXTERNAL TABLE IF NOT EXISTS")).state == "SUCCEEDED"


def test_drop_table_keeps_the_data(warehouse: Warehouse, sales: str) -> None:
    partition(warehouse, sales, "2024", "EU")
    assert warehouse.run(f"DROP TABLE {sales}").state == "SUCCEEDED"
    assert warehouse.s3.list_objects_v2(Bucket=warehouse.bucket, Prefix=f"{sales}/")["KeyCount"] == 1
    assert warehouse.failure(f"DROP TABLE {sales}").endswith(f"Table not found {warehouse.database}.{sales}")
    assert warehouse.run(f"DROP TABLE IF EXISTS {sales}").state == "SUCCEEDED"


def test_repair_adds_new_partitions_and_lists_them(warehouse: Warehouse, sales: str) -> None:
    partition(warehouse, sales, "2023", "EU")
    partition(warehouse, sales, "2024", "EU")
    assert warehouse.rows(f"MSCK REPAIR TABLE {sales}") == [
        (f"Partitions not in metastore:\t{sales}:year=2023/region=EU\t{sales}:year=2024/region=EU",),
        (f"Repair: Added partition to metastore {sales}:year=2023/region=EU",),
        (f"Repair: Added partition to metastore {sales}:year=2024/region=EU",),
    ]
    assert warehouse.rows(f"MSCK REPAIR TABLE {sales}") == []
    assert warehouse.rows(f"SHOW PARTITIONS {sales}") == [("year=2023/region=EU",), ("year=2024/region=EU",)]


def test_repair_removes_no_partition(warehouse: Warehouse, sales: str) -> None:
    partition(warehouse, sales, "2024", "EU")
    warehouse.run(f"MSCK REPAIR TABLE {sales}")
    warehouse.s3.delete_object(Bucket=warehouse.bucket, Key=f"{sales}/year=2024/region=EU/part-0.parquet")
    assert warehouse.rows(f"MSCK REPAIR TABLE {sales}") == [
        (f"Partitions missing from filesystem:\t{sales}:year=2024/region=EU",)
    ]
    assert warehouse.rows(f"SHOW PARTITIONS {sales}") == [("year=2024/region=EU",)]


def test_repair_skips_folders_that_are_not_partitions(warehouse: Warehouse, sales: str) -> None:
    partition(warehouse, sales, "2024", "a%3Ab")
    partition(warehouse, sales, "2024", "10:30")
    warehouse.put(f"{sales}/region=EU/year=2024/part-0.parquet", {"order_id": ["a"]})
    warehouse.put(f"{sales}/Year=2024/region=EU/part-0.parquet", {"order_id": ["a"]})
    warehouse.put(f"{sales}/year=2024/part-0.parquet", {"order_id": ["a"]})
    warehouse.run(f"MSCK REPAIR TABLE {sales}")
    assert warehouse.rows(f"SHOW PARTITIONS {sales}") == [("year=2024/region=a:b",)]
    assert warehouse.rows(f"SELECT DISTINCT region FROM {sales}") == [("a:b",)]


def test_partitions_are_added_and_dropped_by_name(warehouse: Warehouse, sales: str) -> None:
    add = f"ALTER TABLE {sales} ADD PARTITION (region='EU', year=2024) PARTITION (year=2024, region='US')"
    assert warehouse.run(f"{add} LOCATION 's3://{warehouse.bucket}/elsewhere/us'").state == "SUCCEEDED"
    found = warehouse.glue.get_partitions(DatabaseName=warehouse.database, TableName=sales)["Partitions"]
    assert {p["Values"][1]: p["StorageDescriptor"]["Location"] for p in found} == {
        "EU": f"s3://{warehouse.bucket}/{sales}/year=2024/region=EU/",
        "US": f"s3://{warehouse.bucket}/elsewhere/us",
    }
    assert "Partition already exists" in warehouse.failure(add)
    assert warehouse.run(add.replace("ADD", "ADD IF NOT EXISTS")).state == "SUCCEEDED"
    drop = f"ALTER TABLE {sales} DROP PARTITION (year=2024, region='US')"
    assert warehouse.run(drop).state == "SUCCEEDED"
    assert "Partition not found" in warehouse.failure(drop)
    assert warehouse.run(drop.replace("DROP", "DROP IF EXISTS")).state == "SUCCEEDED"
    assert warehouse.rows(f"SHOW PARTITIONS {sales}") == [("year=2024/region=EU",)]
    assert "must name all partition keys of the table (year, region)" in warehouse.failure(
        f"ALTER TABLE {sales} ADD PARTITION (year=2024)"
    )
    warehouse.rows(
        f"ALTER TABLE {sales} PARTITION (year=2024, region='EU') RENAME TO PARTITION (year=2025, region='EU')"
    )
    warehouse.rows(
        f"ALTER TABLE {sales} PARTITION (year=2025, region='EU') SET LOCATION 's3://{warehouse.bucket}/moved/'"
    )
    (found,) = warehouse.glue.get_partitions(DatabaseName=warehouse.database, TableName=sales)["Partitions"]
    assert (found["Values"], found["StorageDescriptor"]["Location"]) == (
        ["2025", "EU"], f"s3://{warehouse.bucket}/moved/"
    )  # fmt: skip
    warehouse.rows(f"ALTER TABLE {sales} DROP PARTITION (year=2025)")
    assert warehouse.rows(f"SHOW PARTITIONS {sales}") == []


def columns_of(warehouse: Warehouse, table: str) -> list[tuple[str, str]]:
    found = warehouse.glue.get_table(DatabaseName=warehouse.database, Name=table)["Table"][
        "StorageDescriptor"
    ]
    return [(column["Name"], column["Type"]) for column in found["Columns"]]


def test_columns_are_added_changed_and_replaced(warehouse: Warehouse, sales: str) -> None:
    warehouse.rows(f"ALTER TABLE {sales} REPLACE COLUMNS (order_id string COMMENT 'the order', total double)")
    warehouse.rows(f"ALTER TABLE {sales} ADD COLUMNS (note string COMMENT 'free text', tags array<string>)")
    assert columns_of(warehouse, sales) == [
        ("order_id", "string"), ("total", "double"), ("note", "string"), ("tags", "array<string>"),
    ]  # fmt: skip
    warehouse.rows(f"ALTER TABLE {sales} CHANGE COLUMN note remark varchar(10) FIRST")
    warehouse.rows(f"ALTER TABLE {sales} CHANGE total amount decimal(10,2) COMMENT 'in EUR' AFTER tags")
    assert columns_of(warehouse, sales) == [
        ("remark", "varchar(10)"), ("order_id", "string"), ("tags", "array<string>"), ("amount", "decimal(10,2)"),
    ]  # fmt: skip
    assert "Duplicate column name: tags" in warehouse.failure(f"ALTER TABLE {sales} ADD COLUMNS (tags int)")
    assert "Column repeated in partitioning columns" in warehouse.failure(
        f"ALTER TABLE {sales} ADD COLUMNS (year int)"
    )
    assert "Invalid column reference gone" in warehouse.failure(f"ALTER TABLE {sales} CHANGE gone here int")


def test_the_location_and_the_properties_of_a_table_are_changed(warehouse: Warehouse, sales: str) -> None:
    warehouse.rows(f"ALTER TABLE {sales} SET LOCATION 's3://{warehouse.bucket}/new/'")
    warehouse.rows(f"ALTER TABLE {sales} SET TBLPROPERTIES ('owner'='me', 'comment'='sold')")
    table = warehouse.glue.get_table(DatabaseName=warehouse.database, Name=sales)["Table"]
    assert table["StorageDescriptor"]["Location"] == f"s3://{warehouse.bucket}/new/"
    assert ("owner\tme",) in warehouse.rows(f"SHOW TBLPROPERTIES {sales}")
    assert warehouse.rows(f"SHOW TBLPROPERTIES {sales}('comment')") == [("sold",)]
    (missing,) = warehouse.rows(f"SHOW TBLPROPERTIES {sales}('nothing')")
    assert "does not have property: nothing" in str(missing[0])
    warehouse.rows(f"ALTER DATABASE {warehouse.database} SET DBPROPERTIES ('team'='sales')")
    database = warehouse.glue.get_database(Name=warehouse.database)["Database"]
    assert database["Parameters"] == {"team": "sales"}


def test_describe_formatted_shows_the_properties_of_the_table(warehouse: Warehouse, sales: str) -> None:
    lines = [str(line) for (line,) in warehouse.rows(f"DESCRIBE FORMATTED {sales}")]
    assert lines[0].split("\t")[0].strip() == "# col_name"
    assert any(f"s3://{warehouse.bucket}/{sales}" in line for line in lines if line.startswith("Location:"))
    assert any("ParquetHiveSerDe" in line for line in lines if line.startswith("SerDe Library:"))
    (one,) = warehouse.rows(f"DESCRIBE {sales} order_id")
    assert str(one[0]).split("\t")[1].strip() == "string"


@pytest.mark.parametrize("sql", ["ALTER TABLE t SET SERDEPROPERTIES ('a'='b')", "DESCRIBE DATABASE d"])
def test_statements_of_hive_that_athena_does_not_have_are_refused(warehouse: Warehouse, sql: str) -> None:
    with pytest.raises(ClientError, match="Queries of this type are not supported"):
        warehouse.run(sql)


def test_show_lists_tables_and_columns_and_the_create_statement(warehouse: Warehouse, sales: str) -> None:
    assert (sales,) in warehouse.rows("SHOW TABLES")
    assert warehouse.rows(f"SHOW TABLES IN {warehouse.database} '{sales[:-1]}*|nothing'") == [(sales,)]
    names = ["order_id", "total", "weights", "sold_at", "year", "region"]
    assert [str(name).rstrip() for (name,) in warehouse.rows(f"SHOW COLUMNS IN {sales}")] == names
    lines = [line for (line,) in warehouse.rows(f"SHOW CREATE TABLE {sales}")]
    assert lines[0] == f"CREATE EXTERNAL TABLE `{sales}`("
    qualified = warehouse.rows(f"SHOW CREATE TABLE {warehouse.database}.{sales}")
    assert qualified[0] == (f"CREATE EXTERNAL TABLE `{warehouse.database}.{sales}`(",)
    assert "  `order_id` string COMMENT 'the order', " in lines
    assert "  `region` string)" in lines
    assert f"  's3://{warehouse.bucket}/{sales}'" in lines


@pytest.fixture
def again(warehouse: Warehouse, request: pytest.FixtureRequest) -> Iterator[Callable[[str], dict[str, Any]]]:
    """Run the result of SHOW CREATE TABLE from another database, and return the new table in Glue."""
    made: list[str] = []

    def run(name: str) -> dict[str, Any]:
        made.append(name)
        shown = warehouse.rows(f"SHOW CREATE TABLE `{warehouse.database}`.`{name}`")
        statement = "\n".join(str(line) for (line,) in shown)
        before = definition(warehouse, name)
        assert warehouse.run(f"DROP TABLE `{name}`").state == "SUCCEEDED"
        outcome = warehouse.run(statement, QueryExecutionContext={"Database": "default"})
        assert outcome.state == "SUCCEEDED", f"{outcome.reason}: {statement}"
        assert definition(warehouse, name) == before
        return before

    yield run
    for name in made:
        warehouse.run(f"DROP TABLE IF EXISTS `{name}`")


def definition(warehouse: Warehouse, name: str) -> dict[str, Any]:
    """Return a table's definition in Glue without times and versions."""
    table = warehouse.glue.get_table(DatabaseName=warehouse.database, Name=name)["Table"]
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
        ("text", "(a int) LOCATION 's3://b/text/'"),
        (
            "delimited",
            r"(a array<map<string,struct<b:int>>>) ROW FORMAT DELIMITED FIELDS TERMINATED BY '\t' ESCAPED BY '\\' "
            r"COLLECTION ITEMS TERMINATED BY '\002' MAP KEYS TERMINATED BY ':' LINES TERMINATED BY '\n' "
            r"NULL DEFINED AS '' STORED AS TEXTFILE LOCATION 's3://b/delimited/' "
            "TBLPROPERTIES ('skip.header.line.count'='1')",
        ),
        (
            "csv",
            r"""(a string) ROW FORMAT SERDE 'org.apache.hadoop.hive.serde2.OpenCSVSerde' WITH SERDEPROPERTIES
            ("separatorChar" = ",", "quoteChar" = "`", "escapeChar" = "\\") LOCATION 's3://b/csv/'""",
        ),
        (
            "json",
            "(a string) ROW FORMAT SERDE 'org.openx.data.jsonserde.JsonSerDe' STORED AS TEXTFILE "
            "WITH SERDEPROPERTIES ('ignore.malformed.json'='true') LOCATION 's3://b/json/'",
        ),
        (
            "json_default",
            "(a string) ROW FORMAT SERDE 'org.openx.data.jsonserde.JsonSerDe' LOCATION 's3://b/json_default/'",
        ),
        ("orc", "(a string) STORED AS ORC LOCATION 's3://b/orc/' TBLPROPERTIES ('orc.compress'='ZLIB')"),
        (
            "classes",
            "(a string) ROW FORMAT SERDE 'org.apache.hive.hcatalog.data.JsonSerDe' STORED AS INPUTFORMAT "
            "'org.apache.hadoop.mapred.TextInputFormat' OUTPUTFORMAT "
            "'org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat' LOCATION 's3://b/classes/'",
        ),
        (
            "bucketed",
            "(a string, b int) CLUSTERED BY (a) SORTED BY (b DESC, a) INTO 4 BUCKETS STORED AS PARQUET "
            "LOCATION 's3://b/bucketed/'",
        ),
    ],
)
def test_show_create_table_creates_the_same_table_again(
    warehouse: Warehouse, again: Callable[[str], dict[str, Any]], name: str, ddl: str
) -> None:
    created = warehouse.run(f"CREATE EXTERNAL TABLE `{name}` {ddl}")
    assert created.state == "SUCCEEDED", created.reason
    again(name)


def test_json_tables_without_a_file_format_have_another_output_format(warehouse: Warehouse) -> None:
    serde = "ROW FORMAT SERDE 'org.openx.data.jsonserde.JsonSerDe'"
    location = f"LOCATION 's3://{warehouse.bucket}/json_output/'"
    warehouse.run(f"CREATE EXTERNAL TABLE json_output (a string) {serde} {location}")
    lines = [str(line) for (line,) in warehouse.rows("SHOW CREATE TABLE json_output")]
    assert "  'org.apache.hadoop.hive.ql.io.IgnoreKeyTextOutputFormat'" in lines
    warehouse.upload("json_output/x", '{"a": "x"}\n')
    assert warehouse.rows("SELECT a FROM json_output") == [("x",)]


def test_comments_and_properties_keep_their_quotes(
    warehouse: Warehouse, again: Callable[[str], dict[str, Any]]
) -> None:
    created = warehouse.run(
        r"""CREATE EXTERNAL TABLE quoting (a int COMMENT 'row\'s "id"', b int COMMENT "it's\ttab") COMMENT 'one\ntwo'
        STORED AS PARQUET LOCATION 's3://b//q///r/' TBLPROPERTIES ('k' = 'a\\b;')"""
    )
    assert created.state == "SUCCEEDED", created.reason
    table = again("quoting")
    storage = table["StorageDescriptor"]
    assert [column["Comment"] for column in storage["Columns"]] == ['row\'s "id"', "it's\ttab"]
    assert table["Parameters"] == {"EXTERNAL": "TRUE", "k": r"a\b;", "comment": "one\ntwo"}
    assert storage["Location"] == "s3://b/q/r/"
    lines = [str(line) for (line,) in warehouse.rows("SHOW CREATE TABLE quoting")]
    assert r"""  `a` int COMMENT 'row\'s "id"', """ in lines
    assert r"COMMENT 'one\ntwo'" in lines
    assert not any("'comment'" in line for line in lines)


def test_quotes_are_escaped_for_a_table_that_was_created_in_glue(warehouse: Warehouse) -> None:
    columns = [{"Name": "a", "Type": "int", "Comment": "row's"}]
    storage = {"Columns": columns, "Location": "s3://b/g", "SerdeInfo": {"Parameters": {"x": "y"}}}
    warehouse.glue.create_table(
        DatabaseName=warehouse.database,
        TableInput={"Name": "given", "TableType": "EXTERNAL_TABLE", "StorageDescriptor": storage},
    )
    lines = [line for (line,) in warehouse.rows("SHOW CREATE TABLE given")]
    assert r"  `a` int COMMENT 'row\'s')" in lines
    assert "  'x'='y')" in lines
    warehouse.glue.create_table(
        DatabaseName=warehouse.database, TableInput={"Name": "seen", "TableType": "VIRTUAL_VIEW"}
    )
    assert "SHOW CREATE TABLE of VIRTUAL_VIEW" in warehouse.failure("SHOW CREATE TABLE seen")
    for name in ("given", "seen"):
        warehouse.glue.delete_table(DatabaseName=warehouse.database, Name=name)


def test_a_database_in_backticks_can_be_the_query_context(warehouse: Warehouse, sales: str) -> None:
    partition(warehouse, sales, "2024", "EU")
    context = {"Database": f"`{warehouse.database}`"}
    for statement in (
        f"MSCK REPAIR TABLE `{sales}`;",
        f"DESCRIBE `{sales}`;",
        f"SHOW CREATE TABLE `{sales}`;",
    ):
        outcome = warehouse.run(statement, QueryExecutionContext=context)
        assert outcome.state == "SUCCEEDED", outcome.reason
    assert warehouse.rows(f"SHOW PARTITIONS `{warehouse.database}`.`{sales}`") == [("year=2024/region=EU",)]
    assert warehouse.rows(f"SHOW PARTITIONS `{warehouse.database}.{sales}`") == [("year=2024/region=EU",)]


@pytest.mark.parametrize("name", ["_id", "date", "timestamp", "user", "order", "a$b"])
def test_a_name_that_needs_backticks_is_refused_without_them(warehouse: Warehouse, name: str) -> None:
    for sql in (
        f"CREATE EXTERNAL TABLE t ({name} int) STORED AS PARQUET LOCATION 's3://b/t/'",
        f"DESCRIBE {name}",
        f"DROP TABLE IF EXISTS {warehouse.database}.{name}",
    ):
        with pytest.raises(
            ClientError, match=re.escape(f"mismatched input '{name}' expecting a name: write `{name}`")
        ):
            warehouse.run(sql)


def test_describe_lists_fields_padded_and_partition_keys_twice(warehouse: Warehouse, sales: str) -> None:
    lines = [line for (line,) in warehouse.rows(f"DESCRIBE {sales}")]
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
        ("CREATE EXTERNAL TABLE t (a int) STORED AS RCFILE LOCATION 's3://bucket/t/'", "STORED AS RCFILE"),
        (
            "CREATE EXTERNAL TABLE t (a int) ROW FORMAT SERDE 'org.apache.hadoop.hive.serde2.RegexSerDe' "
            "LOCATION 's3://bucket/t/'",
            "SERDE org.apache.hadoop.hive.serde2.RegexSerDe",
        ),
        (
            "CREATE EXTERNAL TABLE t (a int) ROW FORMAT SERDE 'org.openx.data.jsonserde.JsonSerDe' STORED AS PARQUET "
            "LOCATION 's3://bucket/t/'",
            "SERDE org.openx.data.jsonserde.JsonSerDe with files of the format PARQUET",
        ),
        (
            "CREATE EXTERNAL TABLE t (a int) ROW FORMAT DELIMITED LINES TERMINATED BY ';' LOCATION 's3://bucket/t/'",
            "LINES TERMINATED BY only supports newline",
        ),
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
    ],
)
def test_invalid_and_unsupported_statements_are_refused(warehouse: Warehouse, sql: str, message: str) -> None:
    assert message.format(database=warehouse.database) in warehouse.failure(sql)
