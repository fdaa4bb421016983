"""The classification of a statement: its StatementType and SubstatementType."""

from __future__ import annotations

from dataclasses import dataclass

from localaws.athena.ddl.tokens import StatementToken, before_semicolon, created_by_query, tokenize
from localaws.athena.errors import MalformedQuery
from localaws.athena.execution.depth import check_depth

_UTILITY = {"SHOW", "DESCRIBE", "DESC", "EXPLAIN", "PREPARE", "DEALLOCATE"}
_DDL = {"CREATE", "DROP", "ALTER", "MSCK"}
_QUERY = {"SELECT", "WITH", "VALUES", "TABLE", "("}
# USING EXTERNAL FUNCTION begins a query with user-defined functions in Lambda.
_OTHER_DML = {"INSERT", "UNLOAD", "DELETE", "UPDATE", "MERGE", "OPTIMIZE", "VACUUM", "EXECUTE", "USING"}
_SUBSTATEMENTS = {
    "MSCK": "MSCK_REPAIR_TABLE",
    "DESCRIBE": "DESCRIBE_TABLE",
    "DESC": "DESCRIBE_TABLE",
    "PREPARE": "PREPARE",
    "EXPLAIN": "EXPLAIN",
}
_OUTPUTS = {"SELECT": "csv", "CREATE_TABLE_AS_SELECT": "table", "INSERT": "files", "UNLOAD": "files"}
_OUTPUTS |= dict.fromkeys(("DELETE", "UPDATE", "MERGE"), "files")


@dataclass(frozen=True)
class Statement:
    """A statement without its final semicolon. ``kind`` is its StatementType, ``substatement`` its SubstatementType.

    ``output`` is what it writes to the output location: ``csv`` (the rows of a query), ``txt`` (lines), ``table`` (the
    files of a new table) or ``files`` (only the manifest of the files that it writes elsewhere).
    """

    text: str
    kind: str
    substatement: str
    output: str = "txt"


def one_statement(text: str) -> Statement:
    """Return the one statement in ``text``.

    Raises MalformedQuery if there is no statement, more than one, or one that Athena does not have.
    """
    tokens = tokenize(text)
    words = [token.keyword for token in tokens]
    check_depth(words)
    if ";" in words:
        if set(words[words.index(";") :]) != {";"}:
            raise MalformedQuery(f"Only one sql statement is allowed. Got: {text}")
        words = words[: words.index(";")]
    if not words:
        raise MalformedQuery("line 1:1: mismatched input '<EOF>'. The statement is empty")
    substatement = _substatement(words)
    output = _OUTPUTS.get(substatement, "txt")
    return Statement(before_semicolon(text), _kind(words[0], tokens[0]), substatement, output)


def _kind(verb: str, first: StatementToken) -> str:
    if verb in _UTILITY:
        return "UTILITY"
    if verb in _DDL:
        return "DDL"
    if verb in _QUERY or verb in _OTHER_DML:
        return "DML"
    raise MalformedQuery(
        f"line {first.line}:{first.column}: mismatched input '{first.text}'. Queries of this type are not supported"
    )


def _substatement(words: list[str]) -> str:
    verb = words[0]
    if verb in _QUERY:
        return "SELECT"
    if verb in _SUBSTATEMENTS:
        return _SUBSTATEMENTS[verb]
    if verb == "ALTER":
        action = [word for word in words if word in ("ADD", "DROP", "PARTITION", "SET", "RENAME", "COLUMNS")][
            :2
        ]
        return "_".join(["ALTER_TABLE", *action])
    if verb == "CREATE" and (created := created_by_query(words)):
        return "CREATE_VIEW" if created == "VIEW" else "CREATE_TABLE_AS_SELECT"
    nouns = {"SCHEMA": "DATABASE", "SCHEMAS": "DATABASES", "EXTERNAL": "TABLE"}
    if verb == "SHOW" and words[1:2] == ["CREATE"]:
        return "_".join(words[:3])
    return f"{verb}_{nouns.get(words[1], words[1])}" if len(words) > 1 and verb in _DDL | _UTILITY else verb
