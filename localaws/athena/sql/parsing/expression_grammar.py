"""The grammar of expressions and types: the part of ``grammar`` below queries."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import ClassVar

from localaws.athena.sql.parsing.json_grammar import Edits, JsonFunctions
from localaws.athena.sql.parsing.tokens import Mismatch, TrinoToken

COMPARISONS = ("=", "<>", "!=", "<", "<=", ">", ">=")
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


class ExpressionGrammar(JsonFunctions):
    """Recognizes expressions for the recognizer of queries. Operators are read in loops, without their precedence."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self._type_start = 0
        self.parsed = RecognizedQuery(text)
        self.edits = self.parsed.edits

    def _query(self) -> None:
        raise NotImplementedError

    def _subquery(self) -> bool:
        raise NotImplementedError

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

    def _sort_items(self) -> None:
        while True:
            self._expression()
            self._take_one("ASC", "DESC")
            if self._take("NULLS"):
                self._expect_one("FIRST", "LAST")
            if not self._take(","):
                return

    def _begins_expression(self, ahead: int) -> bool:
        return self._peek(ahead) not in (",", ")", ".", "<end>", "FROM", "AS", *COMPARISONS)

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
        if self._take_one(*COMPARISONS):
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
        elif token.kind == "binary":
            self._check_binary(token)
            self._at += 1
        elif token.kind in ("integer", "number") or token.keyword in ("?", "NULL", "TRUE", "FALSE"):
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

    def _check_binary(self, token: TrinoToken) -> None:
        digits = "".join(token.text[2:-1].split())
        if re.search("[^0-9A-Fa-f]", digits):
            raise self._error(token, "Binary literal can only contain hexadecimal digits")
        if len(digits) % 2:
            raise self._error(token, "Binary literal must contain an even number of digits")

    def _listagg(self) -> bool:
        self._expect("LISTAGG", "(")
        self._take_one("DISTINCT", "ALL")
        self._expression()
        if self._take(","):
            self._string()
        if self._take("ON"):
            self._expect("OVERFLOW")
            if not self._take("ERROR"):
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

    _OWN_SYNTAX: ClassVar[dict[str, Callable[[ExpressionGrammar], bool]]] = {
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
