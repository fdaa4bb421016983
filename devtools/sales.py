"""Generates sample sales lines of any size from a seed: `python -m devtools.sales PATH --rows N`.

Prices, quantities, discounts and shares follow the published statistics of the beverage sales data set of the study on
which this project is based: 1,048,575 lines of 10,000 customers. The lines are random, not copied.
"""

import argparse
import os
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path
from typing import BinaryIO

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv

from devtools import dirty_data, planted_segments
from devtools.planted_segments import Behaviour
from devtools.products import PRODUCTS

COLUMNS = (
    "Order_ID", "Customer_ID", "Customer_Type", "Product", "Category", "Unit_Price", "Quantity", "Discount",
    "Total_Price", "Region", "Order_Date",
)  # fmt: skip
REGIONS = (
    "Baden-Württemberg", "Bayern", "Berlin", "Brandenburg", "Bremen", "Hamburg", "Hessen",
    "Mecklenburg-Vorpommern", "Niedersachsen", "Nordrhein-Westfalen", "Rheinland-Pfalz", "Saarland",
    "Sachsen", "Sachsen-Anhalt", "Schleswig-Holstein", "Thüringen",
)  # fmt: skip

FIRST_DAY, LAST_DAY = date(2021, 1, 1), date(2023, 12, 30)
YEARLY_PRICE_FACTOR = (0.967, 1.006, 1.027)  # 2021, 2022, 2023
PRICE_DEVIATION = 0.15
MIN_PRICE = 32  # cents
MAX_LINES_PER_ORDER = 5

B2B_SHARE = 0.356
MAX_B2C_QUANTITY, MAX_B2B_QUANTITY = 15, 100  # pieces per line
B2B_DISCOUNTS, B2B_DISCOUNT_WEIGHTS = (5, 10, 15), (0.26, 0.59, 0.15)  # percent
B2B_ALCOHOL_DISCOUNT = 5  # percent

ORDERS_PER_BLOCK = 65_536
"""Lines are generated in blocks; a block depends only on the seed and its number."""

Ints = npt.NDArray[np.int64]

_DAYS = tuple(FIRST_DAY + timedelta(days) for days in range((LAST_DAY - FIRST_DAY).days + 1))
_CATEGORIES = tuple(dict.fromkeys(product.category for product in PRODUCTS))
_ALCOHOL = _CATEGORIES.index("Alcoholic Beverages")
_OTHERS = [number for number in range(len(_CATEGORIES)) if number != _ALCOHOL]
_CATEGORY_OF = np.array([_CATEGORIES.index(product.category) for product in PRODUCTS])
_FIRST_OF_CATEGORY = np.searchsorted(_CATEGORY_OF, np.arange(len(_CATEGORIES)))
_SIZE_OF_CATEGORY = np.bincount(_CATEGORY_OF)
_BASE_PRICE = np.array([product.base_price for product in PRODUCTS])
_IS_WEEKEND = np.array([day.weekday() >= 5 for day in _DAYS])
_IS_AUTUMN = np.array([day.month >= 10 for day in _DAYS])
_PRICE_FACTOR = np.array([YEARLY_PRICE_FACTOR[day.year - FIRST_DAY.year] for day in _DAYS])


@dataclass(frozen=True)
class Counts:
    """Counts of a file: all lines, customers with at least one good line, defective lines by reason."""

    lines: int
    customers: int
    defective: Mapping[str, int]


@dataclass(frozen=True)
class _Customers:
    """One entry per customer; index i is CUS(i + 1). ``behaviour`` is None without planted segments."""

    is_b2b: npt.NDArray[np.bool_]
    region: Ints
    behaviour: Behaviour | None = None

    @staticmethod
    def draw(count: int, random: np.random.Generator) -> "_Customers":
        return _Customers(
            is_b2b=random.permutation(count) < round(count * B2B_SHARE),
            region=random.integers(0, len(REGIONS), count),
        )


@dataclass(frozen=True)
class _Orders:
    """One entry per order of a block; `first` is the number of the first order."""

    first: int
    customer: Ints
    day: Ints


@dataclass(frozen=True)
class _Lines:
    """One entry per line of a block: `order` is an index into the block, `price` in cents, `discount` in percent."""

    order: Ints
    product: Ints
    price: Ints
    quantity: Ints
    discount: Ints

    def head(self, count: int) -> "_Lines":
        return _Lines(
            self.order[:count],
            self.product[:count],
            self.price[:count],
            self.quantity[:count],
            self.discount[:count],
        )


def default_customers(rows: int) -> int:
    """Return the default number of customers: 10,000 per 1,048,575 lines, at least 50."""
    return max(50, round(rows * 10_000 / 1_048_575))


def write(
    path: Path,
    rows: int,
    *,
    customers: int | None = None,
    seed: int = 7,
    defects: float = 0.0,
    segments: int | None = None,
    separation: float = 7.0,
    progress: Callable[[int], None] | None = None,
) -> Counts:
    """Write a header and exactly `rows` sales lines as CSV in UTF-8. The same arguments give the same bytes.

    The file is written atomically. Memory grows with `customers`, not with `rows`. Without defects, a longer file
    starts with the lines of a shorter one with the same seed and number of customers.

    customers: number of customers; default `default_customers(rows)`.
    defects: share of lines with a defect (`devtools.dirty_data`), 0 to 0.5; the number of lines is rounded down. All
        other lines are the same as without defects.
    segments: number of planted segments (`devtools.planted_segments`), 2 to 8; default none. The segment of each
        customer is written beside ``path``.
    separation: distance between two planted segments, in standard deviations within a segment.
    progress: called after each block with the number of lines written so far.

    Raises ValueError for an argument out of range, and OSError if the file cannot be written.
    """
    customers = default_customers(rows) if customers is None else customers
    _check(rows, customers, seed, defects)
    customers_table = _Customers.draw(customers, _random(seed, 0))
    if segments is not None:
        planted_segments.check(segments, separation)
        behaviour = Behaviour.draw(customers, segments, separation, _random(seed, 3))
        customers_table = replace(customers_table, behaviour=behaviour)
        behaviour.write(planted_segments.truth_path(path))
    has_good_line = np.zeros(customers, dtype=bool)
    reasons: Counter[str] = Counter()
    done = 0
    with _atomic_file(path) as file:
        file.write((",".join(COLUMNS) + "\n").encode())
        for number, (orders, lines) in enumerate(_blocks(rows, customers_table, seed)):
            end = done + len(lines.order)
            count = _defects_until(end, defects) - _defects_until(done, defects)
            defective = dirty_data.add_defects(
                _text(orders, lines, customers_table), count, _random(seed, 2, number)
            )
            _append(file, defective.lines)
            has_good_line[orders.customer[lines.order[defective.good]]] = True
            reasons += defective.reasons
            done = end
            if progress:
                progress(done)
    return Counts(done, int(has_good_line.sum()), dict(sorted(reasons.items())))


def _check(rows: int, customers: int, seed: int, defects: float) -> None:
    if rows < 1:
        raise ValueError(f"rows must be 1 or more, not {rows}")
    if customers < 1:
        raise ValueError(f"customers must be 1 or more, not {customers}")
    if seed < 0:
        raise ValueError(f"seed must be 0 or more, not {seed}")
    if not 0 <= defects <= 0.5:
        raise ValueError(f"defects must be a share from 0 to 0.5, not {defects}")


def _random(seed: int, *stream: int) -> np.random.Generator:
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=stream))


def _defects_until(line: int, share: float) -> int:
    # The small number corrects shares without an exact binary value, such as 0.07 of 100 lines.
    return int(line * share + 1e-6)


def _blocks(rows: int, customers_table: _Customers, seed: int) -> Iterator[tuple[_Orders, _Lines]]:
    number, left = 0, rows
    while left > 0:
        random = _random(seed, 1, number)
        orders = _draw_orders(number * ORDERS_PER_BLOCK + 1, customers_table, random)
        lines = _draw_lines(orders, customers_table, random).head(left)
        yield orders, lines
        number, left = number + 1, left - len(lines.order)


def _draw_orders(first: int, customers_table: _Customers, random: np.random.Generator) -> _Orders:
    if behaviour := customers_table.behaviour:
        return _Orders(first, *behaviour.draw_orders(_IS_WEEKEND, _IS_AUTUMN, ORDERS_PER_BLOCK, random))
    return _Orders(
        first=first,
        customer=random.integers(0, len(customers_table.region), ORDERS_PER_BLOCK),
        day=random.integers(0, len(_DAYS), ORDERS_PER_BLOCK),
    )


def _draw_lines(orders: _Orders, customers_table: _Customers, random: np.random.Generator) -> _Lines:
    behaviour = customers_table.behaviour
    if behaviour:
        sizes = behaviour.draw_sizes(orders.customer, random)
    else:
        sizes = random.integers(1, MAX_LINES_PER_ORDER + 1, ORDERS_PER_BLOCK)
    order = np.repeat(np.arange(ORDERS_PER_BLOCK), sizes)
    customer = orders.customer[order]
    if behaviour:
        category = planted_segments.choose_categories(behaviour.alcohol[customer], _ALCOHOL, _OTHERS, random)
    else:
        category = random.integers(0, len(_CATEGORIES), len(order))
    product = _draw_products(order, category, random)
    is_b2b = customers_table.is_b2b[customer]
    price = (
        _BASE_PRICE[product]
        * (1 + PRICE_DEVIATION * random.standard_normal(len(order)))
        * _PRICE_FACTOR[orders.day[order]]
    )
    b2b_discount = np.where(
        category == _ALCOHOL,
        B2B_ALCOHOL_DISCOUNT,
        random.choice(B2B_DISCOUNTS, len(order), p=B2B_DISCOUNT_WEIGHTS),
    )
    max_quantity = np.where(is_b2b, MAX_B2B_QUANTITY, MAX_B2C_QUANTITY)
    discount = np.where(is_b2b, b2b_discount, 0)
    if behaviour:
        max_quantity = behaviour.max_quantity[customer]
        discount = random.choice(planted_segments.DISCOUNTS, len(order))
        discount[random.random(len(order)) >= behaviour.discount[customer]] = 0
    return _Lines(
        order=order,
        product=product,
        price=np.maximum(MIN_PRICE, np.rint(price * 100).astype(np.int64)),
        quantity=random.integers(1, max_quantity + 1),
        discount=discount,
    )


def _draw_products(order: Ints, category: Ints, random: np.random.Generator) -> Ints:
    """Draw a product of its category for each line, none twice in an order, so that no two lines are equal."""
    product = _FIRST_OF_CATEGORY[category] + random.integers(0, _SIZE_OF_CATEGORY[category])
    while (again := np.flatnonzero(_repeats(order, product))).size:
        redrawn = category[again]
        product[again] = _FIRST_OF_CATEGORY[redrawn] + random.integers(0, _SIZE_OF_CATEGORY[redrawn])
    return product


def _repeats(order: Ints, product: Ints) -> npt.NDArray[np.bool_]:
    repeats = np.zeros(len(order), dtype=bool)
    for lag in range(1, MAX_LINES_PER_ORDER):
        repeats[lag:] |= (order[lag:] == order[:-lag]) & (product[lag:] == product[:-lag])
    return repeats


def _total(lines: _Lines) -> Ints:
    """Return the totals in cents, half a cent rounded up."""
    return (lines.price * lines.quantity * (100 - lines.discount) + 50) // 100


def _text(orders: _Orders, lines: _Lines, customers_table: _Customers) -> pa.Table:
    """Return the lines as string columns. Values of orders, products and days are formatted once, not once per line."""
    order, customer = pa.array(lines.order), orders.customer
    product = pa.array(lines.product)
    order_id = _numbered("ORD", orders.first + np.arange(len(customer)))
    return pa.table(
        [
            order_id.take(order),
            _numbered("CUS", customer + 1).take(order),
            _choose(("B2C", "B2B"), customers_table.is_b2b[customer].astype(np.int64)).take(order),
            pa.array([product.name for product in PRODUCTS]).take(product),
            pa.array([product.category for product in PRODUCTS]).take(product),
            _hundredths(lines.price),
            pa.array(lines.quantity).cast(pa.string()),
            _hundredths(np.arange(101)).take(pa.array(lines.discount)),
            _hundredths(_total(lines)),
            _choose(REGIONS, customers_table.region[customer]).take(order),
            _choose([f"{day:%d-%m-%Y}" for day in _DAYS], orders.day).take(order),
        ],
        names=COLUMNS,
    )


def _numbered(prefix: str, numbers: Ints) -> pa.StringArray:
    return pc.binary_join_element_wise(prefix, pa.array(numbers).cast(pa.string()), "")


def _choose(texts: Sequence[str], index: Ints) -> pa.StringArray:
    return pa.array(texts).take(pa.array(index))


def _hundredths(values: Ints) -> pa.StringArray:
    """Format hundredths as decimal numbers without trailing zeros: 2740 is 27.4."""
    return pa.array(values / 100).cast(pa.string())


def _append(file: BinaryIO, lines: pa.Table) -> None:
    # With quoting_style none, pyarrow raises an error for a text that needs quotes.
    options = pyarrow.csv.WriteOptions(include_header=False, quoting_style="none")
    pyarrow.csv.write_csv(lines, file, options)


@contextmanager
def _atomic_file(path: Path) -> Iterator[BinaryIO]:
    """Yield a temporary file that is renamed to ``path`` when the block succeeds, and removed otherwise."""
    if not path.parent.is_dir():
        raise FileNotFoundError(f"the folder {path.parent} does not exist: create it first")
    if path.is_dir():
        raise IsADirectoryError(f"{path} is a folder, not a file")
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with part.open("wb") as file:
            yield file
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m devtools.sales", description="Write sample sales lines as CSV."
    )
    parser.add_argument(
        "path", type=Path, metavar="PATH", help="the file to write; an existing file is replaced"
    )
    parser.add_argument("--rows", type=int, required=True, help="number of lines, without the header")
    parser.add_argument(
        "--customers", type=int, help="customers (default: 10,000 for 1,048,575 lines, at least 50)"
    )
    parser.add_argument(
        "--seed", type=int, default=7, help="seed of the random numbers (default: %(default)s)"
    )
    parser.add_argument(
        "--defects",
        type=float,
        default=0.0,
        metavar="SHARE",
        help="share of defective lines, 0 to 0.5 (default: none)",
    )
    parser.add_argument(
        "--segments", type=int, help="planted segments, 2 to 8, written beside the file (default: none)"
    )
    parser.add_argument(
        "--separation",
        type=float,
        default=7.0,
        help="distance of planted segments in standard deviations within a segment (default: %(default)s)",
    )
    flags = parser.parse_args(arguments)
    try:
        counts = write(
            flags.path,
            flags.rows,
            customers=flags.customers,
            seed=flags.seed,
            defects=flags.defects,
            segments=flags.segments,
            separation=flags.separation,
        )
    except ValueError as error:
        parser.error(str(error))
    except OSError as error:
        sys.stderr.write(f"cannot write {flags.path}: {error.strerror or error}\n")
        return 1
    sys.stdout.write(_summary(flags.path, counts))
    return 0


def _summary(path: Path, counts: Counts) -> str:
    defective = [f"  {reason}: {count:,}\n" for reason, count in counts.defective.items()]
    return (
        f"{path}: {counts.lines:,} lines of {counts.customers:,} customers, "
        f"{sum(counts.defective.values()):,} of them defective\n{''.join(defective)}"
    )


if __name__ == "__main__":
    sys.exit(main())
