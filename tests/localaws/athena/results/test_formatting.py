"""Doubles, reals and years are formatted as in Java."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from localaws.athena import datatypes as dt
from localaws.athena.floats import double_text, real_text
from localaws.athena.results.formatting import result_column, texts


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0.0"),
        (-0.0, "-0.0"),
        (1.0, "1.0"),
        (-2.5, "-2.5"),
        (0.1, "0.1"),
        (100.0, "100.0"),
        (0.001, "0.001"),
        (0.00099, "9.9E-4"),
        (9_999_999.0, "9999999.0"),
        (1e7, "1.0E7"),
        (12345678.9, "1.23456789E7"),
        (1e-10, "1.0E-10"),
        (1.7976931348623157e308, "1.7976931348623157E308"),
        (123456.789, "123456.789"),
        (1 / 3, "0.3333333333333333"),
        (float("nan"), "NaN"),
        (float("inf"), "Infinity"),
        (float("-inf"), "-Infinity"),
    ],
)
def test_a_double_is_formatted_as_in_java(value: float, text: str) -> None:
    assert double_text(value) == text


@pytest.mark.parametrize(
    ("year", "text"),
    [(-5, "-0005"), (0, "0000"), (1, "0001"), (9999, "9999"), (10000, "+10000"), (200_000, "+200000")],
)
def test_a_year_may_have_any_length(year: int, text: str) -> None:
    days = pa.array(
        [(np.datetime64(0, "Y") + (year - 1970)).astype("datetime64[D]").astype(int), None], type=pa.int32()
    )
    assert texts(days.cast(pa.date32()), pa.date32()).to_pylist() == [f"{text}-01-01", None]
    micros = pc.add(pc.multiply(days.cast(pa.int64()), 86_400_000_000), 1_500_000)
    written = texts(micros.cast(pa.timestamp("us")), pa.timestamp("us"))
    assert written.to_pylist() == [f"{text}-01-01 00:00:01.500", None]


def test_a_real_has_fewer_digits_than_a_double() -> None:
    assert real_text(0.10000000149011612) == "0.1"
    assert real_text(1.6666666269302368) == "1.6666666"
    assert real_text(2097152.25) == "2097152.2"
    assert real_text(8388607.5) == "8388607.5"
    assert real_text(1e10) == "1.0E10"
    assert real_text(-0.0) == "-0.0"


@pytest.mark.parametrize("datatype", [dt.TIMESTAMP, dt.zoned(3), dt.time_of_day(3)])
def test_a_time_has_the_precision_of_its_seconds(datatype: pa.DataType) -> None:
    assert result_column("t", datatype).precision == 3
