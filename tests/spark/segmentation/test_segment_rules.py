from __future__ import annotations

import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from segmentation.blocks import arrange
from segmentation.segment_rules import MAX_CONDITIONS, Condition, Rules, find_rules, segment_rules

FEATURES = ["total_spend", "avg_discount"]


@pytest.fixture(scope="module")
def assigned(spark: SparkSession) -> DataFrame:
    """1,000 customers in three segments with clear limits, except that every fiftieth is in segment 2."""
    spend = (F.col("id") * 7919 % 1000).cast("double")
    discount = (F.col("id") * 104729 % 1000 / 1000).alias("avg_discount")
    frame = spark.range(1000).select(
        F.concat(F.lit("CUS"), "id").alias("customer_id"), spend.alias("total_spend"), discount, "id"
    )
    by_rule = F.when(F.col("total_spend") > 600, 0).when(F.col("avg_discount") > 0.25, 1).otherwise(2)
    return frame.withColumn("segment", F.when(F.col("id") % 50 == 0, 2).otherwise(by_rule)).persist()


@pytest.fixture(scope="module")
def rules(assigned: DataFrame) -> Rules:
    return find_rules(assigned, FEATURES, 3)


def test_the_rules_find_the_limits_and_their_quality_is_counted(assigned: DataFrame, rules: Rules) -> None:
    same = 0
    for rule in rules.rules:
        met = assigned.where(rule.conditions)
        assert rule.customers == met.count()
        assert rule.found == met.where(F.col("segment") == rule.segment).count()
        assert rule.conditions.count(" AND ") < MAX_CONDITIONS
        same += rule.found
    assert rules.fidelity == pytest.approx(same / 1000)
    assert rules.fidelity > 0.95
    assert rules.sizes == {row.segment: row["count"] for row in assigned.groupBy("segment").count().collect()}


def test_each_customer_meets_exactly_one_rule(assigned: DataFrame, rules: Rules) -> None:
    met = sum((F.expr(rule.conditions).cast("int") for rule in rules.rules), F.lit(0))

    assert [row.met for row in assigned.select(met.alias("met")).distinct().collect()] == [1]


def test_the_rules_do_not_depend_on_the_partitions(assigned: DataFrame, rules: Rules) -> None:
    assert find_rules(arrange(1000, assigned.repartition(7)), FEATURES, 3) == rules


def test_the_table_numbers_the_rules_of_each_segment(spark: SparkSession, rules: Rules) -> None:
    rows = segment_rules(spark, rules).orderBy("segment", "rule").collect()

    assert {row.segment for row in rows} == {0, 1, 2}
    for segment in range(3):
        own = [row for row in rows if row.segment == segment]
        assert [row.rule for row in own] == list(range(1, len(own) + 1))
        assert 0 < sum(row.coverage for row in own) <= 1
    assert all(0 < row.precision <= 1 for row in rows)


def test_a_single_segment_has_one_rule_for_everyone(assigned: DataFrame) -> None:
    (rule,) = find_rules(assigned.where("segment = 0"), FEATURES, 1).rules

    assert (rule.conditions, rule.found) == ("TRUE", rule.customers)


@pytest.mark.parametrize(
    ("threshold", "text"),
    [(12345.6, "12300"), (0.05432, "0.0543"), (12.5, "12.5"), (0.0, "0"), (1.0, "1"), (-2.0, "-2")],
)
def test_a_threshold_has_three_digits(threshold: float, text: str) -> None:
    assert str(Condition("total_spend", True, threshold)) == f"total_spend > {text}"
