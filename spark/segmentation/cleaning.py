"""Which lines are valid: named rules with one reason code each, and the types of the valid lines.

Expressions that Spark compiles evaluate all rules in one pass over the lines. Parsing never raises, not even in ANSI
mode: a value that the type cannot hold becomes null, and a rule rejects the line.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date

from pyspark.sql import DataFrame, Observation, Window
from pyspark.sql import functions as F

from segmentation.mapping import ORIGINAL, THOUSANDS, InputMapping, date_pattern
from segmentation.raw_lines import HEADER, OPEN_QUOTE, STRAY_QUOTE, WRONG_FIELD_COUNT
from segmentation.schemas import RAW_COLUMNS, TABLES


@dataclass(frozen=True)
class Rule:
    """A reason to reject a line: its code, its meaning, and the SQL condition that is true for such a line."""

    reason: str
    meaning: str
    condition: str


RETURNED = "returned"
"""The reason of a return that is set aside. It is no fault, and does not count as a rejected line."""

LIST_LENGTH = 1_000_000
"""The hashes in one list of ``may_have_duplicates``: 8 MB."""

#: SQL expressions of the typed columns of a valid line, from those of ``parsed``.
TYPED: dict[str, str] = {
    "unit_price": "price",
    "quantity": "units",
    "discount": "try_cast(rate AS decimal(5, 4))",
    "total_price": "total",
    "order_date": "day",
}

#: The rules in order: the reason of a line is the first rule that it violates.
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
        "a price, quantity, discount or total that is missing, not a number or too large, or a fractional quantity",
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
    # The last rule, so that duplicates of a rejected line have the same reason as the first one.
    Rule(
        "duplicate_line", "a line that repeats another in all columns; the first one stays", "occurrence > 1"
    ),
)


def rules(mapping: InputMapping) -> tuple[Rule, ...]:
    """Return RULES as the mapping changes them."""
    texts = [name for name in ("product", "category", "region") if name not in mapping.without]
    changes = {
        "broken_text": {"meaning": f"bytes that are not {mapping.encoding.upper()}"},
        "missing_text": {
            "meaning": f"no {' or '.join(texts)}",
            "condition": " OR ".join(f"{name} IS NULL" for name in texts),
        },
        "unparsable_date": {"meaning": f"a date that is missing or not written {mapping.date_format}"},
    }
    if mapping.returns != "reject":
        changes["quantity_below_one"] = {"meaning": "a quantity of zero", "condition": "units = 0"}
    found = [
        replace(rule, **changes.get(rule.reason, {}))
        for rule in RULES
        if rule.reason != "unknown_customer_type" or "customer_type" not in mapping.without
    ]
    if mapping.returns == "set_aside":
        found.append(Rule(RETURNED, "a return, which the mapping sets aside", "units < 0"))
    return tuple(found)


def parsed(mapping: InputMapping) -> dict[str, str]:
    """Return SQL expressions of the values of the text fields, null if a text is not valid.

    Numbers are rounded half up to four decimals. A discount that the files lack is 0, and a total is computed.
    """
    price = f"try_cast({_number('unit_price', mapping)} AS decimal(12, 4))"
    text = _number("quantity", mapping)
    # Spreadsheets write the whole number 90 as 90.0.
    units = (
        f"coalesce(try_cast({text} AS int), CASE WHEN try_cast({text} AS decimal(14, 4)) % 1 = 0 "
        f"THEN try_cast(try_cast({text} AS decimal(14, 4)) AS int) END)"
    )
    rate = f"try_cast({_number('discount', mapping)} AS decimal(14, 4))"
    if mapping.discount == "percent":
        number = _number(f"regexp_replace(discount, '[{THOUSANDS['space']}]?%$', '')", mapping)
        rate = f"try_cast(try_cast({number} AS decimal(14, 6)) / 100 AS decimal(14, 4))"
    if "discount" in mapping.without:
        rate = "CAST(0 AS decimal(14, 4))"
    total = f"try_cast({_number('total_price', mapping)} AS decimal(14, 4))"
    if "total_price" in mapping.without:
        total = f"try_cast(({price}) * ({units}) * (1 - try_cast({rate} AS decimal(5, 4))) AS decimal(14, 4))"
    return {"price": price, "units": units, "rate": rate, "total": total, **_date(mapping)}


def _number(text: str, mapping: InputMapping) -> str:
    """Return an SQL expression of the text of a number with a decimal point, null if its signs are misplaced."""
    signs, decimal = THOUSANDS.get(mapping.thousands, ""), mapping.decimal
    if not signs and decimal == ".":
        return text
    groups = f"[0-9]{{1,3}}([{signs}][0-9]{{3}})+|" if signs else ""
    # In double quotes, because a thousands sign can be an apostrophe.
    pattern = f'"^[+-]?({groups}[0-9]*)([{decimal}][0-9]*)?$"'
    return f'CASE WHEN {text} RLIKE {pattern} THEN translate({text}, "{decimal}{signs}", ".") END'


def _date(mapping: InputMapping) -> dict[str, str]:
    if mapping.date_format != ORIGINAL.date_format:
        pattern, iso = date_pattern(mapping.date_format)
        day = f"try_cast(regexp_replace(order_date, '{pattern}', '{iso}') AS date)"
        return {"day": day, "is_dated": f"order_date RLIKE '{pattern}'"}
    # The parts of dd-MM-yyyy in reverse order are an ISO date: a cast parses it without a formatter and strictly.
    parts = "substr(order_date, 7, 4), substr(order_date, 4, 2), substr(order_date, 1, 2)"
    return {
        "day": f"try_cast(concat_ws('-', {parts}) AS date)",
        "is_dated": "order_date RLIKE '^[0-9]{2}-[0-9]{2}-[0-9]{4}$'",
    }


def classify(lines: DataFrame, *, duplicates: bool, mapping: InputMapping = ORIGINAL) -> DataFrame:
    """Return the typed lines with ``reason``, which is null for a valid line and HEADER for a header line.

    ``lines`` has RAW_COLUMNS as text, ``defect`` and ``source_file``. The result has the columns of ``sales``,
    ``reason``, ``raw`` (a struct of the text fields, null for a valid line), ``source_file`` and ``hash`` (64 bits, of
    the text fields). To find ``duplicates`` takes a shuffle and a sort of all lines; without it none is found.
    """
    # Lines without a defect (null) come first: a valid line is not a duplicate of a malformed one.
    identical = Window.partitionBy(*RAW_COLUMNS).orderBy("defect", "source_file")
    reason = F.coalesce(
        F.when(F.col("defect") == HEADER, HEADER),
        *(F.when(F.expr(rule.condition), rule.reason) for rule in rules(mapping)),
    )
    typed = [F.expr(TYPED.get(name, name)).alias(name) for name in TABLES["sales"].names]
    return (
        lines.withColumn("occurrence", F.row_number().over(identical) if duplicates else F.lit(1))
        .select("*", *(F.expr(sql).alias(name) for name, sql in parsed(mapping).items()))
        .withColumn("reason", reason)
        .select(
            *typed,
            "reason",
            F.when(F.col("reason").isNotNull(), F.struct(*RAW_COLUMNS)).alias("raw"),
            "source_file",
            F.xxhash64(*(F.coalesce(name, F.lit("")) for name in RAW_COLUMNS)).alias("hash"),
        )
    )


def may_have_duplicates(sales: DataFrame, rows: int) -> bool:
    """Return False if no two of the ``rows`` rows are equal; True means that some probably are.

    Compares 64-bit hashes of columns that rarely agree by chance, which is much cheaper than to compare all columns.
    Lists of hashes take less time and memory than one group for each hash: few hashes are equal.
    """
    line = F.xxhash64("order_id", "customer_id", "product", "quantity", "total_price").alias("line")
    lists = sales.select(line).groupBy(F.col("line") % (1 + rows // LIST_LENGTH))
    hashes = lists.agg(F.collect_list("line").alias("lines"))
    return not hashes.where("size(array_distinct(lines)) < size(lines)").isEmpty()


def valid(lines: DataFrame) -> DataFrame:
    """Return the rows of ``sales`` from the result of ``classify``."""
    return lines.where("reason IS NULL").select(TABLES["sales"].names)


def rejected(lines: DataFrame) -> DataFrame:
    """Return the rows of ``rejected_sales`` from the result of ``classify``."""
    return lines.where(f"reason <> '{HEADER}'").select("raw.*", "reason", "source_file")


@dataclass(frozen=True)
class LineCounts:
    """The number of valid lines, of rejected lines by reason in the order of RULES, and of header lines.

    ``last_day`` is the latest order date of the valid lines, None if there are none. ``fingerprint`` is the sum of the
    hashes of all lines except headers, modulo 2⁶⁴, in hexadecimal. It does not depend on the order of lines or columns
    or on how the lines are split into files.
    """

    valid: int
    rejected: dict[str, int]
    headers: int
    last_day: date | None
    fingerprint: str

    @property
    def lines(self) -> int:
        """The number of all lines except headers."""
        return self.valid + sum(self.rejected.values())

    @property
    def returned(self) -> int:
        """The number of returns that are set aside."""
        return self.rejected.get(RETURNED, 0)

    @property
    def rejected_share(self) -> float:
        """The share of rejected lines without the returns, 0 if there are no lines."""
        return (sum(self.rejected.values()) - self.returned) / self.lines if self.lines else 0.0

    def table(self, mapping: InputMapping = ORIGINAL) -> str:
        """Return a readable table of the reasons: count, share and meaning, one line for each."""
        return "\n".join(
            f"{rule.reason:<22} {self.rejected[rule.reason]:>12,} {self.rejected[rule.reason] / self.lines:>8.2%}"
            f"  {rule.meaning}"
            for rule in rules(mapping)
            if rule.reason in self.rejected
        )


def observe(lines: DataFrame) -> tuple[DataFrame, Observation]:
    """Return ``lines`` of ``classify`` and an observation for ``line_counts``: counting needs no extra pass."""
    observation = Observation()
    is_line = F.col("reason").isNull() | (F.col("reason") != HEADER)
    counts = [F.count(F.when(F.col("reason") == name, 1)).alias(name) for name in (*_REASONS, HEADER)]
    return lines.observe(
        observation,
        *counts,
        F.count(F.when(F.col("reason").isNull(), 1)).alias("valid"),
        *(F.sum(F.when(is_line, F.expr(sql))).alias(f"hashes_{shift}") for shift, sql in _HASH_PARTS.items()),
        # As text, because an observation returns a date as a Java object.
        F.max(F.when(F.col("reason").isNull(), F.col("order_date"))).cast("string").alias("last_day"),
    ), observation


def line_counts(observation: Observation) -> LineCounts:
    """Return the counts of ``observe``. Waits for the first action on the rows; only this action counts."""
    found = observation.get
    return LineCounts(
        valid=found["valid"],
        rejected={reason: found[reason] for reason in _REASONS if found[reason]},
        headers=found[HEADER],
        last_day=date.fromisoformat(found["last_day"]) if found["last_day"] else None,
        fingerprint=f"{sum((found[f'hashes_{shift}'] or 0) << shift for shift in _HASH_PARTS) % 2**64:016x}",
    )


#: SQL expressions of the parts of a hash, by their lowest bit. Sums of parts do not overflow, as those of hashes would.
#: Sums of decimals would take more time.
_HASH_PARTS = {
    0: "hash & 2097151",
    21: "shiftright(hash, 21) & 2097151",
    42: "shiftright(hash, 42)",
}
_REASONS = (*(rule.reason for rule in RULES), RETURNED)
