"""Text tables of LazySimpleSerDe."""

from __future__ import annotations

import bz2
import gzip
from uuid import uuid4

import pyarrow as pa
import pytest

from tests.localaws.athena.conftest import Warehouse

Rows = list[tuple[str | None, ...]]


def table(warehouse: Warehouse, columns: str, clauses: str = "", properties: str = "") -> str:
    """Create a text table with a new name and location."""
    name = f"text_{uuid4().hex[:8]}"
    made = warehouse.run(
        f"CREATE EXTERNAL TABLE {name} ({columns}) {clauses} LOCATION 's3://{warehouse.bucket}/{name}/' {properties}"
    )
    assert made.state == "SUCCEEDED", made.reason
    return name


COMMAS = r"ROW FORMAT DELIMITED FIELDS TERMINATED BY ','"


def read(warehouse: Warehouse, columns: str, text: str, clauses: str = COMMAS, properties: str = "") -> Rows:
    """Return the rows of a new table with one file."""
    name = table(warehouse, columns, clauses, properties)
    warehouse.upload(f"{name}/part-0", text)
    return warehouse.rows(f"SELECT * FROM {name}")


def test_values_are_parsed_by_the_types_of_the_columns(warehouse: Warehouse) -> None:
    columns = "a tinyint, b int, c bigint, d double, e float, f decimal(6,2), g boolean, h date, i timestamp, j string"
    text = (
        "1,2,3,4.5,1e-3,6.785,TRUE,2024-02-29,2024-02-29 10:11:12.3456,a text\n"
        "200,2.9,+3,NaN,-Infinity,-0.005,False,2024-2-3 noon,2024-02-29T10:11:12, b \n"
        "x,1 ,9223372036854775808,1.5d,nan,10000.00,yes,29.02.2024,2024-02-29 10h,\\N\n"
        ",,,,,,,,,\n"
    )
    assert read(warehouse, columns, text) == [
        ("1", "2", "3", "4.5", "0.001", "6.79", "true", "2024-02-29", "2024-02-29 10:11:12.346", "a text"),
        (
            None,
            "2",
            "3",
            "NaN",
            "-Infinity",
            "-0.01",
            "false",
            "2024-02-03",
            "2024-02-29 10:11:12.000",
            " b ",
        ),
        (None, None, None, "1.5", None, None, None, None, None, None),
        (None, None, None, None, None, None, None, None, None, ""),
    ]


def test_missing_columns_are_null_and_surplus_columns_are_ignored(warehouse: Warehouse) -> None:
    assert read(warehouse, "a string, b string, c int", "x\nx,y,1,2,3\n\n") == [
        ("x", None, None),
        ("x", "y", "1"),
        ("", None, None),
    ]


def test_quotes_are_part_of_the_value(warehouse: Warehouse) -> None:
    assert read(warehouse, "a string, b string", '"x,y",z') == [('"x', 'y"')]


@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"])
def test_each_line_ending_is_recognized_and_the_last_line_needs_none(
    warehouse: Warehouse, ending: str
) -> None:
    assert read(warehouse, "a string, b int", f"\ufeffx,1{ending}y,2") == [("x", "1"), ("y", "2")]


def test_the_default_separators_are_hives_control_characters(warehouse: Warehouse) -> None:
    text = "1\x01a\x02b\x01k\x03v\x02l\x03w\x017\x02x\n\\N\x01\\N\x01\\N\x01\\N"
    rows = read(warehouse, "a int, b array<string>, c map<string,string>, d struct<n:int,s:string>", text, "")
    assert rows == [("1", "[a, b]", "{k=v, l=w}", "{n=7, s=x}"), (None, None, None, None)]


def test_nested_values_have_the_given_separators(warehouse: Warehouse) -> None:
    clauses = (
        r"ROW FORMAT DELIMITED FIELDS TERMINATED BY '\t' COLLECTION ITEMS TERMINATED BY '|' "
        r"MAP KEYS TERMINATED BY ':' LINES TERMINATED BY '\n' NULL DEFINED AS '-'"
    )
    text = "1|x|3\tk:1|k:2|l|-:4\t5|a\t1:2|3\n\t\t\t\n-\t-\t-\t-\n"
    columns = "a array<int>, b map<string,int>, c struct<n:int,s:string>, d array<array<int>>"
    assert read(warehouse, columns, text, clauses) == [
        ("[1, null, 3]", "{k=1, l=null}", "{n=5, s=a}", "[[1, 2], [3]]"),
        ("[]", "{}", "{n=null, s=null}", "[]"),
        (None, None, None, None),
    ]


def test_an_escaped_separator_is_part_of_the_value(warehouse: Warehouse) -> None:
    clauses = COMMAS + r" ESCAPED BY '\\' COLLECTION ITEMS TERMINATED BY ';'"
    text = "a\\,b,x\\;y;z\nplain,1;2\n\\\\,\\N\n\\N,last\\\n"
    assert read(warehouse, "a string, b array<string>", text, clauses) == [
        ("a,b", "[x;y, z]"),
        ("plain", "[1, 2]"),
        ("\\", None),
        (None, "[last\\]"),
    ]


@pytest.mark.parametrize(
    ("suffix", "compress"),
    [
        (".gz", lambda text: gzip.compress(text[:7]) + gzip.compress(text[7:])),
        (".bz2", lambda text: bz2.compress(text[:7]) + bz2.compress(text[7:])),
        (".zst", lambda text: pa.compress(text, "zstd", asbytes=True)),
    ],
)
def test_compressed_files_are_read_and_count_with_their_compressed_size(
    warehouse: Warehouse, suffix: str, compress: object
) -> None:
    name = table(warehouse, "a string, b int", COMMAS, "TBLPROPERTIES ('skip.header.line.count'='1')")
    packed = compress(b"name,number\n" + b"x,1\n" * 1000)  # type: ignore[operator]
    warehouse.upload(f"{name}/one.csv{suffix}", packed)
    warehouse.upload(f"{name}/two.csv", "name,number\ny,2")
    warehouse.upload(f"{name}/deeper/three.csv", "name,number")
    warehouse.upload(f"{name}/empty.csv", "")
    warehouse.upload(f"{name}/_hidden.csv", "name,number\nz,3")
    warehouse.upload(f"{name}/.hidden.csv", "name,number\nz,3")
    found = warehouse.run(f"SELECT a, count(*), sum(b) FROM {name} GROUP BY a ORDER BY a")
    assert found.rows == [("x", "1000", "1000"), ("y", "1", "2")]
    assert found.scanned == len(packed) + len("name,number\ny,2") + len("name,number")
    assert warehouse.rows(f"SELECT count(*) FROM {name}") == [("1001",)]


def test_a_broken_or_unsupported_compressed_file_fails_the_query(warehouse: Warehouse) -> None:
    name = table(warehouse, "a string")
    warehouse.upload(f"{name}/x.gz", "no gzip")
    assert (
        f"HIVE_CURSOR_ERROR: Failed to read file: s3://{warehouse.bucket}/{name}/x.gz"
        in warehouse.failure(f"SELECT * FROM {name}")
    )
    other = table(warehouse, "a string")
    warehouse.upload(f"{other}/x.lz4", "")
    warehouse.upload(f"{other}/y.lz4", "x")
    assert warehouse.failure(f"SELECT * FROM {other}").startswith(
        "not supported by the local Athena: text files with the compression .lz4"
    )


def test_partitions_are_pruned_and_paths_are_shown(warehouse: Warehouse) -> None:
    name = table(warehouse, "a string", f"PARTITIONED BY (day date) {COMMAS}")
    for day, text in (("2024-01-01", "x\ny\n"), ("2024-01-02", "longer\n")):
        warehouse.upload(f"{name}/day={day}/part.csv", text)
    warehouse.run(f"MSCK REPAIR TABLE {name}")
    found = warehouse.run(f"SELECT day, a, \"$path\" FROM {name} WHERE day = DATE '2024-01-02'")
    assert found.rows == [("2024-01-02", "longer", f"s3://{warehouse.bucket}/{name}/day=2024-01-02/part.csv")]
    assert found.scanned == len("longer\n")
    assert warehouse.rows(f"SELECT day, count(*) FROM {name} GROUP BY 1 ORDER BY 1") == [
        ("2024-01-01", "2"),
        ("2024-01-02", "1"),
    ]


def test_a_table_can_be_read_twice_in_a_query(warehouse: Warehouse) -> None:
    name = table(warehouse, "a int, b string", COMMAS)
    warehouse.upload(f"{name}/x", "1,x\n2,y\n")
    sql = f"WITH t AS (SELECT * FROM {name}) SELECT u.a, v.b FROM t u JOIN t v ON u.a < v.a"
    assert warehouse.rows(sql) == [("1", "y")]


def test_invalid_utf8_is_replaced_and_a_varchar_is_cut(warehouse: Warehouse) -> None:
    name = table(warehouse, "a varchar(3), b string", COMMAS)
    warehouse.upload(f"{name}/x", b"abcd,\xffz\n")
    assert warehouse.rows(f"SELECT * FROM {name}") == [("abc", "\ufffdz")]


def test_a_date_that_does_not_exist_is_refused(warehouse: Warehouse) -> None:
    name = table(warehouse, "a date", COMMAS)
    warehouse.upload(f"{name}/x", "2024-02-30\n")
    assert "not supported by the local Athena: the date 2024-02-30" in warehouse.failure(
        f"SELECT * FROM {name}"
    )


def test_tables_of_glue_without_ddl_are_read(warehouse: Warehouse) -> None:
    """As awswrangler and crawlers create them: no serialization.format, odd locations."""
    name = f"glue_{uuid4().hex[:8]}"
    warehouse.glue.create_table(
        DatabaseName=warehouse.database,
        TableInput={
            "Name": name,
            "TableType": "EXTERNAL_TABLE",
            "Parameters": {"classification": "csv", "skip.header.line.count": "1", "typeOfData": "file"},
            "StorageDescriptor": {
                "Columns": [{"Name": "A", "Type": "bigint"}, {"Name": "b", "Type": "string"}],
                "Location": f"s3://{warehouse.bucket}//{name}//",
                "InputFormat": "org.apache.hadoop.mapred.TextInputFormat",
                "OutputFormat": "org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat",
                "SerdeInfo": {
                    "SerializationLibrary": "org.apache.hadoop.hive.serde2.lazy.LazySimpleSerDe",
                    "Parameters": {"field.delim": ",", "escape.delim": "\\"},
                },
            },
        },
    )
    warehouse.upload(f"{name}/x.csv", "a,b\n1,x\n")
    assert warehouse.rows(f'SELECT *, "$path" FROM {name}') == [
        ("1", "x", f"s3://{warehouse.bucket}/{name}/x.csv")
    ]


@pytest.mark.parametrize(
    ("columns", "clauses", "properties", "message"),
    [
        (
            "a int",
            "ROW FORMAT DELIMITED FIELDS TERMINATED BY '¦'",
            "",
            "the separator '¦', which is not ASCII",
        ),
        ("a int", "", "TBLPROPERTIES ('skip.header.line.count'='x')", "property: x"),
        ("a int", "", "TBLPROPERTIES ('skip.footer.line.count'='1')", "the property skip.footer"),
        (
            "a timestamp",
            "ROW FORMAT SERDE 'org.apache.hadoop.hive.serde2.lazy.LazySimpleSerDe' "
            "WITH SERDEPROPERTIES ('timestamp.formats'='dd.MM.yyyy')",
            "",
            "the property timestamp.formats",
        ),
    ],
)
def test_what_is_not_supported_is_refused_by_name(
    warehouse: Warehouse, columns: str, clauses: str, properties: str, message: str
) -> None:
    name = table(warehouse, columns, clauses, properties)
    warehouse.upload(f"{name}/x", "1")
    assert message in warehouse.failure(f"SELECT * FROM {name}")
