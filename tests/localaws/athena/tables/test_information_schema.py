"""The tables of information_schema describe the Glue catalog."""

from __future__ import annotations

import pytest

from tests.localaws.athena.conftest import Warehouse


@pytest.fixture(scope="module")
def listed(warehouse: Warehouse) -> Warehouse:
    location = f"s3://{warehouse.bucket}/described/"
    for sql in (
        f"CREATE EXTERNAL TABLE described (id int COMMENT 'the number', name varchar(5), tags array<string>) "
        f"PARTITIONED BY (day date) STORED AS PARQUET LOCATION '{location}'",
        "CREATE VIEW described_view AS SELECT id, 'it''s' AS text FROM described",
    ):
        assert warehouse.run(sql).state == "SUCCEEDED"
    return warehouse


def test_tables_and_views_are_listed(listed: Warehouse) -> None:
    of_database = f"table_schema = '{listed.database}' AND table_name LIKE 'described%'"
    assert listed.run(
        f"SELECT table_name, table_type FROM information_schema.tables WHERE {of_database} ORDER BY 1"
    ).rows == [("described", "BASE TABLE"), ("described_view", "VIEW")]
    [(definition,)] = listed.run(
        f"SELECT v.view_definition FROM awsdatacatalog.information_schema.views v WHERE {of_database}"
    ).rows
    assert "it''s" in str(definition)
    assert listed.run(
        f"SELECT catalog_name FROM information_schema.schemata WHERE schema_name = '{listed.database}'"
    ).rows == [("awsdatacatalog",)]


def test_columns_have_the_types_of_queries(listed: Warehouse) -> None:
    ended = listed.run(
        "SELECT column_name, ordinal_position, is_nullable, data_type, comment, extra_info "
        f"FROM information_schema.columns WHERE table_schema = '{listed.database}' "
        "AND table_name LIKE 'described%' ORDER BY table_name, ordinal_position"
    )
    assert ended.rows == [
        ("id", "1", "YES", "integer", "the number", None),
        ("name", "2", "YES", "varchar(5)", None, None),
        ("tags", "3", "YES", "array(varchar)", None, None),
        ("day", "4", "YES", "date", None, "partition key"),
        ("id", "1", "YES", "integer", None, None),
        ("text", "2", "YES", "varchar", None, None),
    ]
    assert ended.types[1] == "bigint"


def test_an_empty_table_has_its_columns(listed: Warehouse) -> None:
    sql = "SELECT count(table_name) FROM information_schema.views WHERE table_schema = 'nope'"
    assert listed.run(sql).rows == [("0",)]
