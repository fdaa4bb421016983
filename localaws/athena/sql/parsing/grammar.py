"""A recognizer for Trino's query grammar, which differs from sqlglot's: mostly it is narrower, in some places wider.

Source: Trino's SqlBase.g4, https://github.com/trinodb/trino/tree/401/core/trino-parser/src/main/antlr4
"""

from __future__ import annotations

from collections.abc import Callable

from localaws.athena.sql.parsing.expression_grammar import ExpressionGrammar, RecognizedQuery
from localaws.athena.sql.parsing.tokens import Mismatch, simplified

_NO_NAMES = {
    "digits": "identifiers must not start with a digit; surround the identifier with double quotes",
    "backquoted": "backquoted identifiers are not supported; use double quotes to quote identifiers",
}
# Words that can be names, and the next tokens with which each starts a clause instead.
_CLAUSES = {
    "LIMIT": ("<integer>", "?", "ALL"),
    "OFFSET": ("<integer>", "?"),
    "FETCH": ("FIRST", "NEXT"),
    "TABLESAMPLE": ("BERNOULLI", "SYSTEM"),
    "MATCH_RECOGNIZE": ("(",),
    "WINDOW": ("<name>",),
}


def recognize(text: str) -> RecognizedQuery:
    """Recognize a query and return its contents.

    Raises MalformedQuery with the position of the first token that does not fit Trino's grammar.
    """
    recognizer = _Recognizer(text)
    recognizer.query_alone()
    recognizer.parsed.text = simplified(text)
    recognizer.parsed.names = recognizer.names
    return recognizer.parsed


def recognize_expression(text: str) -> None:
    """Raise MalformedQuery unless ``text`` is one expression."""
    _Recognizer(text).expression_alone()


class _Recognizer(ExpressionGrammar):
    """Recursive descent without a tree. It ignores operator precedence and reads operators in loops."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self._queries: dict[tuple[bool, int], int | None] = {}

    @property
    def names(self) -> frozenset[int]:
        return frozenset(self._named_at)

    def query_alone(self) -> None:
        self._alone(self._query)

    def expression_alone(self) -> None:
        self._alone(self._expression)

    def _alone(self, rule: Callable[[], None]) -> None:
        for token in self._tokens:
            if reason := _NO_NAMES.get(token.kind):
                raise self._error(token, reason)
        try:
            rule()
            if self._at < len(self._tokens):
                self._fail()
        except Mismatch:
            token = self._peek_at(self._furthest)
            raise self._error(token, f"mismatched input '{token.text}'") from None

    # ---------------------------------------------------------------- queries
    def _query(self) -> None:
        self._remembered(True)

    def _query_without_with(self) -> None:
        self._remembered(False)

    def _remembered(self, with_: bool) -> None:
        """Recognize a query with memoization: each position is recognized once, even with nested parentheses."""
        key = (with_, self._at)
        if key in self._queries:
            end = self._queries[key]
            if end is None:
                raise Mismatch
            self._at = end
            return
        self._queries[key] = None
        if with_ and self._take("WITH"):
            self._take("RECURSIVE")
            self._named_query()
            while self._take(","):
                self._named_query()
        self._query_body()
        self._queries[key] = self._at

    def _named_query(self) -> None:
        self._name()
        if self._peek() == "(":
            self._names()
        self._expect("AS", "(")
        self._query()
        self._expect(")")

    def _query_body(self) -> None:
        self._query_primary()
        while self._take_one("UNION", "EXCEPT", "INTERSECT"):
            self._take_one("DISTINCT", "ALL")
            self._query_primary()
        if self._take("ORDER", "BY"):
            self._sort_items()
        if self._take("OFFSET"):
            self._expect_one("<integer>", "?")
            self._take_one("ROW", "ROWS")
        if self._take("LIMIT"):
            self._expect_one("ALL", "<integer>", "?")
        elif self._take("FETCH"):
            self._expect_one("FIRST", "NEXT")
            self._take_one("<integer>", "?")
            self._expect_one("ROW", "ROWS")
            if not self._take("ONLY"):
                self._expect("WITH", "TIES")

    def _query_primary(self) -> None:
        if self._take("SELECT"):
            self._select()
        elif self._take("TABLE"):
            self._qualified_name()
        elif self._take("VALUES"):
            self._expressions()
        elif self._take("("):
            self._query_without_with()
            self._expect(")")
        else:
            self._fail()

    def _select(self) -> None:
        if self._peek() == "DISTINCT" or (self._peek() == "ALL" and self._begins_expression(1)):
            self._at += 1
        self._select_item()
        while self._take(","):
            self._select_item()
        if self._take("FROM"):
            self._relation()
            while self._take(","):
                self._relation()
        if self._take("WHERE"):
            self._expression()
        if self._take("GROUP", "BY"):
            if self._peek() == "DISTINCT" or (self._peek() == "ALL" and self._begins_expression(1)):
                self._at += 1
            self._grouping_element()
            while self._take(","):
                self._grouping_element()
        if self._take("HAVING"):
            self._expression()
        if self._take("WINDOW"):
            self._window_definition()
            while self._take(","):
                self._window_definition()

    def _select_item(self) -> None:
        if self._take("*"):
            return
        self._expression()
        if self._take(".", "*"):
            if self._take("AS"):
                self._names()
            return
        self._alias()

    def _alias(self) -> bool:
        if self._take("AS"):
            self._name()
            return True
        if not self._is_name() or self._begins_clause():
            return False
        self._name()
        return True

    def _begins_clause(self) -> bool:
        followers = _CLAUSES.get(self._peek(), ())
        return self._peek(1) in followers or (
            "<name>" in followers and self._is_name(1) and self._peek(2) == "AS" and self._peek(3) == "("
        )

    def _grouping_element(self) -> None:
        if self._take_one("ROLLUP", "CUBE"):
            self._expect("(")
            if not self._take(")"):
                self._expressions()
                self._expect(")")
        elif self._take("GROUPING", "SETS"):
            self._expect("(")
            self._grouping_set()
            while self._take(","):
                self._grouping_set()
            self._expect(")")
        else:
            self._grouping_set()

    def _grouping_set(self) -> None:
        if not self._take("(", ")"):
            self._expression()

    # ---------------------------------------------------------------- relations
    def _relation(self) -> None:
        self._sampled()
        while True:
            if self._take("CROSS"):
                self._expect("JOIN")
                self._sampled()
            elif self._take("NATURAL"):
                self._join_type()
                self._expect("JOIN")
                self._sampled()
            elif self._peek() in ("INNER", "LEFT", "RIGHT", "FULL", "JOIN"):
                self._join_type()
                self._expect("JOIN")
                self._relation()
                if self._take("ON"):
                    self._expression()
                else:
                    self._expect("USING")
                    self._names()
            else:
                return

    def _join_type(self) -> None:
        if self._take_one("LEFT", "RIGHT", "FULL"):
            self._take("OUTER")
        else:
            self._take("INNER")

    def _sampled(self) -> None:
        self._relation_primary()
        self._relation_alias()
        if self._take("MATCH_RECOGNIZE"):
            self._unsupported("MATCH_RECOGNIZE")
            self._relation_alias()
        if self._take("TABLESAMPLE"):
            self._expect_one("BERNOULLI", "SYSTEM")
            self._expect("(")
            self._expression()
            self._expect(")")

    def _relation_alias(self) -> None:
        if self._alias() and self._peek() == "(":
            self._names()

    def _relation_primary(self) -> None:
        if self._take("UNNEST"):
            self._expect("(")
            self._expressions()
            self._expect(")")
            if self._take("WITH"):
                self._expect("ORDINALITY")
        elif self._take("LATERAL", "("):
            self._query()
            self._expect(")")
        elif self._take("TABLE", "(", "SEQUENCE"):
            self._table_function_arguments()
            self._expect(")")
        elif self._take("TABLE"):
            self._unsupported("table functions other than sequence")
        elif self._take("("):
            if not self._subquery():
                self._relation()
            self._expect(")")
        else:
            self._qualified_name()
            if self._take("FOR"):
                self._expect_one("TIMESTAMP", "VERSION")
                self._expect("AS", "OF")
                self._expression()

    def _table_function_arguments(self) -> None:
        self._expect("(")
        while self._peek() != ")":
            if self._is_name() and self._peek(1) == "=>":
                self._at += 2
            self._expression()
            if not self._take(","):
                break
        self._expect(")")

    def _subquery(self) -> bool:
        """Take a query that ends at a closing parenthesis; return whether there is one."""
        ahead = 0
        while self._peek(ahead) == "(":
            ahead += 1
        if self._peek(ahead) not in ("SELECT", "WITH", "VALUES", "TABLE"):
            return False
        at = self._at
        try:
            self._query()
            if self._peek() == ")":
                return True
            self._furthest = max(self._furthest, self._at)
        except Mismatch:
            pass
        self._at = at
        return False
