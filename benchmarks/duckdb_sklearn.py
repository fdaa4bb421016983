"""The same work as the three jobs with DuckDB and scikit-learn: ``python -m benchmarks.duckdb_sklearn INPUT OUTPUT``.

The same cleaning rules and the seven features in SQL, then ``sklearn_segments``. All results are written as Parquet.
"""

from __future__ import annotations

import sys
from pathlib import Path

import duckdb

from benchmarks.sklearn_segments import write_segments

COUNTS = "SELECT count(*), count(DISTINCT hash(lines)) FROM lines"

REPEATED = "row_number() OVER (PARTITION BY {columns}) > 1"

CHECKED = """
CREATE VIEW checked AS
SELECT *, CASE
    WHEN order_id IS NULL OR customer_id IS NULL THEN 'missing_key'
    WHEN product IS NULL OR category IS NULL OR region IS NULL THEN 'missing_text'
    WHEN price IS NULL OR units IS NULL OR rate IS NULL OR total IS NULL OR units % 1 <> 0 THEN 'unparsable_number'
    WHEN day IS NULL THEN 'unparsable_date'
    WHEN customer_type IS NULL OR customer_type NOT IN ('B2B', 'B2C') THEN 'unknown_customer_type'
    WHEN units < 1 THEN 'quantity_below_one'
    WHEN rate < 0 OR rate > 1 THEN 'discount_out_of_range'
    WHEN price < 0 THEN 'negative_price'
    WHEN abs(total - price * try_cast(units AS int) * (1 - try_cast(rate AS decimal(5, 4)))) > 0.01
        THEN 'total_mismatch'
    WHEN is_repeated THEN 'duplicate_line'
END AS reason
FROM (
    SELECT *,
        try_cast(unit_price AS decimal(12, 4)) AS price,
        try_cast(quantity AS decimal(14, 4)) AS units,
        try_cast(discount AS decimal(14, 4)) AS rate,
        try_cast(total_price AS decimal(14, 4)) AS total,
        try_strptime(order_date, '%d-%m-%Y')::date AS day,
        {repeated} AS is_repeated
    FROM lines
)
"""

SALES = """
COPY (
    SELECT order_id, customer_id, customer_type, product, category, price AS unit_price, units::int AS quantity,
        rate AS discount, total AS total_price, region, day AS order_date
    FROM checked
    WHERE reason IS NULL
) TO '{target}/sales.parquet'
"""

REJECTED = "COPY (SELECT {columns}, reason FROM checked WHERE reason IS NOT NULL) TO '{target}/rejected_sales.parquet'"

FEATURES = """
SELECT
    customer_id,
    count(DISTINCT order_id) AS total_orders,
    sum(quantity)::double AS total_quantity,
    sum(total_price)::double AS total_spend,
    avg(discount) AS avg_discount,
    count(DISTINCT product) AS unique_products,
    count(DISTINCT category) AS unique_categories,
    count(DISTINCT region) AS region_count
FROM '{target}/sales.parquet'
GROUP BY customer_id
ORDER BY customer_id
"""


def main(source: str, target: Path) -> None:
    database = duckdb.connect(str(target / "scratch.duckdb"))
    # The order of the lines is not needed, and to keep it takes memory.
    database.execute("SET preserve_insertion_order = false")
    lines = database.read_csv(source, header=True, all_varchar=True)
    lines.project(", ".join(f"{name} AS {name.lower()}" for name in lines.columns)).create_view("lines")
    columns = ", ".join(map(str.lower, lines.columns))
    count, different = database.sql(COUNTS).fetchone() or (0, 0)
    # Hashes are enough to see that no line is repeated.
    repeated = "false" if count == different else REPEATED.format(columns=columns)
    database.execute(CHECKED.format(repeated=repeated))
    database.execute(SALES.format(target=target))
    database.execute(REJECTED.format(columns=columns, target=target))
    write_segments(database.sql(FEATURES.format(target=target)).to_arrow_table(), target)


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
