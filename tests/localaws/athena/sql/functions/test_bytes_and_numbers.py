"""Functions of varbinary and numbers have Trino's results. One row: expression, type, text."""

from __future__ import annotations

import pytest

from localaws.athena.errors import QueryFailed
from localaws.athena.execution.engine import Engine

ANSWERS = [
    # ---- varbinary
    ("from_utf8(to_utf8('né'))", "varchar", "né"),
    ("from_utf8(X'61ff62')", "varchar", "a\ufffdb"),
    ("from_utf8(X'61ff62', '?')", "varchar", "a?b"),
    ("length(to_utf8('né'))", "bigint", "3"),
    ("to_hex(md5(to_utf8('abc')))", "varchar", "900150983CD24FB0D6963F7D28E17F72"),
    ("to_hex(sha1(to_utf8('abc')))", "varchar", "A9993E364706816ABA3E25717850C26C9CD0D89D"),
    ("substr(to_hex(sha256(to_utf8('abc'))), 1, 16)", "varchar", "BA7816BF8F01CFEA"),
    ("substr(to_hex(sha512(to_utf8('abc'))), 1, 16)", "varchar", "DDAF35A193617ABA"),
    (
        "to_hex(hmac_md5(to_utf8('Hi There'), X'0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b'))",
        "varchar",
        "9294727A3638BB1C13F48EF8158BFC9D",
    ),
    (
        "substr(to_hex(hmac_sha1(to_utf8('what do ya want for nothing?'), to_utf8('Jefe'))), 1, 16)",
        "varchar",
        "EFFCDF6AE5EB2FA2",
    ),
    (
        "substr(to_hex(hmac_sha256(to_utf8('what do ya want for nothing?'), to_utf8('Jefe'))), 1, 16)",
        "varchar",
        "5BDCC146BF60754E",
    ),
    (
        "substr(to_hex(hmac_sha512(to_utf8('what do ya want for nothing?'), to_utf8('Jefe'))), 1, 16)",
        "varchar",
        "164B7A7BFCF819E2",
    ),
    ("crc32(to_utf8('123456789'))", "bigint", "3421780262"),
    ("from_hex('0aFF')", "varbinary", "0a ff"),
    ("from_hex(to_utf8('0aFF'))", "varbinary", "0a ff"),
    ("to_base64(X'fbff01')", "varchar", "+/8B"),
    ("to_base64url(X'fbff01')", "varchar", "-_8B"),
    ("X'68 65 6C'", "varbinary", "68 65 6c"),
    ("from_base64('+/8B')", "varbinary", "fb ff 01"),
    ("from_base64url('-_8B')", "varbinary", "fb ff 01"),
    ("to_base32(to_utf8('abc'))", "varchar", "MFRGG==="),
    ("from_base32('MFRGG===')", "varbinary", "61 62 63"),
    ("to_big_endian_64(1)", "varbinary", "00 00 00 00 00 00 00 01"),
    ("from_big_endian_64(X'ffffffffffffffff')", "bigint", "-1"),
    ("to_big_endian_32(258)", "varbinary", "00 00 01 02"),
    ("from_big_endian_32(X'00000102')", "integer", "258"),
    ("to_ieee754_32(REAL '1.0')", "varbinary", "3f 80 00 00"),
    ("from_ieee754_32(X'3f800000')", "float", "1.0"),
    ("to_ieee754_64(1e0)", "varbinary", "3f f0 00 00 00 00 00 00"),
    ("from_ieee754_64(X'3ff0000000000000')", "double", "1.0"),
    ("substr(X'010203', -2)", "varbinary", "02 03"),
    ("substr(X'010203', 2, 1)", "varbinary", "02"),
    ("lpad(X'01', 3, X'0a0b')", "varbinary", "0a 0b 01"),
    ("rpad(X'010203', 2, X'0a')", "varbinary", "01 02"),
    ("reverse(X'0102')", "varbinary", "02 01"),
    ("sha1(CAST(NULL AS varbinary))", "varbinary", None),
    ("X'01' || X'02' || NULL", "varbinary", None),
    ("concat(X'01', X'02', X'03')", "varbinary", "01 02 03"),
    ("xxhash64(CAST('' AS varbinary))", "varbinary", "ef 46 db 37 51 d8 e9 99"),
    ("xxhash64(to_utf8('an input of more than thirty-two bytes'))", "varbinary", "17 4d 79 11 4e 0f 26 90"),
    (
        "murmur3(to_utf8('an input of more than sixteen bytes'))",
        "varbinary",
        "f8 42 ca d2 60 c8 20 6b 46 66 07 a6 c4 e6 f7 ce",
    ),
    # ---- bits
    ("bitwise_and(19, 25)", "bigint", "17"),
    ("bitwise_or(19, 25)", "bigint", "27"),
    ("bitwise_xor(19, 25)", "bigint", "10"),
    ("bitwise_not(-12)", "bigint", "11"),
    ("bit_count(-7, 64)", "bigint", "62"),
    ("bit_count(-7, 8)", "bigint", "6"),
    ("bitwise_left_shift(TINYINT '-128', 1)", "tinyint", "0"),
    ("bitwise_left_shift(1, 31)", "integer", "-2147483648"),
    ("bitwise_right_shift(SMALLINT '-8', 3)", "smallint", "8191"),
    ("bitwise_right_shift_arithmetic(-8, 64)", "integer", "-1"),
    # ---- numbers
    ("cosh(0)", "double", "1.0"),
    ("sinh(0)", "double", "0.0"),
    ("tanh(0)", "double", "0.0"),
    ("truncate(12345.678, 2)", "double", "12345.67"),
    ("truncate(-12345.678, -2)", "double", "-12300.0"),
    ("normal_cdf(nan(), 1, 0)", "double", "NaN"),
    ("truncate(nan(), 1)", "double", "NaN"),
    ("from_ieee754_64(to_ieee754_64(nan()))", "double", "NaN"),
    ("cbrt(-27)", "double", "-3.0"),
    ("random(1)", "integer", "0"),
    ("random(BIGINT '5', 6)", "bigint", "5"),
    ("width_bucket(3.0, ARRAY[1.0, 2.0, 4.0])", "bigint", "2"),
    (
        "round(cosine_similarity(MAP(ARRAY['a', 'b'], ARRAY[1.0, 2.0]), MAP(ARRAY['b', 'c'], ARRAY[3.0, 1.0])), 6)",
        "double",
        "0.848528",
    ),
    ("round(beta_cdf(3, 3.6, 0.3), 12)", "double", "0.217648099977"),
    ("round(inverse_beta_cdf(3, 3.6, 0.95), 12)", "double", "0.76002724631"),
    ("to_base(-255, 16)", "varchar", "-ff"),
    ("from_base('zz', 36)", "bigint", "1295"),
    ("normal_cdf(0, 1, 0)", "double", "0.5"),
    ("inverse_normal_cdf(2, 1, 0.5)", "double", "2.0"),
    ("round(wilson_interval_lower(1250, 1310, 1.96e0), 4)", "double", "0.9415"),
    ("round(wilson_interval_upper(1250, 1310, 1.96e0), 4)", "double", "0.9643"),
]


@pytest.mark.parametrize(("expression", "type_", "text"), ANSWERS)
def test_a_function_has_trinos_result(engine: Engine, expression: str, type_: str, text: str | None) -> None:
    result = engine.run(engine.prepare(f"SELECT {expression}"), "default")
    assert ([column.type for column in result.columns], list(result.rows)) == ([type_], [(text,)])


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        ("from_hex('f/')", "INVALID_FUNCTION_ARGUMENT"),
        ("from_base64('*')", "INVALID_FUNCTION_ARGUMENT"),
        ("from_base32('1=')", "INVALID_FUNCTION_ARGUMENT"),
        ("from_big_endian_64(X'01')", "expected 8-byte input for big-endian conversion, but got instead: 1"),
        ("random(6, 5)", "start value must be less than stop value"),
        ("width_bucket(1.0, ARRAY[2.0, 1.0])", "not sorted in ascending order"),
        ("beta_cdf(1, 1, 2)", "INVALID_FUNCTION_ARGUMENT"),
        ("bit_count(128, 8)", "128 cannot be represented with 8 bits"),
        ("bitwise_left_shift(1, -1)", "Specified shift must be greater than or equal to 0"),
        ("to_base(1, 37)", "Radix must be between 2 and 36"),
        ("from_base('9', 8)", "Not a valid base-8 number: 9"),
        ("inverse_normal_cdf(0, 1, 1)", "p must be 0 > p > 1"),
    ],
)
def test_an_invalid_argument_fails_with_trinos_message(engine: Engine, expression: str, message: str) -> None:
    with pytest.raises(QueryFailed, match=message):
        list(engine.run(engine.prepare(f"SELECT {expression}"), "default").rows)
