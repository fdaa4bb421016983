"""A query reads the registered partitions of a table, with the types that are declared in Glue."""

from __future__ import annotations

import time
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest

from localaws.athena.sql.parsing.parser import parse_query
from localaws.athena.sql.translation.queries import plan_query
from localaws.athena.tables.catalog import Catalog
from tests.localaws.athena.conftest import Warehouse


def create(warehouse: Warehouse, name: str, columns: str, partitioned: str = "") -> None:
    by = f"PARTITIONED BY ({partitioned})" if partitioned else ""
    sql = f"CREATE EXTERNAL TABLE {name} ({columns}) {by} STORED AS PARQUET LOCATION 's3://{warehouse.bucket}/{name}/'"
    assert warehouse.run(sql).state == "SUCCEEDED"


@pytest.fixture(scope="module")
def sales(warehouse: Warehouse) -> str:
    create(
        warehouse,
        "sales",
        "customer string, amount bigint, price decimal(6,2)",
        "run_date date, region string",
    )
    for day in ("2024-01-01", "2024-01-02"):
        for region in ("EU", "US"):
            warehouse.put(
                f"sales/run_date={day}/region={region}/part-0.snappy.parquet",
                {
                    "customer": [f"{region}-{n}" for n in range(1000)],
                    "amount": list(range(1000)),
                    "price": [Decimal("1.10")] * 1000,
                },
            )
    warehouse.run("MSCK REPAIR TABLE sales")
    return "sales"


def test_all_registered_partitions_are_read(warehouse: Warehouse, sales: str) -> None:
    assert warehouse.rows("SELECT count(*), sum(amount), sum(price), avg(price) FROM sales") == [
        ("4000", "1998000", "4400.00", "1.10")
    ]
    assert warehouse.rows(
        "SELECT run_date, region, count(*) FROM sales GROUP BY 1, 2 ORDER BY 1, 2 DESC LIMIT 2"
    ) == [
        ("2024-01-01", "US", "1000"),
        ("2024-01-01", "EU", "1000"),
    ]


def test_scans_of_the_same_table_are_independent(warehouse: Warehouse, sales: str) -> None:
    """Scans of the same columns share their rows, unless they read other partitions."""
    joined = "FROM sales a JOIN sales b ON a.customer = b.customer AND a.run_date = b.run_date"
    assert warehouse.rows(f"SELECT count(*) {joined}") == [("4000",)]
    assert warehouse.rows(f"SELECT count(*) {joined} WHERE b.run_date = DATE '2024-01-01'") == [("2000",)]


def test_exists_reads_no_columns_for_its_star(warehouse: Warehouse, sales: str) -> None:
    read = warehouse.run("SELECT 1 WHERE EXISTS (SELECT * FROM sales WHERE amount > 5)")
    assert (read.rows, read.scanned) == ([("1",)], warehouse.run("SELECT max(amount) FROM sales").scanned)


def test_an_unregistered_partition_is_not_read(warehouse: Warehouse) -> None:
    create(warehouse, "unregistered", "a int", "day string")
    warehouse.put("unregistered/day=1/x.parquet", {"a": pa.array([1], pa.int32())})
    assert warehouse.rows("SELECT count(*) FROM unregistered") == [("0",)]
    warehouse.run("ALTER TABLE unregistered ADD PARTITION (day='1')")
    assert warehouse.rows("SELECT a, day FROM unregistered") == [("1", "1")]


def test_a_condition_on_partition_keys_prunes_partitions(warehouse: Warehouse, sales: str) -> None:
    whole = warehouse.run("SELECT sum(amount) FROM sales").scanned
    day = warehouse.run("SELECT sum(amount) FROM sales WHERE run_date = date '2024-01-01'")
    one = warehouse.run(
        "SELECT sum(amount) FROM sales "
        "WHERE region LIKE 'E%' AND year(run_date) = 2024 AND run_date > date '2024-01-01'"
    )
    assert (day.scanned, one.scanned) == (whole // 2, whole // 4)
    assert day.rows == [("999000",)]
    assert one.rows == [("499500",)]
    assert warehouse.run("SELECT sum(amount) FROM sales WHERE run_date > current_date").scanned == 0


def test_only_the_columns_of_the_query_count_as_scanned(warehouse: Warehouse, sales: str) -> None:
    amounts = warehouse.run("SELECT sum(amount) FROM sales").scanned
    everything = warehouse.run("SELECT * FROM sales").scanned
    assert 0 < amounts < everything
    assert warehouse.run("SELECT count(*) FROM sales").scanned == 0


def test_the_other_side_of_an_outer_join_is_not_pruned(warehouse: Warehouse, sales: str) -> None:
    """If the right side were pruned to `region IS NULL`, no row of the left side would find a match."""
    sql = (
        "SELECT count(*) FROM (VALUES 'EU-1', 'nobody') AS v(name) LEFT JOIN sales s ON s.customer = v.name "
        "WHERE s.region IS NULL"
    )
    assert warehouse.rows(sql) == [("1",)]


def test_a_condition_in_a_subquery_does_not_prune_the_outer_query(warehouse: Warehouse, sales: str) -> None:
    inner = "SELECT 1 FROM (VALUES 1) AS v(x) WHERE s.region = 'EU'"
    assert warehouse.rows(f"SELECT count(*) FROM sales s WHERE NOT EXISTS ({inner})") == [("2000",)]


def test_a_joined_table_is_pruned_by_its_own_condition(warehouse: Warehouse, sales: str) -> None:
    sql = (
        "SELECT count(*) FROM sales a JOIN sales b ON a.customer = b.customer "
        "WHERE a.run_date = date '2024-01-01' AND b.run_date = date '2024-01-02' AND a.region = 'EU'"
    )
    both = warehouse.run(sql)
    assert both.rows == [("1000",)]
    assert (
        both.scanned
        == 3
        * warehouse.run(
            "SELECT customer FROM sales WHERE run_date = date '2024-01-01' AND region='EU'"
        ).scanned
    )


def test_markers_hidden_files_and_empty_objects_are_skipped(warehouse: Warehouse) -> None:
    create(warehouse, "hidden", "a int")
    warehouse.put("hidden/part-0.parquet", {"a": pa.array([1], pa.int32())})
    warehouse.put("hidden/deeper/part-1.parquet", {"a": pa.array([2], pa.int32())})
    for key in ("hidden/_SUCCESS", "hidden/.part.crc", "hidden/_temporary/0/part", "hidden/sub_folder$"):
        body = b"" if key.endswith("$") else b"not parquet"
        warehouse.s3.put_object(Bucket=warehouse.bucket, Key=key, Body=body)
    assert warehouse.rows("SELECT a FROM hidden ORDER BY a") == [("1",), ("2",)]


def test_a_location_without_objects_has_no_rows(warehouse: Warehouse) -> None:
    create(warehouse, "empty", "a int, b array<double>", "day date")
    assert warehouse.run("SELECT * FROM empty").rows == []
    warehouse.run("ALTER TABLE empty ADD PARTITION (day='2024-01-01')")
    nothing = warehouse.run("SELECT a, b, day FROM empty")
    assert (nothing.rows, nothing.types) == ([], ["integer", "array", "date"])


def test_a_column_that_is_missing_in_an_older_file_is_null(warehouse: Warehouse) -> None:
    create(warehouse, "evolved", "a int, b string")
    warehouse.put("evolved/1.parquet", {"a": pa.array([1], pa.int32())})
    warehouse.put("evolved/2.parquet", {"b": ["x"], "a": pa.array([2], pa.int32())})
    assert warehouse.rows("SELECT a, b FROM evolved ORDER BY a") == [("1", None), ("2", "x")]


@pytest.mark.parametrize("declared", ["double", "string", "date", "decimal(4,2)"])
def test_a_file_of_another_type_is_bad_data(warehouse: Warehouse, declared: str) -> None:
    name = f"bad_{declared.partition('(')[0]}"
    create(warehouse, name, f"a {declared}, fine bigint")
    warehouse.put(
        f"{name}/part-0.parquet", {"a": pa.array([1], pa.int64()), "fine": pa.array([7], pa.int64())}
    )
    message = warehouse.failure(f"SELECT a FROM {name}")
    assert message.startswith("HIVE_BAD_DATA: Field a's type INT64 in parquet file s3://")
    assert warehouse.rows(f"SELECT fine FROM {name}") == [("7",)]


def test_narrower_integers_and_floats_are_widened(warehouse: Warehouse) -> None:
    create(warehouse, "widened", "a bigint, b double, c decimal(10,4)")
    warehouse.put("widened/part-0.parquet", {
        "a": pa.array([1], pa.int32()), "b": pa.array([0.5], pa.float32()), "c": pa.array([Decimal("1.25")]),
    })  # fmt: skip
    assert warehouse.rows("SELECT a, b, c FROM widened") == [("1", "0.5", "1.2500")]


INTEGERS = {"tinyint": "BYTE", "smallint": "SHORT", "int": "INT"}


@pytest.mark.parametrize("declared", INTEGERS)
def test_wider_integers_are_read_if_their_values_fit(warehouse: Warehouse, declared: str) -> None:
    name = f"narrow_{declared}"
    create(warehouse, name, f"a {declared}, few array<{declared}>")
    files = {
        "wide": pa.table({"a": pa.array([-5, None], pa.int64()), "few": [[7], None]}),
        "byte": pa.table({"a": pa.array([99], pa.uint8()), "few": pa.array([[1]], pa.list_(pa.int16()))}),
        "short": pa.table({"a": pa.array([100], pa.uint16()), "few": pa.array([[2]], pa.list_(pa.uint8()))}),
    }
    for key, table in files.items():
        warehouse.put(f"{name}/{key}.parquet", table)
    sql = f"SELECT a, few FROM {name} ORDER BY a"
    assert warehouse.rows(sql) == [("-5", "[7]"), ("99", "[1]"), ("100", "[2]"), (None, None)]
    warehouse.put(f"{name}/large.parquet", {"a": pa.array([3 * 10**9], pa.int64()), "few": [[1]]})
    assert (
        warehouse.failure(sql) == f"GENERIC_INTERNAL_ERROR: Value 3000000000 exceeds MAX_{INTEGERS[declared]}"
    )
    assert warehouse.rows(f"SELECT count(few) FROM {name}") == [("4",)]


def test_a_large_unsigned_byte_fails_as_tinyint_and_is_read_as_smallint(warehouse: Warehouse) -> None:
    create(warehouse, "unsigned", "t tinyint, s smallint, b bigint")
    column = pa.array([200], pa.uint8())
    warehouse.put("unsigned/part-0.parquet", {"t": column, "s": column, "b": pa.array([1], pa.uint64())})
    assert warehouse.rows("SELECT s FROM unsigned") == [("200",)]
    assert warehouse.failure("SELECT t FROM unsigned") == "GENERIC_INTERNAL_ERROR: Value 200 exceeds MAX_BYTE"
    message = "not supported by the local Athena: the unsigned column b (uint64) of s3://"
    assert warehouse.failure("SELECT b FROM unsigned").startswith(message)


def test_timestamps_of_any_unit_are_rounded_to_milliseconds(warehouse: Warehouse) -> None:
    create(
        warehouse,
        "rounded",
        "n int, at timestamp, l array<timestamp>, m map<string,timestamp>, r struct<x:timestamp>",
    )
    nanoseconds = [1_704_067_200_000_499_999, 1_704_067_200_000_500_000, -500_000, -500_001, None]
    warehouse.put("rounded/ns.parquet", {
        "n": pa.array(range(5), pa.int32()), "at": pa.array(nanoseconds, pa.timestamp("ns")),
    })  # fmt: skip
    micros = [1_704_067_200_000_499, 1_704_067_200_000_500, -500, -501, None]
    column = pa.array(micros, pa.timestamp("us"))
    warehouse.put("rounded/us.parquet", pa.table({
        "n": pa.array(range(5), pa.int32()),
        "at": column,
        "l": pa.array([[micro] for micro in micros], pa.list_(column.type)),
        "m": pa.array([[("k", micro)] for micro in micros], pa.map_(pa.string(), column.type)),
        "r": pa.StructArray.from_arrays([column], ["x"]),
    }))  # fmt: skip
    expected = [
        "2024-01-01 00:00:00.000",
        "2024-01-01 00:00:00.001",
        "1970-01-01 00:00:00.000",
        "1969-12-31 23:59:59.999",
        None,
    ]
    assert warehouse.rows("SELECT at FROM rounded WHERE l IS NULL ORDER BY n") == [
        (text,) for text in expected
    ]
    assert warehouse.rows("SELECT at, l, m, r FROM rounded WHERE l IS NOT NULL ORDER BY n") == [
        (text, f"[{text or 'null'}]", f"{{k={text or 'null'}}}", f"{{x={text or 'null'}}}")
        for text in expected
    ]
    assert warehouse.rows("SELECT count(*) FROM rounded WHERE at = timestamp '2024-01-01 00:00:00.001'") == [
        ("2",)
    ]


def test_nanoseconds_that_cannot_be_rounded_are_refused(warehouse: Warehouse) -> None:
    create(warehouse, "nested_ns", "l array<timestamp>")
    values = pa.array([[1]], pa.list_(pa.timestamp("ns")))
    warehouse.put("nested_ns/part-0.parquet", {"l": values})
    assert "these timestamps of nanoseconds" in warehouse.failure("SELECT l FROM nested_ns")


def test_values_are_cut_to_the_length_of_a_varchar(warehouse: Warehouse) -> None:
    create(warehouse, "lengths", "v varchar(4), s string")
    warehouse.put("lengths/part-0.parquet", {"v": ["äöüßen", "ab"], "s": ["longer", "x"]})
    sql = (
        "SELECT v, s, v || '!' AS c, CAST(s AS varchar(2)) AS d, (SELECT max(v) FROM lengths) AS e "
        "FROM (SELECT * FROM lengths UNION ALL SELECT CAST('u' AS varchar(3)), 'u') ORDER BY v DESC"
    )
    outcome = warehouse.run(sql)
    assert outcome.rows[0][:4] == ("äöüß", "longer", "äöüß!", "lo")
    info = outcome.pages["ResultSet"]["ResultSetMetadata"]["ColumnInfo"]
    unbounded = 2**31 - 1
    assert [column["Precision"] for column in info][:4] == [4, unbounded, unbounded, 2]
    assert warehouse.rows("SELECT s FROM lengths WHERE v = 'äöüß'") == [("longer",)]


def test_a_partition_with_another_column_type_is_a_mismatch(warehouse: Warehouse) -> None:
    create(warehouse, "mismatch", "a string", "day string")
    warehouse.put("mismatch/day=1/part-0.parquet", {"a": ["x"]})
    warehouse.run("MSCK REPAIR TABLE mismatch")
    found = warehouse.glue.get_partition(
        DatabaseName=warehouse.database, TableName="mismatch", PartitionValues=["1"]
    )["Partition"]
    storage = {**found["StorageDescriptor"], "Columns": [{"Name": "a", "Type": "bigint"}]}
    warehouse.glue.update_partition(
        DatabaseName=warehouse.database, TableName="mismatch", PartitionValueList=["1"],
        PartitionInput={"Values": ["1"], "StorageDescriptor": storage},
    )  # fmt: skip
    assert "partition 'day=1' declared column 'a' as type 'bigint'" in warehouse.failure(
        "SELECT a FROM mismatch"
    )


def test_a_partition_value_of_another_type_is_in_the_message(warehouse: Warehouse) -> None:
    create(warehouse, "bad_key", "a int", "day date")
    warehouse.put("bad_key/day=tomorrow/part-0.parquet", {"a": pa.array([1], pa.int32())})
    warehouse.run("MSCK REPAIR TABLE bad_key")
    assert warehouse.failure("SELECT a FROM bad_key") == (
        "HIVE_INVALID_PARTITION_VALUE: Invalid partition value 'tomorrow' for DATE partition key: day"
    )


def test_a_partition_value_that_is_too_long_is_in_the_message(warehouse: Warehouse) -> None:
    create(warehouse, "long_key", "a int", "code varchar(2)")
    warehouse.put("long_key/code=EU/part-0.parquet", {"a": pa.array([1], pa.int32())})
    warehouse.run("MSCK REPAIR TABLE long_key")
    assert warehouse.rows("SELECT a, code FROM long_key") == [("1", "EU")]
    warehouse.run("ALTER TABLE long_key ADD PARTITION (code='EUR')")
    assert "Invalid partition value 'EUR' for" in warehouse.failure("SELECT a FROM long_key")


def test_a_condition_that_fails_on_a_partition_fails_the_query(warehouse: Warehouse) -> None:
    create(warehouse, "text_key", "a int", "day string")
    warehouse.put("text_key/day=tomorrow/part-0.parquet", {"a": pa.array([1], pa.int32())})
    warehouse.run("MSCK REPAIR TABLE text_key")
    message = warehouse.failure("SELECT a FROM text_key WHERE CAST(day AS date) = current_date")
    assert message == "INVALID_CAST_ARGUMENT: Value cannot be cast to date: tomorrow"


def test_a_location_that_is_not_on_s3_fails_the_query(warehouse: Warehouse) -> None:
    create(warehouse, "elsewhere", "a int")
    table = warehouse.glue.get_table(DatabaseName=warehouse.database, Name="elsewhere")["Table"]
    moved = {**table["StorageDescriptor"], "Location": "hdfs://somewhere/a"}
    warehouse.glue.update_table(
        DatabaseName=warehouse.database, TableInput={"Name": "elsewhere", "StorageDescriptor": moved}
    )
    assert warehouse.failure("SELECT a FROM elsewhere").startswith(
        "HIVE_INVALID_METADATA: 'hdfs://somewhere/a'"
    )


def test_hives_default_partition_is_null(warehouse: Warehouse) -> None:
    create(warehouse, "default_key", "a int", "day date")
    warehouse.put(
        "default_key/day=__HIVE_DEFAULT_PARTITION__/part-0.parquet", {"a": pa.array([1], pa.int32())}
    )
    warehouse.run("MSCK REPAIR TABLE default_key")
    assert warehouse.rows("SELECT a, day FROM default_key WHERE day IS NULL") == [("1", None)]


def test_a_file_that_is_not_parquet_is_bad_data(warehouse: Warehouse) -> None:
    create(warehouse, "garbage", "a int")
    warehouse.s3.put_object(Bucket=warehouse.bucket, Key="garbage/data.csv", Body=b"a,b\n1,2\n")
    assert warehouse.failure("SELECT a FROM garbage").startswith(
        f"HIVE_BAD_DATA: s3://{warehouse.bucket}/garbage/data.csv is not"
    )


def test_a_column_in_upper_case_is_refused_and_not_null(warehouse: Warehouse) -> None:
    create(warehouse, "cased", "order_id string")
    warehouse.put("cased/part-0.parquet", {"Order_ID": ["a"]})
    assert "its name must be in lower case, order_id" in warehouse.failure("SELECT order_id FROM cased")


def test_each_type_is_read_and_formatted_as_in_athena(warehouse: Warehouse) -> None:
    create(
        warehouse, "typed",
        "i8 tinyint, i16 smallint, f float, d double, b boolean, day date, at timestamp, l array<double>, "
        "m map<string,int>, r struct<x:int,y:string>, raw binary, n decimal(5,2)",
    )  # fmt: skip
    warehouse.put("typed/part-0.parquet", pa.table({
        "i8": pa.array([1, None], pa.int8()),
        "i16": pa.array([2, None], pa.int16()),
        "f": pa.array([0.1, None], pa.float32()),
        "d": pa.array([12345678.9, None]),
        "b": pa.array([True, None]),
        "day": pa.array([date(2024, 1, 2), None]),
        "at": pa.array([datetime(2024, 1, 2, 3, 4, 5, 678_600), None], pa.timestamp("us", tz="UTC")),
        "l": pa.array([[1.0, None], None]),
        "m": pa.array([{"k": 1}, None], pa.map_(pa.string(), pa.int32())),
        "r": pa.array([{"x": 1, "y": None}, None], pa.struct([("x", pa.int32()), ("y", pa.string())])),
        "raw": pa.array([b"\x01\xff", None]),
        "n": pa.array([Decimal("1.50"), None]),
    }))  # fmt: skip
    outcome = warehouse.run("SELECT * FROM typed")
    assert outcome.types == [
        "tinyint", "smallint", "float", "double", "boolean", "date", "timestamp", "array", "map", "row", "varbinary",
        "decimal",
    ]  # fmt: skip
    assert outcome.rows == [
        ("1", "2", "0.1", "1.23456789E7", "true", "2024-01-02", "2024-01-02 03:04:05.679", "[1.0, null]", "{k=1}",
         "{x=1, y=null}", "01 ff", "1.50"),
        (None,) * 12,
    ]  # fmt: skip
    assert warehouse.rows("SELECT r.x, typed.r.x, l[1] FROM typed WHERE b") == [("1", "1", "1.0")]
    assert warehouse.rows("SELECT x FROM typed CROSS JOIN UNNEST(l) AS u(x) ORDER BY 1") == [
        ("1.0",),
        (None,),
    ]


def test_the_path_column_is_the_address_of_the_object(warehouse: Warehouse, sales: str) -> None:
    found = warehouse.rows(
        "SELECT DISTINCT \"$path\" FROM sales WHERE region = 'EU' AND run_date = date '2024-01-02'"
    )
    assert found == [(f"s3://{warehouse.bucket}/sales/run_date=2024-01-02/region=EU/part-0.snappy.parquet",)]


def test_tables_are_found_by_full_name_in_any_case(warehouse: Warehouse, sales: str) -> None:
    db = warehouse.database
    sql = f'SELECT SALES.Amount AS Largest FROM "awsdatacatalog"."{db}"."sales" ORDER BY 1 DESC LIMIT 1'
    assert warehouse.rows(sql) == [("999",)]
    assert warehouse.rows(f"SELECT count(*) FROM {db.upper()}.Sales WHERE {db}.sales.amount = 1") == [("4",)]


@pytest.mark.parametrize(
    ("sql", "message"),
    [
        ("SELECT 1 FROM nope", "TABLE_NOT_FOUND: line 1:15: Table 'awsdatacatalog.{db}.nope' does not exist"),
        ("SELECT 1 FROM nowhere.nope", "SCHEMA_NOT_FOUND: line 1:15: Schema 'nowhere' does not exist"),
        ("SELECT\n  nope FROM sales", "COLUMN_NOT_FOUND: line 2:3: Column 'nope' cannot be resolved"),
        ("SELECT x.amount FROM sales", "COLUMN_NOT_FOUND: line 1:8: Column 'x.amount' cannot be resolved"),
        ("SELECT amount FROM sales a, sales b", "AMBIGUOUS_NAME: line 1:8: Column 'amount' is ambiguous"),
        (
            "SELECT customer, sum(amount) FROM sales",
            "EXPRESSION_NOT_AGGREGATE: 'customer' must be an aggregate",
        ),
        (
            "SELECT 1 FROM sales WHERE run_date = '2024-01-01'",
            "TYPE_MISMATCH: line 1:27: Cannot apply operator: date",
        ),
    ],
)
def test_wrong_names_fail_with_athenas_errors(
    warehouse: Warehouse, sales: str, sql: str, message: str
) -> None:
    assert warehouse.failure(sql).startswith(message.format(db=warehouse.database))


@pytest.mark.parametrize(
    ("query", "filters"),
    [
        (
            "FROM sales a, sales b WHERE a.amount = b.amount AND a.amount < 3 AND b.customer LIKE 'EU%'",
            [1, 1],
        ),
        ("FROM sales a LEFT JOIN sales b ON a.amount = b.amount WHERE a.amount < 3 AND b.amount < 3", [1, 0]),
        ("FROM sales a, sales b WHERE a.amount < 3 OR b.amount < 3", [0, 0]),
        ("FROM sales a, sales b WHERE a.amount < 3 * random() AND a.run_date = DATE '2024-01-01'", [0, 0]),
        (
            "FROM sales a, sales b WHERE a.amount < (SELECT max(amount) FROM sales WHERE amount < 9)",
            [0, 0, 1],
        ),
        ("FROM sales a WHERE EXISTS (SELECT 1 FROM sales b WHERE a.amount < 3 AND b.amount < 3)", [0, 1]),
    ],
)
def test_a_condition_on_one_table_of_a_join_filters_its_scan(
    warehouse: Warehouse, sales: str, query: str, filters: list[int]
) -> None:
    tree = parse_query(f"SELECT count(*) {query}")
    plan = plan_query(tree, Catalog(warehouse.glue), warehouse.database, datetime.now(UTC), str)
    assert [len(scan.filters) for scan in plan.scans] == filters


def test_filtered_scans_have_the_rows_that_the_query_needs(warehouse: Warehouse, sales: str) -> None:
    joined = "FROM sales a LEFT JOIN sales b ON a.amount = b.amount AND b.amount > 0 WHERE a.amount < 2"
    assert warehouse.rows(f"SELECT count(*) {joined} AND b.amount IS NULL") == [("4",)]
    assert warehouse.rows(f"SELECT count(*), count(b.amount) {joined}") == [("20", "16")]
    assert warehouse.rows("SELECT count(*) FROM sales a, sales b WHERE a.amount < 2 AND b.amount < 3") == [
        ("96",)
    ]


def test_tables_are_joined_in_the_order_of_their_sizes(warehouse: Warehouse) -> None:
    """A query of a star schema: many tables in FROM, joins in WHERE, tables that are used more than once."""
    sales, customers, groups, days = 20_000, 5_000, 20_000, 3_000
    numbers = range(sales)
    tables: dict[str, dict[str, list[Any]]] = {
        "star_sales": {
            "customer": [n % customers for n in numbers], "cohort": [n % groups for n in numbers],
            "day": [n % days for n in numbers], "price": [n % 100 for n in numbers],
        },
        "star_customers": {
            "id": list(range(customers)), "cohort": [n * 3 for n in range(customers)],
            "first_day": [n % days for n in range(customers)], "last_day": [n % days for n in range(customers)],
        },
        "star_groups": {"id": list(range(groups)), "status": [str(n % 3) for n in range(groups)]},
        "star_days": {"id": list(range(days)), "year": [2000 + n % 5 for n in range(days)]},
    }  # fmt: skip
    for name, columns in tables.items():
        table = pa.table({
            column: pa.array(values, pa.string() if column == "status" else pa.int64())
            for column, values in columns.items()
        })  # fmt: skip
        warehouse.put(f"{name}/1.parquet", table)
        declared = ", ".join(f"{c} {'string' if c == 'status' else 'bigint'}" for c in columns)
        warehouse.rows(
            f"CREATE EXTERNAL TABLE {name} ({declared}) STORED AS PARQUET LOCATION 's3://{warehouse.bucket}/{name}/'"
        )
    started = time.monotonic()
    [(count,)] = warehouse.rows(
        "SELECT count(*) FROM star_sales s, star_days d1, star_days d2, star_days d3, star_customers c, "
        "star_groups g1, star_groups g2 "
        "WHERE s.day = d1.id AND s.customer = c.id AND s.cohort = g1.id AND c.cohort = g2.id "
        "AND c.first_day = d2.id AND c.last_day = d3.id AND g1.status <> g2.status AND s.price BETWEEN 10 AND 12 "
        "AND d2.year = 2001"
    )
    expected = sum(1 for n in numbers if n % 3 != 0 and 10 <= n % 100 <= 12 and n % customers % days % 5 == 1)
    assert int(count or 0) == expected
    assert time.monotonic() - started < 10
