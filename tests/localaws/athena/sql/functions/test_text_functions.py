"""Functions of text, URLs and types have Trino's results. One row: expression, type, text."""

from __future__ import annotations

import pytest

from localaws.athena.errors import QueryFailed
from localaws.athena.execution.engine import Engine

_URL = "'https://user@example.com:8443/a%20b?k=1%262&k=2&empty#part%20one'"

TEXT_ANSWERS = [
    ("hamming_distance('naïve', 'native')", None, "must have the same length"),
    ("hamming_distance('naïve', 'naive')", "bigint", "1"),
    ("soundex('Ashcraft')", "varchar", "A261"),
    ("soundex('')", "varchar", ""),
    ("soundex('jörg')", None, "The character is not mapped"),
    ("luhn_check('79927398713')", "boolean", "true"),
    ("luhn_check('79927398714')", "boolean", "false"),
    ("luhn_check('7992 7398')", None, "INVALID_FUNCTION_ARGUMENT"),
    ("format_number(123456)", "varchar", "123K"),
    ("format_number(1234567.8)", "varchar", "1.23M"),
    ("format_number(-1234)", "varchar", "-1.23K"),
    ("format_number(999)", "varchar", "999"),
    ("parse_duration('42.8ms')", "interval day to second", "0 00:00:00.043"),
    ("parse_duration('3.81 d')", "interval day to second", "3 19:26:24.000"),
    ("parse_duration('1 year')", None, "Unknown time unit: year"),
    ("to_milliseconds(INTERVAL '8' DAY)", "bigint", "691200000"),
    ("chr(9731)", "varchar", "☃"),
    ("chr(55296)", None, "Not a valid Unicode code point"),
    ("codepoint('é')", "integer", "233"),
    ("codepoint(chr(65))", "integer", "65"),
    ("codepoint('ab')", None, "TYPE_MISMATCH"),
    ("normalize('ﬁ', NFKC)", "varchar", "fi"),
    ("length(normalize('é', NFD))", "bigint", "2"),
    # ---- URLs
    (f"url_extract_protocol({_URL})", "varchar", "https"),
    (f"url_extract_host({_URL})", "varchar", "example.com"),
    (f"url_extract_port({_URL})", "bigint", "8443"),
    (f"url_extract_path({_URL})", "varchar", "/a b"),
    (f"url_extract_query({_URL})", "varchar", "k=1&2&k=2&empty"),
    (f"url_extract_fragment({_URL})", "varchar", "part one"),
    (f"url_extract_parameter({_URL}, 'k')", "varchar", "1&2"),
    (f"url_extract_parameter({_URL}, 'empty')", "varchar", ""),
    (f"url_extract_parameter({_URL}, 'other')", "varchar", None),
    ("url_extract_host('http://a b/')", "varchar", None),
    ("url_extract_host('http://under_score/')", "varchar", ""),
    ("url_extract_port('http://example.com/')", "bigint", None),
    ("url_encode('a b&~é')", "varchar", "a+b%26%7E%C3%A9"),
    ("url_decode('a+b%26%C3%A9')", "varchar", "a b&é"),
    ("url_decode('100%')", None, "INVALID_FUNCTION_ARGUMENT"),
    # ---- types
    ("typeof(1)", "varchar", "integer"),
    ("typeof('cat')", "varchar", "varchar(3)"),
    ("typeof(ARRAY[CAST(1.5 AS decimal(4,1))])", "varchar", "array(decimal(4,1))"),
    ("typeof(CAST('cat' AS varchar))", "varchar", "varchar"),
    ("typeof(upper('cat'))", None, "not supported by the local Athena"),
]


@pytest.mark.parametrize(("expression", "type_", "text"), TEXT_ANSWERS)
def test_a_function_has_trinos_result(
    engine: Engine, expression: str, type_: str | None, text: str | None
) -> None:
    """A row without a type has a part of the error instead of a text."""
    if type_ is None:
        with pytest.raises(QueryFailed, match=str(text)):
            engine.run(engine.prepare(f"SELECT {expression}"), "default")
        return
    result = engine.run(engine.prepare(f"SELECT {expression}"), "default")
    assert ([column.type for column in result.columns], list(result.rows)) == ([type_], [(text,)])
