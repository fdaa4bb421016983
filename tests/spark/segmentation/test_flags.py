from __future__ import annotations

from argparse import ArgumentTypeError

import pytest

from segmentation import flags


def test_a_run_date_is_an_iso_date() -> None:
    assert flags.day("2024-02-29") == "2024-02-29"


@pytest.mark.parametrize(
    "text", ["2023-02-29", "20230101", "2023-1-1", "today", "", "2023-W01-1", "2023-01-01/../x"]
)
def test_other_run_dates_are_refused(text: str) -> None:
    with pytest.raises(ArgumentTypeError, match="is not a date written YYYY-MM-DD"):
        flags.day(text)


@pytest.mark.parametrize(("text", "value"), [("0", 0.0), ("0.05", 0.05), ("1", 1.0)])
def test_a_share_is_a_number_from_0_to_1(text: str, value: float) -> None:
    assert flags.share(text) == value


@pytest.mark.parametrize("text", ["-0.1", "1.1", "nan", "inf", "5%"])
def test_other_shares_are_refused(text: str) -> None:
    with pytest.raises(ArgumentTypeError, match=text):
        flags.share(text)


def test_a_minimum_is_inclusive() -> None:
    assert flags.at_least(2)("2") == 2
    with pytest.raises(ArgumentTypeError, match="1 is less than 2"):
        flags.at_least(2)("1")
    with pytest.raises(ArgumentTypeError, match=r"'2\.5' is not a whole number"):
        flags.at_least(2)("2.5")


def test_every_shared_flag_is_required(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        flags.flag_parser("job", "A job.", flags.JobFlags).parse_args([])
    assert "required: --run-date, --processed, --metrics, --code-version" in capsys.readouterr().err
