"""The end of a statement, and its StatementType and SubstatementType."""

from __future__ import annotations

import pytest

from localaws.athena.errors import MalformedQuery
from localaws.athena.execution.statements import one_statement


@pytest.mark.parametrize(
    ("text", "kind", "substatement"),
    [
        ("SELECT 1", "DML", "SELECT"),
        ("-- c\n/* ; */ with a as (select 1) select * from a ; ", "DML", "SELECT"),
        ("(SELECT 1)", "DML", "SELECT"),
        ("CREATE SCHEMA x", "DDL", "CREATE_DATABASE"),
        ("create external table x (a int)", "DDL", "CREATE_TABLE"),
        ("DROP TABLE x", "DDL", "DROP_TABLE"),
        ("MSCK REPAIR TABLE x", "DDL", "MSCK_REPAIR_TABLE"),
        ("ALTER TABLE x ADD IF NOT EXISTS PARTITION (a='1')", "DDL", "ALTER_TABLE_ADD_PARTITION"),
        ("SHOW PARTITIONS x", "UTILITY", "SHOW_PARTITIONS"),
        ("SHOW CREATE TABLE x", "UTILITY", "SHOW_CREATE_TABLE"),
        ("DESCRIBE x", "UTILITY", "DESCRIBE_TABLE"),
        ("PREPARE p FROM SELECT 1", "UTILITY", "PREPARE"),
        ("EXECUTE p USING 1", "DML", "EXECUTE"),
        ("DEALLOCATE PREPARE p", "UTILITY", "DEALLOCATE_PREPARE"),
        ("TABLE x", "DML", "SELECT"),
    ],
)
def test_statement_type(text: str, kind: str, substatement: str) -> None:
    found = one_statement(text)
    assert (found.kind, found.substatement) == (kind, substatement)


def test_a_semicolon_in_a_string_or_comment_does_not_end_the_statement() -> None:
    text = "SELECT ';' -- ;\n;  -- the end"
    assert one_statement(text).text == "SELECT ';' -- ;\n"


@pytest.mark.parametrize("text", ["", " ; ", "-- nothing", "SELECT 1; SELECT 2", "GRANT x TO y"])
def test_a_text_without_exactly_one_statement_is_malformed(text: str) -> None:
    with pytest.raises(MalformedQuery):
        one_statement(text)
