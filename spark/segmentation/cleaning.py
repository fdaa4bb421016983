"""Which lines are sales: named rules with one reason code each, and the types of the lines that pass.

All rules are evaluated in one pass over the lines by expressions that Spark compiles. Parsing never raises, not in
ANSI mode either: what a type cannot hold becomes null, and a rule says so.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from pyspark.sql import DataFrame, Observation, Window
from pyspark.sql import functions as F

from segmentation.raw_lines import HEADER, OPEN_QUOTE, STRAY_QUOTE, WRONG_FIELD_COUNT
from segmentation.schemas import RAW_COLUMNS, TABLES


@dataclass(frozen=True)
class Rule:
    """A reason to refuse a line: its code, what it means, and the SQL condition that is true for such a line."""

    reason: str
    meaning: str
    condition: str


#: What each text field says, null if it cannot be read. Numbers are rounded half up to four decimals.
PARSED: dict[str, str] = {
    "price": "try_cast(unit_price AS decimal(12, 4))",
    # 90.0 is the whole number 90, as a spreadsheet writes it.
    "units": "coalesce(try_cast(quantity AS int), CASE WHEN try_cast(quantity AS decimal(14, 4)) % 1 = 0 "
    "THEN try_cast(try_cast(quantity AS decimal(14, 4)) AS int) END)",
    "rate": "try_cast(discount AS decimal(14, 4))",
    "total": "try_cast(total_price AS decimal(14, 4))",
    # Cut and turned round, a dd-MM-yyyy text is an ISO date, which needs no formatter and has no lenient mode.
    "day": "try_cast(concat_ws('-', substr(order_date, 7, 4), substr(order_date, 4, 2), substr(order_date, 1, 2)) "
    "AS date)",
    "is_dated": "order_date RLIKE '^[0-9]{2}-[0-9]{2}-[0-9]{4}$'",
}

#: What a valid line's typed columns are, from the parsed fields.
TYPED: dict[str, str] = {
    "unit_price": "price",
    "quantity": "units",
    "discount": "try_cast(rate AS decimal(5, 4))",
    "total_price": "total",
    "order_date": "day",
}

#: The rules in the order in which they are asked: a line's reason is the first that holds.
RULES: tuple[Rule, ...] = (
    Rule(WRONG_FIELD_COUNT, "more or fewer fields than the header", f"defect = '{WRONG_FIELD_COUNT}'"),
    Rule(OPEN_QUOTE, "a quote that is not closed", f"defect = '{OPEN_QUOTE}'"),
    Rule(
        STRAY_QUOTE,
        'text after the quote that closes a field; a quote inside quotes is written twice: ""',
        f"defect = '{STRAY_QUOTE}'",
    ),
    Rule(
        "broken_text",
        "bytes that are not UTF-8",
        " OR ".join(f"contains({name}, '\\uFFFD')" for name in RAW_COLUMNS),
    ),
    Rule("missing_key", "no order or no customer", "order_id IS NULL OR customer_id IS NULL"),
    Rule(
        "missing_text",
        "no product, category or region",
        "product IS NULL OR category IS NULL OR region IS NULL",
    ),
    Rule(
        "unparsable_number",
        "a price, quantity, discount or total that is missing, no number or too large, or a quantity that is not whole",
        "price IS NULL OR units IS NULL OR rate IS NULL OR total IS NULL",
    ),
    Rule(
        "unparsable_date",
        "a date that is missing or not written dd-MM-yyyy",
        "order_date IS NULL OR NOT is_dated",
    ),
    Rule(
        "impossible_date",
        "a day that does not exist, or one before 1900 or after 2199",
        "day IS NULL OR day NOT BETWEEN DATE'1900-01-01' AND DATE'2199-12-31'",
    ),
    Rule(
        "unknown_customer_type",
        "a customer type other than B2B and B2C",
        "customer_type IS NULL OR customer_type NOT IN ('B2B', 'B2C')",
    ),
    Rule("quantity_below_one", "a quantity of zero or less", "units < 1"),
    Rule("discount_out_of_range", "a discount below 0 or above 1", "rate < 0 OR rate > 1"),
    Rule("negative_price", "a unit price below 0", "price < 0"),
    Rule(
        "total_mismatch",
        "a total more than a cent away from price × quantity × (1 − discount)",
        "abs(total - price * units * (1 - try_cast(rate AS decimal(5, 4)))) > 0.01",
    ),
    # Asked last, so that a copy of a bad line has the reason of its original.
    Rule("duplicate_line", "a line that repeats another in all columns; the first one stays", "copy > 1"),
)


def mark(lines: DataFrame, *, copies: bool) -> DataFrame:
    """Return the typed lines with ``reason``, null for a valid one and HEADER for a header line.

    Takes RAW_COLUMNS as text, ``defect`` and ``source_file``. Gives the columns of ``sales``, ``reason``, ``raw`` (a
    struct of the text fields, null for a valid line), ``source_file`` and ``digest`` (a 64-bit hash of the text
    fields). Looking for ``copies`` of a line costs a shuffle and a sort of all lines; without it none is found.
    """
    # Lines without a defect, which is null, come first: a good line is no copy of a malformed one.
    identical = Window.partitionBy(*RAW_COLUMNS).orderBy("defect", "source_file")
    reason = F.coalesce(
        F.when(F.col("defect") == HEADER, HEADER),
        *(F.when(F.expr(rule.condition), rule.reason) for rule in RULES),
    )
    typed = [F.expr(TYPED.get(name, name)).alias(name) for name in TABLES["sales"].names]
    return (
        lines.withColumn("copy", F.row_number().over(identical) if copies else F.lit(1))
        .select("*", *(F.expr(sql).alias(name) for name, sql in PARSED.items()))
        .withColumn("reason", reason)
        .select(
            *typed,
            "reason",
            F.when(F.col("reason").isNotNull(), F.struct(*RAW_COLUMNS)).alias("raw"),
            "source_file",
            F.xxhash64(*(F.coalesce(name, F.lit("")) for name in RAW_COLUMNS)).alias("digest"),
        )
    )


def may_have_copies(sales: DataFrame) -> bool:
    """Return False if no two rows are alike; True nearly always means that some are.

    Compares 64-bit hashes of the columns that hardly ever agree by chance, a small part of the effort of comparing all.
    """
    telling = ("order_id", "customer_id", "product", "quantity", "total_price")
    alike = sales.groupBy(F.xxhash64(*telling)).count().where("count > 1")
    return not alike.isEmpty()


def valid(marked: DataFrame) -> DataFrame:
    """Return the rows of ``sales``."""
    return marked.where("reason IS NULL").select(TABLES["sales"].names)


def rejected(marked: DataFrame) -> DataFrame:
    """Return the rows of ``rejected_sales``."""
    return marked.where(f"reason <> '{HEADER}'").select("raw.*", "reason", "source_file")


@dataclass(frozen=True)
class Tally:
    """What was read: valid lines, rejected lines by reason in the order of RULES, and header lines.

    ``last_day`` is the latest order date of the valid lines, None without any. ``fingerprint`` is the sum of the
    digests of all lines but headers modulo 2^64, in hex: it depends neither on the order of lines or columns nor on
    how they are spread over files.
    """

    valid: int
    rejected: dict[str, int]
    headers: int
    last_day: date | None
    fingerprint: str

    @property
    def lines(self) -> int:
        """Return the number of all lines but headers."""
        return self.valid + sum(self.rejected.values())

    @property
    def rejected_share(self) -> float:
        """Return the rejected lines as a share of all, 0 without any line."""
        return sum(self.rejected.values()) / self.lines if self.lines else 0.0

    def table(self) -> str:
        """Return the reasons with count, share and meaning, one line each, for a person to read."""
        return "\n".join(
            f"{rule.reason:<22} {self.rejected[rule.reason]:>12,} {self.rejected[rule.reason] / self.lines:>8.2%}"
            f"  {rule.meaning}"
            for rule in RULES
            if rule.reason in self.rejected
        )


def watched(marked: DataFrame) -> tuple[DataFrame, Observation]:
    """Return the rows of ``mark``, and what ``tally`` reads after an action on them: counting takes no extra pass."""
    observation = Observation()
    is_line = F.col("reason").isNull() | (F.col("reason") != HEADER)
    counts = [F.count(F.when(F.col("reason") == name, 1)).alias(name) for name in (*_REASONS, HEADER)]
    return marked.observe(
        observation,
        *counts,
        F.count(F.when(F.col("reason").isNull(), 1)).alias("valid"),
        F.sum(F.when(is_line, F.col("digest").cast("decimal(20, 0)"))).alias("digests"),
        # As text, because an observation hands out a date as an object of the JVM.
        F.max(F.when(F.col("reason").isNull(), F.col("order_date"))).cast("string").alias("last_day"),
    ), observation


def tally(observation: Observation) -> Tally:
    """Return the counts of ``watched``; waits for the first action on its rows, and only that one counts."""
    found = observation.get
    return Tally(
        valid=found["valid"],
        rejected={reason: found[reason] for reason in _REASONS if found[reason]},
        headers=found[HEADER],
        last_day=date.fromisoformat(found["last_day"]) if found["last_day"] else None,
        fingerprint=f"{int(found['digests'] or 0) % 2**64:016x}",
    )


_REASONS = tuple(rule.reason for rule in RULES)
