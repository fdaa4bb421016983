"""Decimal arithmetic, rounding and casts, compared with Python's exact integers for decimals of all precisions."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_UP, Context, Decimal
from fractions import Fraction

import pytest

from localaws.athena.errors import QueryFailed
from localaws.athena.execution.engine import Engine

EXACT = Context(prec=200, rounding=ROUND_HALF_UP)
WIDTHS = [
    (1, 0),
    (1, 1),
    (5, 2),
    (9, 9),
    (12, 4),
    (18, 0),
    (18, 17),
    (19, 1),
    (28, 10),
    (38, 0),
    (38, 12),
    (38, 30),
]


def values(precision: int, scale: int, seed: str, count: int = 8) -> list[Decimal]:
    """Return values of a type: small and large ones, the maximum, zero, and values that end in 5."""
    made = random.Random(seed)
    digits = [0, 1, -1, 10**precision - 1, 1 - 10**precision, 5 * 10 ** (precision - 1)]
    digits += [made.randrange(10 ** made.randint(1, precision)) * made.choice((1, -1)) for _ in range(count)]
    return [Decimal(number).scaleb(-scale, EXACT) for number in digits]


def ask(engine: Engine, expressions: Sequence[str], rows: Sequence[str]) -> list[tuple[str | None, ...]]:
    """Return the value of each expression for the rows (a, b); None where it fails."""
    columns = ", ".join(f"TRY({expression})" for expression in expressions)
    result = engine.run(
        engine.prepare(f"SELECT {columns} FROM (VALUES {', '.join(rows)}) t(a, b)"), "default"
    )
    return list(result.rows)


def fitted(exact: Fraction, precision: int, scale: int) -> str | None:
    """Return a number as a decimal of this type, rounded half up; None if it has too many digits."""
    doubled = 2 * abs(exact) * 10**scale
    digits = int((doubled + 1) // 2) * (1 if exact >= 0 else -1)
    return None if abs(digits) >= 10**precision else f"{Decimal(digits).scaleb(-scale, EXACT):f}"


def remainder(a: Fraction, b: Fraction) -> Fraction:
    return (abs(a) % abs(b)) * (1 if a >= 0 else -1)


# operator, and the precision and scale of its result before the precision is cut to 38
OPERATORS: dict[str, tuple[Callable[[Fraction, Fraction], Fraction], Callable[..., tuple[int, int]]]] = {
    "+": (Fraction.__add__, lambda p, s, q, t: (max(p - s, q - t) + max(s, t) + 1, max(s, t))),
    "-": (Fraction.__sub__, lambda p, s, q, t: (max(p - s, q - t) + max(s, t) + 1, max(s, t))),
    "*": (Fraction.__mul__, lambda p, s, q, t: (p + q, s + t)),
    "/": (Fraction.__truediv__, lambda p, s, q, t: (p + t + max(0, t - s), max(s, t))),
    "%": (remainder, lambda p, s, q, t: (min(p - s, q - t) + max(s, t), max(s, t))),
}


@pytest.mark.parametrize("left", WIDTHS, ids=str)
def test_arithmetic_is_exact(engine: Engine, left: tuple[int, int]) -> None:
    for right in random.Random(str(left)).sample(WIDTHS, 4):
        pairs = list(
            zip(values(*left, f"{left}{right}"), reversed(values(*right, f"{right}{left}")), strict=True)
        )
        sides = f"CAST(a AS decimal{left})", f"CAST(b AS decimal{right})"
        rows = [f"('{a:f}', '{b:f}')" for a, b in pairs]
        known = {op: rule for op, rule in OPERATORS.items() if op != "*" or left[1] + right[1] <= 38}
        found = ask(engine, [f"{sides[0]} {operator} {sides[1]}" for operator in known], rows)
        for at, (operator, (compute, typed)) in enumerate(known.items()):
            precision, scale = typed(*left, *right)
            for (a, b), row in zip(pairs, found, strict=True):
                if operator in "/%" and b == 0:
                    expected = None
                else:
                    expected = fitted(compute(Fraction(a), Fraction(b)), min(38, precision), scale)
                if expected is None and row[at] is not None:
                    raise AssertionError(
                        f"{a:f} {operator} {b:f} of {left}, {right}: {row[at]} instead of an error"
                    )
                # Trino rescales both operands before it adds them; this can overflow 128 bits although the sum fits.
                if operator in "+-" and max(abs(a), abs(b)).scaleb(scale, EXACT) >= 2**127:
                    expected = None
                assert row[at] == expected, f"{a:f} {operator} {b:f} of {left}, {right}"


@pytest.mark.parametrize("width", WIDTHS, ids=str)
def test_rounding_is_exact(engine: Engine, width: tuple[int, int]) -> None:
    precision, scale = width
    numbers = values(*width, f"{width}")
    number = f"CAST(a AS decimal{width})"
    places = [-39, -1, 0, 5, 12]
    expressions = [f"{name}({number})" for name in ("round", "ceil", "floor", "truncate")]
    expressions += [f"{name}({number}, {n})" for name in ("round", "truncate") for n in places]
    expressions += [f"round({number}, CAST(b AS integer))"]
    found = ask(engine, expressions, [f"('{number:f}', '1')" for number in numbers])
    for number_, row in zip(numbers, found, strict=True):
        whole = [
            f"{EXACT.plus(number_.to_integral_value(mode, EXACT)):f}"
            for mode in (ROUND_HALF_UP, ROUND_CEILING, ROUND_FLOOR)
        ]
        expected: list[str | None] = [*whole, f"{int(number_)}"]
        unit = [Fraction(10) ** -min(n, scale) for n in [*places, 1]]
        for n in unit[:-1]:
            expected.append(
                fitted(int(fitted(Fraction(number_) / n, 99, 0) or 0) * n, min(38, precision + 1), scale)
            )
        for n in unit[:-1]:
            expected.append(fitted(int(Fraction(number_) / n) * n, precision, scale))
        expected.append(
            fitted(
                int(fitted(Fraction(number_) / unit[-1], 99, 0) or 0) * unit[-1],
                min(38, precision + 1),
                scale,
            )
        )
        assert dict(zip(expressions, row, strict=True)) == dict(zip(expressions, expected, strict=True)), (
            number_
        )


@pytest.mark.parametrize("width", WIDTHS, ids=str)
def test_a_double_or_its_text_is_cast_to_the_written_decimal(engine: Engine, width: tuple[int, int]) -> None:
    made = random.Random(str(width))
    doubles = [0.5, -0.045, 33.355, 1e22, 9.5e-7, 1.005, -2.5, 1e300, 5e-324]
    doubles += [
        made.uniform(-1, 1) * 10 ** made.choice([-20, -9, -5, -1, 0, 3, 9, 15, 20, 38]) for _ in range(20)
    ]
    doubles = [number for number in doubles if not 2**53 <= abs(number) < 2**63]
    rows = [f"(CAST('{number!r}' AS double), '{number!r}')" for number in doubles]
    expressions = [
        f"CAST(a AS decimal{width})",
        f"CAST(b AS decimal{width})",
        f"TRY_CAST(b AS decimal{width})",
    ]
    expected = [(fitted(Fraction(repr(number)), *width),) * 3 for number in doubles]
    assert ask(engine, expressions, rows) == expected


@pytest.mark.parametrize(
    ("number", "text"),
    [
        ("1234567890123456700e0", "1234567890123456770.0"),
        ("-36028797018963970e0", "-36028797018963968.0"),
        ("CAST(123456789 AS real)", "123456792.0"),
        ("CAST(-33554435e0 AS real)", "-33554436.0"),
        ("CAST(9.5e18 AS real)", "9500000000000000000.0"),
    ],
)
def test_a_large_whole_double_has_the_digits_of_java(engine: Engine, number: str, text: str) -> None:
    assert ask(engine, [f"CAST({number} AS decimal(38,1))"], ["(1, 1)"]) == [(text,)]


def test_a_string_is_cast_to_its_decimal(engine: Engine) -> None:
    texts = [
        "9.5e-7",
        "-12.5E-1",
        "0.0000049e+6",
        "1234.5678e-3",
        "5E-1",
        ".5e0",
        "5.e1",
        "4" * 60 + "e-59",
        "1e99",
    ]
    rows = [f"('{text}', 1)" for text in texts]
    expected = [(fitted(Fraction(text.replace(".e", "e")), 10, 2),) for text in texts]
    assert ask(engine, ["CAST(a AS decimal(10,2))"], rows) == expected


@pytest.mark.parametrize("width", WIDTHS, ids=str)
def test_a_decimal_is_cast_to_the_nearest_double_and_to_its_text(
    engine: Engine, width: tuple[int, int]
) -> None:
    numbers = values(*width, f"double {width}", 30)
    casts = [f"CAST(CAST(a AS decimal{width}) AS {name})" for name in ("double", "varchar", "boolean")]
    for number, (double, text, boolean) in zip(
        numbers, ask(engine, casts, [f"('{number:f}', 1)" for number in numbers]), strict=True
    ):
        digits = int(number.scaleb(width[1], EXACT))
        nearest = float(number) if width[0] > 18 else float(digits) / 10 ** width[1]
        assert (float(double or "nan"), text, boolean) == (
            nearest,
            f"{number:f}",
            str(number != 0).lower(),
        )


@pytest.mark.parametrize("width", [(5, 2), (27, 3), (28, 10), (38, 0), (38, 12)], ids=str)
def test_sums_and_averages_are_exact(engine: Engine, width: tuple[int, int]) -> None:
    for seed in range(4):
        numbers = values(*width, f"{seed} {width}", 1 + 30 * seed)
        random.Random(seed).shuffle(numbers)
        total = sum(map(Fraction, numbers), Fraction(0))
        sql = ", ".join(f"('{number:f}')" for number in numbers)
        source = f"(SELECT CAST(a AS decimal{width}) FROM (VALUES {sql}) t(a)) t(x)"
        for call, expected in (
            ("avg", fitted(total / len(numbers), *width)),
            ("sum", fitted(total, 38, width[1])),
        ):
            prepared = engine.prepare(f"SELECT {call}(x) FROM {source}")
            if expected is None:
                with pytest.raises(QueryFailed, match="NUMERIC_VALUE_OUT_OF_RANGE: "):
                    list(engine.run(prepared, "default").rows)
            else:
                assert list(engine.run(prepared, "default").rows) == [(expected,)]


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        ("sum(CAST(x AS decimal(38,0))) FROM (VALUES '6e37', '6e37') t(x)", "NUMERIC_VALUE_OUT_OF_RANGE: "),
        ("CAST('9e37' AS decimal(38,0)) * 10", "NUMERIC_VALUE_OUT_OF_RANGE: "),
        ("CAST('9e37' AS decimal(38,0)) / DECIMAL '0.001'", "NUMERIC_VALUE_OUT_OF_RANGE: "),
        (
            "round(CAST('99999999999999999999999999999999999999' AS decimal), -1)",
            "NUMERIC_VALUE_OUT_OF_RANGE: ",
        ),
        ("CAST('9e37' AS decimal(38,0)) % DECIMAL '0.000'", "DIVISION_BY_ZERO: "),
        ("CAST(nan() AS decimal(5,1))", "INVALID_CAST_ARGUMENT: "),
        ("CAST(1e10 AS decimal(5,1))", "INVALID_CAST_ARGUMENT: "),
        ("DECIMAL '1e2'", "INVALID_LITERAL: line 1:16: '1e2' is not a valid DECIMAL literal"),
        (
            "sum(DISTINCT CAST(x AS decimal(38,0))) FROM (VALUES 1) t(x)",
            "not supported by the local Athena: sum",
        ),
    ],
)
def test_a_result_that_fits_no_decimal_is_an_error(engine: Engine, expression: str, message: str) -> None:
    with pytest.raises(QueryFailed) as failure:
        engine.run(engine.prepare(f"SELECT {expression}"), "default")
    assert failure.value.message.startswith(message)
