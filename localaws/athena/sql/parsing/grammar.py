"""A recognizer for Trino's query grammar, which differs from sqlglot's: mostly it is narrower, in some places wider.

Source: Trino's SqlBase.g4, https://github.com/trinodb/trino/tree/401/core/trino-parser/src/main/antlr4
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import ClassVar

from localaws.athena.sql.parsing.json_grammar import Edits, JsonFunctions
from localaws.athena.sql.parsing.tokens import Mismatch, TrinoToken, without_comments

_NO_NAMES = {
    "digits": "identifiers must not start with a digit; surround the identifier with double quotes",
    "backquoted": "backquoted identifiers are not supported; use double quotes to quote identifiers",
}
_COMPARISONS = ("=", "<>", "!=", "<", "<=", ">", ">=")
_INTERVAL_FIELDS = ("YEAR", "MONTH", "DAY", "HOUR", "MINUTE", "SECOND")
_DATE_FIELDS = (
    "YEAR",
    "QUARTER",
    "MONTH",
    "WEEK",
    "DAY",
    "DAY_OF_MONTH",
    "DAY_OF_WEEK",
    "DOW",
    "DAY_OF_YEAR",
    "DOY",
)
_TIME_FIELDS = ("HOUR", "MINUTE", "SECOND", "TIMEZONE_HOUR", "TIMEZONE_MINUTE")
_EXTRACT_FIELDS = (*_DATE_FIELDS, "YEAR_OF_WEEK", "YOW", *_TIME_FIELDS)
_WITHOUT_ARGUMENTS = ("CURRENT_DATE", "CURRENT_USER", "CURRENT_CATALOG", "CURRENT_SCHEMA", "CURRENT_PATH")
_WITH_PRECISION = ("CURRENT_TIME", "CURRENT_TIMESTAMP", "LOCALTIME", "LOCALTIMESTAMP")
_JSON_FUNCTIONS = ("JSON_EXISTS", "JSON_VALUE", "JSON_QUERY", "JSON_OBJECT", "JSON_ARRAY")
# Words that can be names, and the next tokens with which each starts a clause instead.
_CLAUSES = {
    "LIMIT": ("<integer>", "?", "ALL"),
    "OFFSET": ("<integer>", "?"),
    "FETCH": ("FIRST", "NEXT"),
    "TABLESAMPLE": ("BERNOULLI", "SYSTEM"),
    "MATCH_RECOGNIZE": ("(",),
    "WINDOW": ("<name>",),
}


@dataclass(frozen=True)
class TypeName:
    """A name in the position of a type, in lower case unless quoted, and the start of its cast."""

    name: str
    start: int


@dataclass
class RecognizedQuery:
    """What a recognized query contains.

    In ``text`` each comment is replaced by white space. ``names`` are the start positions of columns, relations and
    aliases, ``unsupported`` are Trino's constructs that sqlglot does not support, ``edits`` the changes with which it
    can parse JSON functions.
    """

    text: str
    names: frozenset[int] = frozenset()
    types: list[TypeName] = field(default_factory=list)
    unsupported: list[str] = field(default_factory=list)
    edits: Edits = field(default_factory=Edits)


def recognize(text: str) -> RecognizedQuery:
    """Recognize a query and return its contents.

    Raises MalformedQuery with the position of the first token that does not fit Trino's grammar.
    """
    recognizer = _Recognizer(text)
    recognizer.query_alone()
    recognizer.parsed.text = without_comments(text)
    recognizer.parsed.names = recognizer.names
    return recognizer.parsed


def recognize_expression(text: str) -> None:
    """Raise MalformedQuery unless ``text`` is one expression."""
    _Recognizer(text).expression_alone()


class _Recognizer(JsonFunctions):
    """Recursive descent without a tree. It ignores operator precedence and reads operators in loops."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self._queries: dict[tuple[bool, int], int | None] = {}
        self._type_start = 0
        self.parsed = RecognizedQuery(text)
        self.edits = self.parsed.edits

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

    def _unsupported(self, construct: str) -> None:
        """Skip ``( ... )`` without recognizing its content: the construct is rejected anyway."""
        self.parsed.unsupported.append(construct)
        self._expect("(")
        depth = 1
        while depth:
            if self._at >= len(self._tokens):
                self._fail()
            depth += (self._peek() == "(") - (self._peek() == ")")
            self._at += 1

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

    def _begins_expression(self, ahead: int) -> bool:
        return self._peek(ahead) not in (",", ")", ".", "<end>", "FROM", "AS", *_COMPARISONS)

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

    def _sort_items(self) -> None:
        while True:
            self._expression()
            self._take_one("ASC", "DESC")
            if self._take("NULLS"):
                self._expect_one("FIRST", "LAST")
            if not self._take(","):
                return

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
        elif self._take("TABLE"):
            self._unsupported("table functions")
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

    # ---------------------------------------------------------------- expressions
    def _expressions(self) -> None:
        self._expression()
        while self._take(","):
            self._expression()

    def _expression(self) -> None:
        while True:
            while self._take("NOT"):
                pass
            self._value()
            self._predicate()
            if not self._take_one("AND", "OR"):
                return

    def _predicate(self) -> None:
        if self._take_one(*_COMPARISONS):
            if self._peek() in ("ALL", "SOME", "ANY") and self._peek(1) == "(":
                at = self._at
                self._at += 2
                if self._subquery():
                    self._expect(")")
                    return
                self._at = at
            self._value()
        elif self._take("IS"):
            self._take("NOT")
            if not self._take("NULL"):
                self._expect("DISTINCT", "FROM")
                self._value()
        elif self._peek(self._peek() == "NOT") in ("BETWEEN", "IN", "LIKE"):
            self._take("NOT")
            self._negatable_predicate()

    def _negatable_predicate(self) -> None:
        if self._take("BETWEEN"):
            self._value()
            self._expect("AND")
            self._value()
        elif self._take("IN"):
            self._expect("(")
            if not self._subquery():
                self._expressions()
            self._expect(")")
        else:
            self._expect("LIKE")
            self._value()
            if self._take("ESCAPE"):
                self._value()

    def _value(self) -> None:
        while True:
            while self._take_one("+", "-"):
                pass
            self._primary()
            while self._take("AT", "TIME", "ZONE"):
                if self._peek() == "INTERVAL":
                    self._interval()
                else:
                    self._string()
            if not self._take_one("*", "/", "%", "+", "-", "||"):
                return

    def _primary(self) -> None:
        token = self._peek_at(self._at)
        if token.kind == "string":
            self._string()
        elif token.kind in ("integer", "number", "binary") or token.keyword in ("?", "NULL", "TRUE", "FALSE"):
            self._at += 1
        elif token.keyword == "(":
            self._parenthesized()
        elif token.kind in ("word", "quoted"):
            method = self._OWN_SYNTAX.get(token.keyword)
            if method is None or not method(self):
                self._named()
        else:
            self._fail()
        while True:
            if self._take("["):
                self._value()
                self._expect("]")
            elif self._peek() == "." and self._is_name(1):
                self._at += 1
                self._name()
            else:
                return

    def _parenthesized(self) -> None:
        self._expect("(")
        ahead = 0
        while self._is_name(ahead) and self._peek(ahead + 1) == ",":
            ahead += 2
        ahead += self._is_name(ahead)
        if self._peek(ahead) == ")" and self._peek(ahead + 1) == "->":
            self._at += ahead + 2
            self._expression()
            return
        if not self._subquery():
            self._expressions()
        self._expect(")")

    def _named(self) -> None:
        """Recognize what starts with a name: a column, a call, a literal of a named type or a lambda."""
        if self._peek() in ("RUNNING", "FINAL") and self._is_name(1) and self._peek(2) == "(":
            self._at += 1
        token, names = self._peek_at(self._at), len(self._named_at)
        self._name()
        if self._peek() == "<string>":
            del self._named_at[names:]
            self._type_start = token.start
            self._type_named(token)
            self._string()
        elif self._take("->"):
            self._expression()
        elif self._peek() == "OVER" and (self._peek(1) == "(" or self._is_name(1)):
            self.parsed.unsupported.append("measures of a window")
            self._over()
        else:
            while self._peek() == "." and self._is_name(1):
                self._at += 1
                self._name()
            if self._peek() == "(":
                del self._named_at[names:]
                self._call()

    def _type_named(self, token: TrinoToken) -> None:
        quoted = token.kind == "quoted"
        name = token.text[1:-1].replace('""', '"') if quoted else token.text.lower()
        self.parsed.types.append(TypeName(name, self._type_start))

    # ---------------------------------------------------------------- calls
    def _call(self) -> None:
        self._expect("(")
        if self._is_name() and self._peek(1) == "." and self._peek(2) == "*":
            self._at += 3
        elif not self._take("*") and self._peek() != ")":
            if self._peek() != "ORDER":
                if self._peek() == "DISTINCT" or (self._peek() == "ALL" and self._begins_expression(1)):
                    self._at += 1
                self._expressions()
            if self._take("ORDER", "BY"):
                self._sort_items()
        self._expect(")")
        if self._take("FILTER", "("):
            self._expect("WHERE")
            self._expression()
            self._expect(")")
        if self._peek() in ("IGNORE", "RESPECT") and self._peek(1) == "NULLS":
            self._at += 2
            self._over()
        elif self._peek() == "OVER" and (self._peek(1) == "(" or self._is_name(1)):
            self._over()

    def _over(self) -> None:
        self._expect("OVER")
        if self._peek() == "(":
            self._window_specification()
        else:
            self._name()

    def _window_definition(self) -> None:
        self._name()
        self._expect("AS")
        self._window_specification()

    def _window_specification(self) -> None:
        at = self._at
        self._expect("(")
        if self._is_name() and self._peek() not in ("PARTITION", "RANGE", "ROWS", "GROUPS", "MEASURES"):
            self._name()
        if self._take("PARTITION", "BY"):
            self._expressions()
        if self._take("ORDER", "BY"):
            self._sort_items()
        if self._take_one("RANGE", "ROWS", "GROUPS"):
            if self._take("BETWEEN"):
                self._frame_bound()
                self._expect("AND")
            self._frame_bound()
        if self._peek() in ("MEASURES", "AFTER", "INITIAL", "SEEK", "PATTERN"):
            self._at = at
            self._unsupported("row patterns in a window")
        else:
            self._expect(")")

    def _frame_bound(self) -> None:
        if self._take("CURRENT", "ROW"):
            return
        if not self._take("UNBOUNDED"):
            self._expression()
        self._expect_one("PRECEDING", "FOLLOWING")

    # ---------------------------------------------------------------- expressions with a syntax of their own
    def _case(self) -> bool:
        self._expect("CASE")
        if self._peek() != "WHEN":
            self._expression()
        self._expect("WHEN")
        while True:
            self._expression()
            self._expect("THEN")
            self._expression()
            if not self._take("WHEN"):
                break
        if self._take("ELSE"):
            self._expression()
        self._expect("END")
        return True

    def _cast(self) -> bool:
        if not self._take(self._peek(), "("):
            return False
        start = self._peek_at(self._at - 2).start
        self._expression()
        self._expect("AS")
        self._type_start, names = start, len(self._named_at)
        self._type()
        del self._named_at[names:]
        self._expect(")")
        return True

    def _exists(self) -> bool:
        self._expect("EXISTS", "(")
        self._query()
        self._expect(")")
        return True

    def _array(self) -> bool:
        if not self._take("ARRAY", "["):
            return False
        if not self._take("]"):
            self._expressions()
            self._expect("]")
        return True

    def _row(self) -> bool:
        if not self._take("ROW", "("):
            return False
        self._expressions()
        self._expect(")")
        return True

    def _interval(self) -> bool:
        if self._peek(1) not in ("+", "-", "<string>"):
            return False
        if self._peek(1) != "<string>" and self._peek(2) != "<string>":
            return False
        self._expect("INTERVAL")
        self._take_one("+", "-")
        self._string()
        self._interval_fields()
        return True

    def _interval_fields(self) -> None:
        self._expect_one(*_INTERVAL_FIELDS)
        if self._take("TO"):
            self._expect_one(*_INTERVAL_FIELDS)

    def _double_precision(self) -> bool:
        return self._take("DOUBLE", "PRECISION", "<string>")

    def _constant(self) -> bool:
        if self._peek() != "CURRENT_DATE":
            self.parsed.unsupported.append(self._peek().lower())
        self._at += 1
        return True

    def _moment(self) -> bool:
        self._at += 1
        if self._take("("):
            self._expect("<integer>", ")")
        return True

    def _separated(self) -> bool:
        """Recognize ``POSITION(a IN b)`` and ``SUBSTRING(a FROM b FOR c)``, which can also be calls with commas."""
        at, word = self._at, self._peek()
        if not self._take(word, "("):
            return False
        self._value()
        if not self._take("IN" if word == "POSITION" else "FROM"):
            self._at = at
            return False
        self._value()
        if word == "SUBSTRING" and self._take("FOR"):
            self._value()
        self._expect(")")
        return True

    def _trim(self) -> bool:
        self._expect("TRIM", "(")
        if self._peek() in ("LEADING", "TRAILING", "BOTH") and self._begins_value(1):
            self._at += 1
            if self._peek() != "FROM":
                self._value()
            self._expect("FROM")
            self._value()
        elif self._take("FROM"):
            self._value()
        else:
            self._value()
            if self._take_one("FROM", ","):
                self._value()
        self._expect(")")
        return True

    def _begins_value(self, ahead: int) -> bool:
        return self._peek(ahead) == "FROM" or self._begins_expression(ahead)

    def _extract(self) -> bool:
        place = self._peek_at(self._at)
        self._expect("EXTRACT", "(")
        field = self._peek()
        self._name()
        self._named_at.pop()
        self._expect("FROM")
        if field not in _EXTRACT_FIELDS:
            raise self._error(place, f"Invalid EXTRACT field: {field}")
        self._value()
        self._expect(")")
        return True

    def _normalize(self) -> bool:
        self._expect("NORMALIZE", "(")
        self._value()
        if self._take(","):
            self._expect_one("NFD", "NFC", "NFKD", "NFKC")
        self._expect(")")
        return True

    def _grouping(self) -> bool:
        self._expect("GROUPING", "(")
        if not self._take(")"):
            self._qualified_name()
            while self._take(","):
                self._qualified_name()
            self._expect(")")
        return True

    def _listagg(self) -> bool:
        self._expect("LISTAGG", "(")
        self._take_one("DISTINCT", "ALL")
        self._expression()
        if self._take(","):
            self._string()
        if self._take("ON"):
            self._expect("OVERFLOW")
            if not self._take("ERROR"):
                self.parsed.unsupported.append("listagg with ON OVERFLOW TRUNCATE")
                self._expect("TRUNCATE")
                if self._peek() == "<string>":
                    self._string()
                self._expect_one("WITH", "WITHOUT")
                self._expect("COUNT")
        self._expect(")", "WITHIN", "GROUP", "(", "ORDER", "BY")
        self._sort_items()
        self._expect(")")
        if self._peek() == "FILTER" and self._peek(1) == "(":
            self._at += 1
            self._unsupported("listagg with FILTER")  # exists in later versions of Trino
        return True

    # ---------------------------------------------------------------- types
    def _type(self) -> None:
        if self._take("ROW", "("):
            self._row_field()
            while self._take(","):
                self._row_field()
            self._expect(")")
        elif self._peek() == "INTERVAL" and self._peek(1) in _INTERVAL_FIELDS:
            self._at += 1
            self._interval_fields()
        elif self._take_one("TIMESTAMP", "TIME"):
            if self._take("("):
                self._type_parameter()
                self._expect(")")
            if self._take_one("WITH", "WITHOUT"):
                self._expect("TIME", "ZONE")
        elif self._take("DOUBLE", "PRECISION"):
            pass
        elif self._peek() in ("ARRAY", "MAP") and self._peek(1) == "<":
            self._at += 2
            self._type()
            while self._take(","):
                self._type()
            self._expect(">")
        else:
            self._generic_type()
        while self._take("ARRAY"):
            if self._take("["):
                self._expect("<integer>", "]")

    def _generic_type(self) -> None:
        token = self._peek_at(self._at)
        self._name()
        self._type_named(token)
        if self._take("("):
            self._type_parameter()
            while self._take(","):
                self._type_parameter()
            self._expect(")")

    def _type_parameter(self) -> None:
        if not self._take("<integer>"):
            self._type()

    def _row_field(self) -> None:
        at, types = self._at, len(self.parsed.types)
        try:
            self._type()
            if self._peek() in (",", ")"):
                return
        except Mismatch:
            pass
        self._at = at
        del self.parsed.types[types:]
        self._name()
        self._type()

    _OWN_SYNTAX: ClassVar[dict[str, Callable[[_Recognizer], bool]]] = {
        "CASE": _case,
        "CAST": _cast,
        "TRY_CAST": _cast,
        "EXISTS": _exists,
        "ARRAY": _array,
        "ROW": _row,
        "INTERVAL": _interval,
        "DOUBLE": _double_precision,
        "POSITION": _separated,
        "SUBSTRING": _separated,
        "TRIM": _trim,
        "EXTRACT": _extract,
        "NORMALIZE": _normalize,
        "GROUPING": _grouping,
        "LISTAGG": _listagg,
        **dict.fromkeys(_JSON_FUNCTIONS, JsonFunctions._json_function),
        **dict.fromkeys(_WITHOUT_ARGUMENTS, _constant),
        **dict.fromkeys(_WITH_PRECISION, _moment),
    }
