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
    # ---- char
    ("length(CAST('ab' AS char(5)))", "bigint", "5"),
    ("substr(CAST('ab cd' AS char(7)), 4)", "varchar", "cd  "),
    ("rtrim(CAST('ab cd' AS char(7)), 'cd')", "varchar", "ab"),
    ("ltrim(CAST('  ab' AS char(5)))", "varchar", "ab"),
    ("upper(CAST('ab' AS char(3)))", "char", "AB "),
    ("concat('ab ', CAST('c' AS char(2)))", "char", "ab c "),
    ("CAST('a' AS char(2)) || CAST('b' AS char(1))", "char", "a b"),
    ("concat(upper('ab'), CAST('c' AS char(2)))", None, "not supported by the local Athena: concat of char"),
    ("CAST(chr(9) AS char(1)) < CAST('' AS char(2))", "boolean", "true"),
    (
        "array_agg(c ORDER BY c) FROM (VALUES CAST('a' AS char(2)), CAST('a' || chr(9) AS char(2))) t(c)",
        "array",
        "[a\t, a ]",
    ),
    ("length('a\0b')", "bigint", "3"),
    # ---- a function that replaces the matches of a regular expression
    (r"regexp_replace('new york', '(\w)(\w*)', x -> upper(x[1]) || lower(x[2]))", "varchar", "New York"),
    ("regexp_replace('a有💰', '.', x -> 'Y')", "varchar", "YYY"),
    ("regexp_replace('abc', '(b)', x -> CAST(NULL AS varchar))", "varchar", None),
    ("regexp_replace('abc', '(x)?c', x -> coalesce(x[1], '-'))", "varchar", "ab-"),
    # ---- uuid and ipaddress
    ("UUID '12151FD2-7586-11E9-8F9E-2A86E4085A59'", "uuid", "12151fd2-7586-11e9-8f9e-2a86e4085a59"),
    ("CAST(X'12151fd2758611e98f9e2a86e4085a59' AS uuid)", "uuid", "12151fd2-7586-11e9-8f9e-2a86e4085a59"),
    ("length(CAST(uuid() AS varbinary))", "bigint", "16"),
    ("TRY_CAST('12151fd2' AS uuid)", "uuid", None),
    ("CAST('12151fd2' AS uuid)", None, "INVALID_CAST_ARGUMENT: Cannot cast value to UUID: 12151fd2"),
    (
        "UUID '12151fd2-7586-11e9-8f9e-2a86e4085a59' < UUID 'd3074e99-de12-4b8c-a2a1-b7faf79faba6'",
        "boolean",
        "true",
    ),
    ("IPADDRESS '::ffff:1.2.3.4'", "ipaddress", "1.2.3.4"),
    ("CAST(IPADDRESS '2001:DB8:0:0:1::1' AS varchar)", "varchar", "2001:db8::1:0:0:1"),
    ("CAST(X'01020304' AS ipaddress) = IPADDRESS '1.2.3.4'", "boolean", "true"),
    (
        "CAST('localhost' AS ipaddress)",
        None,
        "INVALID_CAST_ARGUMENT: Cannot cast value to IPADDRESS: localhost",
    ),
    ("contains('10.0.0.0/8', IPADDRESS '10.255.255.255')", "boolean", "true"),
    ("contains('2001:db8::/32', IPADDRESS '2001:db9::1')", "boolean", "false"),
    ("contains('10.0.0.1/8', IPADDRESS '10.0.0.1')", None, "Invalid CIDR: 10.0.0.1/8"),
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
