"""Parses DELETE, UPDATE, MERGE INTO and OPTIMIZE.

Sources: Trino's SqlBase.g4 and https://docs.aws.amazon.com/athena/latest/ug/optimize-statement.html
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlglot import exp

from localaws.athena.errors import MalformedQuery, not_supported
from localaws.athena.sql.parsing.parser import parse_query
from localaws.athena.sql.parsing.statements import RelationName, StatementParser, blank


@dataclass(frozen=True)
class Change:
    """What happens to a row: ``values`` are the new values of columns, None for a DELETE.

    ``condition`` is None for all rows.
    """

    condition: exp.Expr | None
    values: dict[str, exp.Expr] | None


@dataclass(frozen=True)
class RowChanges:
    """``changes`` apply to the rows of the table: for each row, the first change whose condition is true.

    In a MERGE INTO, ``source`` is the relation of USING, ``on`` its condition, and ``inserts`` are the new rows for
    rows of the source without a match: condition, columns (none for all of the table) and values. The condition of an
    OPTIMIZE selects the files; its only change changes no rows.
    """

    kind: str
    name: RelationName
    alias: str
    changes: tuple[Change, ...]
    source: exp.Expr | None = None
    on: exp.Expr | None = None
    inserts: tuple[tuple[exp.Expr | None, tuple[str, ...], tuple[exp.Expr, ...]], ...] = ()


def parse_row_changes(text: str, parameters: Sequence[str] | None = ()) -> RowChanges:
    parser = _Parser(text, parameters)
    found = parser.parse(lambda _: parser.statement())
    if parameters is not None and parser.used != len(parameters):
        raise MalformedQuery(
            f"Incorrect number of parameters: expected {parser.used} but found {len(parameters)}"
        )
    return found


class _Parser(StatementParser):
    used = 0

    def statement(self) -> RowChanges:
        if self._take("DELETE"):
            return self._delete()
        if self._take("UPDATE"):
            return self._update()
        if self._take("OPTIMIZE"):
            return self._optimize()
        self._expect("MERGE", "INTO")
        return self._merge()

    def _delete(self) -> RowChanges:
        self._expect("FROM")
        name, alias = self._target()
        condition = self._until() if self._take("WHERE") else None
        return RowChanges("DELETE", name, alias, (Change(condition, None),))

    def _update(self) -> RowChanges:
        name, alias = self._target()
        self._expect("SET")
        values = self._assignments("WHERE")
        condition = self._until() if self._take("WHERE") else None
        return RowChanges("UPDATE", name, alias, (Change(condition, values),))

    def _optimize(self) -> RowChanges:
        name = self._relation()
        self._expect("REWRITE", "DATA", "USING", "BIN_PACK")
        condition = self._until() if self._take("WHERE") else None
        return RowChanges("OPTIMIZE", name, name.name, (Change(condition, {}),))

    def _merge(self) -> RowChanges:
        name, alias = self._target()
        self._expect("USING")
        source = self._until("ON", clause="SELECT 1 FROM").args["from_"].this
        self._expect("ON")
        on = self._until("WHEN")
        changes: list[Change] = []
        inserts: list[tuple[exp.Expr | None, tuple[str, ...], tuple[exp.Expr, ...]]] = []
        while self._take("WHEN"):
            matched = not self._take("NOT")
            self._expect("MATCHED")
            condition = self._until("THEN") if self._take("AND") else None
            self._expect("THEN")
            if not matched:
                inserts.append((condition, *self._insert_values()))
            elif self._take("DELETE"):
                changes.append(Change(condition, None))
            else:
                self._expect("UPDATE", "SET")
                changes.append(Change(condition, self._assignments("WHEN")))
        if not changes and not inserts:
            self._fail()
        return RowChanges("MERGE", name, alias, tuple(changes), source, on, tuple(inserts))

    def _insert_values(self) -> tuple[tuple[str, ...], tuple[exp.Expr, ...]]:
        self._expect("INSERT")
        columns: list[str] = []
        if self._take("("):
            columns.append(self._identifier())
            while self._take(","):
                columns.append(self._identifier())
            self._expect(")")
        self._expect("VALUES", "(")
        values = [self._until(",", ")")]
        while self._take(","):
            values.append(self._until(",", ")"))
        self._expect(")")
        return tuple(columns), tuple(values)

    def _assignments(self, end: str) -> dict[str, exp.Expr]:
        found: dict[str, exp.Expr] = {}
        while True:
            column = self._identifier()
            if column in found:
                raise not_supported(f"two assignments of the column {column}")
            self._expect("=")
            found[column] = self._until(",", end)
            if not self._take(","):
                return found

    def _target(self) -> tuple[RelationName, str]:
        name = self._relation()
        if self._take("AS"):
            return name, self._identifier()
        if self._is_name() and self._peek() not in ("SET", "WHERE", "USING"):
            return name, self._identifier()
        return name, name.name

    def _until(self, *ends: str, clause: str = "SELECT") -> exp.Expr:
        """Parse the expression up to one of these keywords outside of parentheses, or up to the end of the text."""
        start, depth, cases = self._at, 0, 0
        while self._at < len(self._tokens):
            word = self._peek()
            if depth == 0 and cases == 0 and word in ends:
                break
            depth += (word in ("(", "[")) - (word in (")", "]"))
            cases += (word == "CASE") - (word == "END" and cases > 0)
            if depth < 0:
                self._fail()
            self._at += 1
        if start == self._at:
            self._fail()
        first = self._tokens[start].start
        last = self._tokens[self._at].start if self._at < len(self._tokens) else len(self._text)
        text = (
            clause
            + blank(self._text[len(clause) : first])
            + self._text[first:last]
            + blank(self._text[last:])
        )
        count = self._keywords[start : self._at].count("?")
        given = None if self._parameters is None else self._parameters[self.used : self.used + count]
        self.used += count
        tree = parse_query(text, given)
        parts = {name for name, value in tree.args.items() if value} - {"expressions", "kind"}
        if clause == "SELECT" and (len(tree.expressions) != 1 or parts):
            self._fail()
        return tree if clause != "SELECT" else tree.expressions[0]
