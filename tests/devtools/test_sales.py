"""The sample data follows the published statistics, is reproducible, and is written atomically."""

import hashlib
import re
import subprocess
import sys
import tracemalloc
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pytest

from devtools import sales
from devtools.products import PRODUCTS

PUBLISHED_LINES = 1_048_575
HEADER = (
    "Order_ID,Customer_ID,Customer_Type,Product,Category,Unit_Price,Quantity,Discount,"
    "Total_Price,Region,Order_Date"
)
LINE = re.compile(
    r"ORD[1-9]\d*,CUS[1-9]\d*,B2[BC],[^,\"]+,[A-Z][A-Za-z ]+,"
    r"(0|[1-9]\d*)(\.\d?[1-9])?,[1-9]\d*,0(\.1|\.05|\.15)?,(0|[1-9]\d*)(\.\d?[1-9])?,[^,\"]+,\d\d-\d\d-202[123]"
)


def within(percent: float, published: float) -> object:
    return pytest.approx(published, rel=percent / 100)


def lines_of(path: Path) -> list[str]:
    return path.read_text(encoding="utf-8").splitlines()


@pytest.fixture(scope="module")
def published_size(tmp_path_factory: pytest.TempPathFactory) -> pa.Table:
    """A generated file with the default options and the published number of lines, read with types."""
    path = tmp_path_factory.mktemp("sales") / "sales.csv"
    sales.write(path, PUBLISHED_LINES)
    convert = pyarrow.csv.ConvertOptions(
        column_types={"Order_Date": pa.timestamp("s")}, timestamp_parsers=["%d-%m-%Y"]
    )
    return pyarrow.csv.read_csv(path, convert_options=convert)


def counts_by(table: pa.Table, column: str) -> dict[str, int]:
    return {item["values"]: item["counts"] for item in table[column].value_counts().to_pylist()}


def month_totals(table: pa.Table) -> dict[tuple[int, int], float]:
    months = pa.table(
        {"y": pc.year(table["Order_Date"]), "m": pc.month(table["Order_Date"]), "t": table["Total_Price"]}
    )
    totals = months.group_by(["y", "m"]).aggregate([("t", "sum")]).to_pylist()
    return {(row["y"], row["m"]): row["t_sum"] for row in totals}


class TestPublishedStatistics:
    """The statistics are within a few percent; minima and maxima are within their random range."""

    @pytest.mark.parametrize(
        ("column", "published"),
        [
            ("Unit_Price", (5.8468, 14.7835, 0.32, 160.44)),
            ("Quantity", (23.1440, 26.8840, 1, 100)),
            ("Discount", (0.029733, 0.044793, 0.0, 0.15)),
            ("Total_Price", (130.978, 510.905, 0.3, 12_682.78)),
        ],
    )
    def test_numbers(
        self, published_size: pa.Table, column: str, published: tuple[float, float, float, float]
    ) -> None:
        mean, deviation, lowest, highest = published
        values = published_size[column].to_numpy()
        assert values.mean() == within(3, mean)
        assert values.std() == within(3, deviation)
        assert values.min() == pytest.approx(lowest, abs=0.05)
        assert values.max() == within(15, highest)

    @pytest.mark.parametrize(
        ("column", "published"),
        [
            ("Customer_Type", {"B2C": 674_968, "B2B": 373_607}),
            (
                "Category",
                {"Soft Drinks": 262_592, "Alcoholic Beverages": 262_451, "Juices": 261_920, "Water": 261_612},
            ),
        ],
    )
    def test_lines_by_group(self, published_size: pa.Table, column: str, published: dict[str, int]) -> None:
        assert counts_by(published_size, column) == {
            name: within(2, count) for name, count in published.items()
        }

    def test_products(self, published_size: pa.Table) -> None:
        counts = counts_by(published_size, "Product")
        juices = set(
            published_size.filter(pc.equal(published_size["Category"], "Juices"))["Product"].to_pylist()
        )
        assert len(counts) == 47
        assert (min(counts), max(counts)) == ("Apollinaris", "Warsteiner")
        assert set(sorted(counts, key=lambda name: -counts[name])[:5]) < juices
        assert max(counts.values()) == within(6, 39_263)

    def test_regions(self, published_size: pa.Table) -> None:
        counts = counts_by(published_size, "Region")
        assert set(counts) == set(sales.REGIONS)
        assert len(counts) == 16
        assert max(counts.values()) == within(6, 70_310)

    def test_days(self, published_size: pa.Table) -> None:
        days = published_size["Order_Date"]
        assert str(pc.min(days).as_py().date()) == "2021-01-01"
        assert str(pc.max(days).as_py().date()) == "2023-12-30"
        assert max(pc.value_counts(days).field("counts").to_pylist()) == within(6, 1_145)

    def test_customers(self, published_size: pa.Table) -> None:
        """There are 10,000, each with one region and one type; the maxima of lines and spend are as published."""
        customers = published_size.group_by("Customer_ID").aggregate(
            [
                ("Region", "count_distinct"),
                ("Customer_Type", "count_distinct"),
                ("Category", "count_distinct"),
                ("Product", "count"),
                ("Total_Price", "sum"),
            ]
        )
        assert customers.num_rows == 10_000
        assert pc.max(customers["Region_count_distinct"]).as_py() == 1
        assert pc.max(customers["Customer_Type_count_distinct"]).as_py() == 1
        assert pc.mean(customers["Category_count_distinct"]).as_py() > 3.99
        assert pc.max(customers["Product_count"]).as_py() == within(15, 189)
        assert pc.max(customers["Total_Price_sum"]).as_py() == within(25, 76_195.64)

    def test_orders(self, published_size: pa.Table) -> None:
        """Each has 1 to 5 lines of one customer on one day, without a repeated product."""
        orders = published_size.group_by("Order_ID").aggregate(
            [
                ("Product", "count"),
                ("Product", "count_distinct"),
                ("Customer_ID", "count_distinct"),
                ("Order_Date", "count_distinct"),
            ]
        )
        sizes = orders["Product_count"].to_numpy()
        assert set(sizes) == {1, 2, 3, 4, 5}
        assert sizes.mean() == within(1, 3)
        assert orders["Product_count"].equals(orders["Product_count_distinct"])
        assert pc.max(orders["Customer_ID_count_distinct"]).as_py() == 1
        assert pc.max(orders["Order_Date_count_distinct"]).as_py() == 1

    def test_sales_rise_three_percent_a_year_and_are_lowest_in_february(
        self, published_size: pa.Table
    ) -> None:
        totals = month_totals(published_size)
        assert len(totals) == 36
        assert min(totals.values()) == within(10, 3_400_000)
        assert max(totals.values()) == within(10, 4_100_000)
        yearly = [sum(total for (y, _), total in totals.items() if y == year) for year in (2021, 2022, 2023)]
        assert (yearly[2] / yearly[0]) ** 0.5 == pytest.approx(1.03, abs=0.02)
        february = sum(total for (_, month), total in totals.items() if month == 2)
        assert february == min(
            sum(total for (_, month), total in totals.items() if month == m) for m in range(1, 13)
        )

    def test_consumers_get_no_discount_and_buy_small_quantities(self, published_size: pa.Table) -> None:
        consumers = published_size.filter(pc.equal(published_size["Customer_Type"], "B2C"))
        businesses = published_size.filter(pc.equal(published_size["Customer_Type"], "B2B"))
        assert set(consumers["Discount"].unique().to_pylist()) == {0}
        assert set(businesses["Discount"].unique().to_pylist()) == {0.05, 0.1, 0.15}
        assert pc.max(consumers["Quantity"]).as_py() == 15
        assert pc.max(businesses["Quantity"]).as_py() == 100


def test_the_file_has_the_published_format(tmp_path: Path) -> None:
    """Identifiers, numbers without trailing zeros, day before month, umlauts in UTF-8, no quotes."""
    sales.write(tmp_path / "sales.csv", 5_000)
    header, *lines = lines_of(tmp_path / "sales.csv")
    assert header == HEADER
    assert [line for line in lines if not LINE.fullmatch(line)] == []
    assert "Baden-Württemberg".encode() in (tmp_path / "sales.csv").read_bytes()
    assert b"\r" not in (tmp_path / "sales.csv").read_bytes()


def test_total_is_the_exact_product_rounded_half_up(tmp_path: Path) -> None:
    sales.write(tmp_path / "sales.csv", 20_000)
    for line in lines_of(tmp_path / "sales.csv")[1:]:
        price, quantity, discount, total = (Decimal(field) for field in line.split(",")[5:9])
        exact = price * quantity * (1 - discount)
        assert total == exact.quantize(Decimal("0.01"), ROUND_HALF_UP)


@pytest.mark.parametrize("defects", [0.0, 0.1])
def test_the_same_arguments_give_the_same_bytes(tmp_path: Path, defects: float) -> None:
    for name in ("a", "b"):
        sales.write(tmp_path / name, 3_000, seed=5, defects=defects)
    sales.write(tmp_path / "other", 3_000, seed=6, defects=defects)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    assert (tmp_path / "a").read_bytes() != (tmp_path / "other").read_bytes()


def test_the_default_sample_has_not_changed(tmp_path: Path) -> None:
    """The published results and the benchmarks are about these bytes."""
    sales.write(tmp_path / "sales.csv", 2_000)
    digest = hashlib.md5((tmp_path / "sales.csv").read_bytes(), usedforsecurity=False).hexdigest()
    assert digest == "0f8b520640ddd247945d9b5154e2eef9"


def test_planted_segments_change_how_customers_buy_and_are_written_beside_the_file(tmp_path: Path) -> None:
    """0 and 2 have more orders and weekends, 0 and 1 larger quantities and more discounts, 0 and 3 more alcohol."""
    path = tmp_path / "sales.csv"
    sales.write(path, 30_000, customers=200, segments=4, separation=6)
    truth = pyarrow.csv.read_csv(tmp_path / "sales.segments.csv")
    assert counts_by(truth, "planted_segment") == dict.fromkeys(range(4), 50)
    convert = pyarrow.csv.ConvertOptions(
        column_types={"Order_Date": pa.timestamp("s")}, timestamp_parsers=["%d-%m-%Y"]
    )
    lines = pyarrow.csv.read_csv(path, convert_options=convert)
    found = lines.append_column(
        "weekend", pc.greater_equal(pc.day_of_week(lines["Order_Date"]), 5).cast("float64")
    )
    found = found.append_column(
        "alcohol", pc.equal(found["Category"], "Alcoholic Beverages").cast("float64")
    ).join(truth.rename_columns(["Customer_ID", "segment"]), "Customer_ID")
    means = (
        found.group_by("segment", use_threads=False)
        .aggregate(
            [
                ("Order_ID", "count"),
                ("Quantity", "mean"),
                ("Discount", "mean"),
                ("alcohol", "mean"),
                ("weekend", "mean"),
            ]
        )
        .sort_by("segment")
    )
    higher = {name: set(np.argsort(means[name])[2:].tolist()) for name in means.column_names}
    assert higher["Order_ID_count"] == higher["weekend_mean"] == {0, 2}
    assert higher["Quantity_mean"] == higher["Discount_mean"] == {0, 1}
    assert higher["alcohol_mean"] == {0, 3}


def test_another_seed_has_other_customers(tmp_path: Path) -> None:
    def regions(seed: int) -> dict[str, str]:
        sales.write(tmp_path / "sales.csv", 3_000, seed=seed)
        fields = [line.split(",") for line in lines_of(tmp_path / "sales.csv")[1:]]
        return {line[1]: line[9] for line in fields}

    first, second = regions(1), regions(2)
    assert first.keys() == second.keys()
    assert first != second


@pytest.mark.parametrize("rows", [1, 2, 999, 250_000])
def test_the_file_has_exactly_the_given_number_of_lines(tmp_path: Path, rows: int) -> None:
    """Also if the last order or the last block is truncated."""
    counts = sales.write(tmp_path / "sales.csv", rows)
    assert counts.lines == rows
    assert (tmp_path / "sales.csv").read_bytes().count(b"\n") == rows + 1


def test_a_longer_file_starts_with_the_shorter_one(tmp_path: Path) -> None:
    sales.write(tmp_path / "short", 100_000, customers=500)
    sales.write(tmp_path / "long", 250_000, customers=500)
    assert (tmp_path / "long").read_bytes().startswith((tmp_path / "short").read_bytes())


def test_order_numbers_continue_across_blocks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sales, "ORDERS_PER_BLOCK", 100)
    sales.write(tmp_path / "sales.csv", 2_000)
    lines = lines_of(tmp_path / "sales.csv")[1:]
    orders = list(dict.fromkeys(line.split(",")[0] for line in lines))
    assert orders == [f"ORD{number}" for number in range(1, len(orders) + 1)]
    assert len({line.partition(",")[2] for line in lines}) == len(lines)


def test_memory_does_not_grow_with_rows(tmp_path: Path) -> None:
    """The memory of pyarrow and numpy after each block is the same as after the first block."""
    before = pa.total_allocated_bytes()
    memory: list[int] = []

    def record(_: int) -> None:
        memory.append(pa.total_allocated_bytes() - before + tracemalloc.get_traced_memory()[0])

    tracemalloc.start()
    sales.write(tmp_path / "sales.csv", 2_000_000, customers=1_000, progress=record)
    tracemalloc.stop()
    assert len(memory) > 10
    assert max(memory) < 1.1 * memory[0]


def test_only_customers_with_lines_are_counted(tmp_path: Path) -> None:
    counts = sales.write(tmp_path / "sales.csv", 3_000, customers=2_000)
    named = {line.split(",")[1] for line in lines_of(tmp_path / "sales.csv")[1:]}
    assert counts.customers == len(named) < 2_000
    assert named <= {f"CUS{number}" for number in range(1, 2_001)}


@pytest.mark.parametrize(("rows", "customers"), [(1, 50), (10_000, 95), (PUBLISHED_LINES, 10_000)])
def test_the_default_number_of_customers_grows_with_rows(rows: int, customers: int) -> None:
    assert sales.default_customers(rows) == customers


def test_the_given_share_of_lines_is_defective_and_the_others_are_unchanged(tmp_path: Path) -> None:
    counts = sales.write(tmp_path / "defective", 300_000, defects=0.07)
    clean = sales.write(tmp_path / "clean", 300_000)
    defective, original = ((tmp_path / name).read_bytes().splitlines() for name in ("defective", "clean"))
    changed = sum(a != b for a, b in zip(defective, original, strict=True))
    assert sum(counts.defective.values()) == changed == 21_000
    assert counts.lines == 300_000
    assert clean.defective == {}


def test_a_share_without_exact_binary_value_is_rounded_correctly(tmp_path: Path) -> None:
    """0.29 × 100 is 28.999999999999996 in floating point."""
    assert sum(sales.write(tmp_path / "sales.csv", 100, defects=0.29).defective.values()) == 29


def test_customers_with_only_defective_lines_are_not_counted(tmp_path: Path) -> None:
    half = sales.write(tmp_path / "defective", 400, customers=200, defects=0.5)
    assert half.customers < sales.write(tmp_path / "clean", 400, customers=200).customers


def test_progress_is_called_with_the_lines_so_far(tmp_path: Path) -> None:
    lines: list[int] = []
    sales.write(tmp_path / "sales.csv", 400_000, progress=lines.append)
    assert lines == sorted(lines)
    assert len(lines) == 3
    assert lines[-1] == 400_000


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"rows": 0}, "rows must be 1 or more, not 0"),
        ({"rows": 1, "customers": 0}, "customers must be 1 or more, not 0"),
        ({"rows": 1, "seed": -1}, "seed must be 0 or more, not -1"),
        ({"rows": 1, "defects": 0.51}, "defects must be a share from 0 to 0.5, not 0.51"),
        ({"rows": 1, "segments": 9}, "segments must be 2 to 8, not 9"),
        ({"rows": 1, "segments": 2, "separation": -1.0}, "separation must be from 0 to 20, not -1.0"),
        ({"rows": 1, "defects": float("nan")}, "defects must be a share from 0 to 0.5, not nan"),
    ],
)
def test_a_value_out_of_range_is_an_error(tmp_path: Path, arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(message)):
        sales.write(tmp_path / "sales.csv", **arguments)
    assert list(tmp_path.iterdir()) == []


def test_an_interrupted_write_keeps_the_previous_file(tmp_path: Path) -> None:
    def interrupt(_: int) -> None:
        raise KeyboardInterrupt

    sales.write(tmp_path / "sales.csv", 10)
    before = (tmp_path / "sales.csv").read_bytes()
    with pytest.raises(KeyboardInterrupt):
        sales.write(tmp_path / "sales.csv", 1_000, progress=interrupt)
    assert [path.name for path in tmp_path.iterdir()] == ["sales.csv"]
    assert (tmp_path / "sales.csv").read_bytes() == before


class TestCommandLine:
    def test_prints_a_summary(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        path = tmp_path / "sales.csv"
        assert (
            sales.main([str(path), "--rows", "1700", "--customers", "60", "--seed", "3", "--defects", "0.01"])
            == 0
        )
        sales.write(tmp_path / "same", 1_700, customers=60, seed=3, defects=0.01)
        assert path.read_bytes() == (tmp_path / "same").read_bytes()
        shown = capsys.readouterr().out
        assert shown.startswith(f"{path}: 1,700 lines of 60 customers, 17 of them defective\n")
        assert "  unparsable_number: 4\n" in shown

    def test_an_invalid_argument_is_named(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        with pytest.raises(SystemExit) as ended:
            sales.main([str(tmp_path / "sales.csv"), "--rows", "-5"])
        assert ended.value.code == 2
        assert "rows must be 1 or more, not -5" in capsys.readouterr().err

    def test_a_missing_folder_is_named(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        assert sales.main([str(tmp_path / "none" / "sales.csv"), "--rows", "5"]) == 1
        assert f"the folder {tmp_path / 'none'} does not exist: create it first" in capsys.readouterr().err

    def test_does_not_replace_a_folder(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        assert sales.main([str(tmp_path), "--rows", "5"]) == 1
        assert f"{tmp_path} is a folder, not a file" in capsys.readouterr().err

    def test_a_failed_write_leaves_no_file(self, tmp_path: Path) -> None:
        """A limit on the file size simulates a full disk: the write fails in the middle."""
        limited = (
            "import resource, sys; from devtools import sales;"
            "resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000));"
            "sys.exit(sales.main(sys.argv[1:]))"
        )
        path = tmp_path / "sales.csv"
        ended = subprocess.run(
            [sys.executable, "-c", limited, str(path), "--rows", "20000"],
            capture_output=True,
            text=True,
            check=False,
            cwd=Path(sales.__file__).parents[1],
        )
        assert (ended.returncode, ended.stdout) == (1, "")
        assert ended.stderr == f"cannot write {path}: File too large\n"
        assert list(tmp_path.iterdir()) == []


def test_products_are_grouped_by_category() -> None:
    """Drawing a product of a category requires it."""
    categories = [product.category for product in PRODUCTS]
    changes = np.count_nonzero(np.array(categories[1:]) != np.array(categories[:-1]))
    assert changes == len(set(categories)) - 1
