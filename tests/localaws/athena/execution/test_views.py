"""Views: as they are in Glue, as queries read them, and their statements."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from tests.localaws.athena.conftest import Warehouse


def glue_table(warehouse: Warehouse, name: str) -> Any:
    return warehouse.glue.get_table(DatabaseName=warehouse.database, Name=name)["Table"]


def test_a_view_is_stored_as_trino_stores_it(warehouse: Warehouse) -> None:
    ended = warehouse.run(
        "CREATE VIEW stored AS SELECT 1 AS a, CAST('x' AS varchar(3)) AS b, ARRAY[1.5e0] AS c"
    )
    assert ended.state == "SUCCEEDED", ended.reason
    assert (ended.execution["StatementType"], ended.execution["SubstatementType"]) == ("DDL", "CREATE_VIEW")
    table = glue_table(warehouse, "stored")
    assert table["TableType"] == "VIRTUAL_VIEW"
    assert table["Parameters"]["presto_view"] == "true"
    assert table["ViewExpandedText"] == "/* Presto View */"
    encoded = table["ViewOriginalText"].removeprefix("/* Presto View: ").removesuffix(" */")
    assert json.loads(base64.b64decode(encoded)) == {
        "originalSql": "SELECT 1 AS a, CAST('x' AS varchar(3)) AS b, ARRAY[1.5e0] AS c",
        "catalog": "awsdatacatalog",
        "schema": warehouse.database,
        "columns": [
            {"name": "a", "type": "integer"},
            {"name": "b", "type": "varchar(3)"},
            {"name": "c", "type": "array(double)"},
        ],
    }
    assert [(c["Name"], c["Type"]) for c in table["StorageDescriptor"]["Columns"]] == [
        ("a", "int"), ("b", "varchar(3)"), ("c", "array<double>"),
    ]  # fmt: skip


def test_queries_read_views_also_nested_and_from_another_database(warehouse: Warehouse) -> None:
    warehouse.run("CREATE TABLE numbers AS SELECT x, x % 2 AS odd FROM UNNEST(sequence(1, 5)) AS t (x)")
    warehouse.run("CREATE VIEW odds AS SELECT x FROM numbers WHERE odd = 1")
    warehouse.run("CREATE OR REPLACE VIEW squares AS SELECT x * x AS y FROM odds")
    assert warehouse.rows("SELECT sum(y), count(*) FROM squares") == [("35", "3")]
    elsewhere = warehouse.run(
        f'SELECT s.y FROM "{warehouse.database}".squares AS s JOIN {warehouse.database}.odds AS o ON s.y = o.x',
        QueryExecutionContext={"Database": "default"},
    )
    assert elsewhere.rows == [("1",)]


def test_a_view_without_or_replace_must_be_new(warehouse: Warehouse) -> None:
    warehouse.run("CREATE VIEW once AS SELECT 1 AS a")
    assert warehouse.failure("CREATE VIEW once AS SELECT 2 AS a") == (
        f"TABLE_ALREADY_EXISTS: View already exists: '{warehouse.database}.once'"
    )
    warehouse.rows("CREATE OR REPLACE VIEW once AS SELECT 'new' AS b")
    assert warehouse.rows("SELECT b FROM once") == [("new",)]
    warehouse.run("CREATE TABLE base AS SELECT 1 AS a")
    assert "Table already exists" in warehouse.failure("CREATE OR REPLACE VIEW base AS SELECT 1 AS a")


def test_a_recursive_view_is_refused(warehouse: Warehouse) -> None:
    warehouse.run("CREATE VIEW first AS SELECT 1 AS a")
    warehouse.run("CREATE VIEW second AS SELECT a FROM first")
    view = glue_table(warehouse, "second")
    text = {"originalSql": "SELECT a FROM second", "schema": warehouse.database, "columns": [
        {"name": "a", "type": "integer"}
    ]}  # fmt: skip
    encoded = base64.b64encode(json.dumps(text).encode()).decode()
    warehouse.glue.update_table(
        DatabaseName=warehouse.database,
        TableInput={
            "Name": "first",
            "TableType": "VIRTUAL_VIEW",
            "StorageDescriptor": view["StorageDescriptor"],
            "ViewOriginalText": f"/* Presto View: {encoded} */",
        },
    )
    assert "View is recursive" in warehouse.failure("SELECT * FROM second")


def test_a_view_whose_table_is_gone_or_has_changed_is_refused(warehouse: Warehouse) -> None:
    warehouse.run("CREATE TABLE shifting AS SELECT 1 AS a")
    warehouse.run("CREATE VIEW over_it AS SELECT * FROM shifting")
    warehouse.run("DROP TABLE shifting")
    name = f"awsdatacatalog.{warehouse.database}"
    assert warehouse.failure("SELECT * FROM over_it") == (
        f"INVALID_VIEW: line 1:15: Failed analyzing stored view '{name}.over_it': line 1:15: Table "
        f"'{name}.shifting' does not exist"
    )
    warehouse.run("CREATE TABLE shifting AS SELECT 'text' AS a")
    assert warehouse.failure("SELECT * FROM over_it").startswith(
        f"VIEW_IS_STALE: line 1:15: View '{name}.over_it' is stale or in invalid state: column [a] of type varchar"
    )


def test_statements_about_views(warehouse: Warehouse) -> None:
    warehouse.run('CREATE VIEW "shown" AS SELECT 1 AS a,\n  2 AS b')
    assert ("shown",) in warehouse.rows("SHOW VIEWS")
    assert warehouse.rows(f"SHOW VIEWS IN {warehouse.database} LIKE 'sho*'") == [("shown",)]
    assert warehouse.rows("SHOW CREATE VIEW shown") == [
        ("CREATE VIEW shown AS ",), ("SELECT 1 AS a,",), ("  2 AS b",)
    ]  # fmt: skip
    assert [row[0].split("\t")[0].strip() for row in warehouse.rows("DESCRIBE shown") if row[0]] == ["a", "b"]
    assert "Cannot drop a view with DROP TABLE" in warehouse.failure("DROP TABLE shown")
    assert "Inserting into views is not supported" in warehouse.failure("INSERT INTO shown SELECT 1, 2")
    warehouse.rows(f'DROP VIEW "{warehouse.database}"."shown"')
    assert "does not exist" in warehouse.failure("DROP VIEW shown")
    warehouse.rows("DROP VIEW IF EXISTS shown")
    warehouse.run("CREATE TABLE no_view AS SELECT 1 AS a")
    assert "Did you mean DROP TABLE" in warehouse.failure("DROP VIEW no_view")


@pytest.mark.parametrize(
    ("sql", "reason"),
    [
        ("CREATE VIEW v AS SELECT 1", "Column name not specified at position 1"),
        ("CREATE VIEW v AS SELECT 1 AS a, 2 AS a", "Column name 'a' specified more than once"),
        ("CREATE VIEW v AS SELECT x FROM nothing", "TABLE_NOT_FOUND"),
        ("CREATE VIEW nowhere.v AS SELECT 1 AS a", "Schema 'nowhere' does not exist"),
    ],
)
def test_a_wrong_view_is_refused(warehouse: Warehouse, sql: str, reason: str) -> None:
    assert reason in warehouse.failure(sql)
