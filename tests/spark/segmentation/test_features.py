from __future__ import annotations

from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from pyspark.sql import DataFrame, SparkSession

from segmentation.features import FEATURE_SETS, FEATURES, customer_features, feature_set
from segmentation.schemas import TABLES

Sales = Callable[..., DataFrame]

LINE: dict[str, Any] = {
    "order_id": "ORD1",
    "customer_id": "CUS1",
    "customer_type": "B2B",
    "product": "Evian",
    "category": "Water",
    "unit_price": "1.00",
    "quantity": 10,
    "discount": "0.0",
    "total_price": "10.00",
    "region": "Bayern",
    "order_date": date(2023, 1, 2),
}


@pytest.fixture(scope="module")
def sales(spark: SparkSession) -> Sales:
    """Make valid lines: each argument replaces columns of one line."""

    def make(*overrides: dict[str, Any]) -> DataFrame:
        rows = [
            tuple(Decimal(value) if name in DECIMALS else value for name, value in {**LINE, **line}.items())
            for line in overrides
        ]
        return spark.createDataFrame(rows, TABLES["sales"])

    return make


DECIMALS = ("unit_price", "discount", "total_price")


def only(frame: DataFrame) -> dict[str, Any]:
    (row,) = frame.collect()
    return dict(row.asDict())


def test_every_feature_of_a_hand_computed_customer(sales: Sales) -> None:
    """Three orders with four lines, each of 10.00 after discount; the data ends on 2023-03-31."""
    saturday, tuesday, monday = date(2023, 1, 7), date(2023, 1, 31), date(2023, 3, 20)
    wine = {"product": "Merlot", "category": "Alcoholic Beverages"}
    frame = sales(
        {"order_id": "A", "order_date": saturday},
        {
            "order_id": "A",
            "order_date": saturday,
            **wine,
            "unit_price": "10",
            "quantity": 2,
            "discount": "0.5",
        },
        {"order_id": "B", "order_date": tuesday},
        {
            "order_id": "C",
            "order_date": monday,
            "product": "Energy",
            "category": "Energy Drinks",
            "unit_price": "2.5",
            "quantity": 4,
        },
    )
    assert only(customer_features(frame, date(2023, 3, 31))) == pytest.approx(
        {
            "customer_id": "CUS1",
            "customer_type": "B2B",
            "region": "Bayern",
            "total_orders": 3,
            "total_quantity": 26,
            "total_spend": 40.0,
            "avg_discount": 0.125,
            "unique_products": 3,
            "unique_categories": 3,
            "region_count": 1,
            "recency_days": 11.0,
            "tenure_days": 83.0,
            "orders_per_month": 1.0,
            "lines_per_order": 4 / 3,
            "quantity_per_order": 26 / 3,
            "avg_unit_price": (10 + 20 + 10 + 10) / 26,
            "discounted_share": 0.25,
            "share_soft_drinks": 0.0,
            "share_alcoholic_beverages": 0.25,
            "share_juices": 0.0,
            "share_water": 0.5,
            "share_other": 0.25,
            "product_diversity": 1 - 2 / 12,
            "weekend_share": 1 / 3,
            "seasonality": 1.0,
            "is_b2b": 1.0,
        }
    )


def test_seasonality_is_the_concentration_of_spend_in_quarters(sales: Sales) -> None:
    spends = {
        "even": ("10", "10", "10", "10"),
        "one quarter": ("0", "25", "0", "0"),
        "two quarters": ("10", "30", "0", "0"),
        "no spend": ("0", "0", "0", "0"),
    }
    lines = [
        {
            "customer_id": customer,
            "order_id": f"ORD{quarter}",
            "order_date": date(2021 + quarter % 2, 3 * quarter + 2, 1),
            "total_price": spend,
        }
        for customer, of_quarters in spends.items()
        for quarter, spend in enumerate(of_quarters)
    ]
    rows = customer_features(sales(*lines), date(2023, 12, 31)).collect()
    assert {row.customer_id: row.seasonality for row in rows} == pytest.approx(
        {
            "even": 0.0,
            "one quarter": 1.0,
            "two quarters": (4 * (1 / 16 + 9 / 16) - 1) / 3,
            "no spend": 0.0,
        }
    )


def test_the_weekend_is_saturday_and_sunday(sales: Sales) -> None:
    """2023-01-02 is a Monday; one order on each day of that week, the one on Sunday by another customer."""
    week = [{"order_id": f"ORD{day}", "order_date": date(2023, 1, day)} for day in range(2, 8)]
    sunday = {"customer_id": "CUS2", "order_date": date(2023, 1, 8)}
    rows = customer_features(sales(*week, sunday), date(2023, 1, 8)).collect()
    assert {row.customer_id: row.weekend_share for row in rows} == {"CUS1": pytest.approx(1 / 6), "CUS2": 1.0}


def test_no_spend_gives_zero_shares_not_nulls(sales: Sales) -> None:
    row = only(customer_features(sales({"total_price": "0", "unit_price": "0"}), date(2023, 1, 2)))
    assert None not in row.values()
    assert [row[name] for name in row if name.startswith("share_")] == [0.0] * 5
    assert (row["avg_unit_price"], row["total_spend"]) == (0.0, 0.0)


def test_a_customer_of_the_last_day_has_recency_0_and_one_month(sales: Sales) -> None:
    row = only(customer_features(sales({}), LINE["order_date"]))
    assert (row["recency_days"], row["tenure_days"], row["orders_per_month"]) == (0.0, 0.0, 1.0)


def test_months_are_counted_across_years(sales: Sales) -> None:
    lines = [{"order_id": f"ORD{day}", "order_date": date(2022, 11, day)} for day in (1, 2, 3, 4, 5, 6)]
    assert only(customer_features(sales(*lines), date(2023, 1, 31)))["orders_per_month"] == 2.0


def test_type_and_region_are_from_the_latest_day_and_regions_are_counted(sales: Sales) -> None:
    frame = sales(
        {"region": "Sachsen", "order_date": date(2023, 5, 1), "customer_type": "B2C"},
        {"region": "Bayern", "order_date": date(2023, 1, 1)},
        {"region": "Hamburg", "order_date": date(2023, 5, 1), "customer_type": "B2C"},
        {"region": "Sachsen", "order_date": date(2022, 5, 1)},
    )
    row = only(customer_features(frame, date(2023, 5, 1)))
    assert (row["region"], row["customer_type"], row["is_b2b"], row["region_count"]) == (
        "Sachsen",
        "B2C",
        0.0,
        3,
    )


def test_an_order_id_counts_for_each_of_its_customers(sales: Sales) -> None:
    frame = customer_features(sales({}, {}, {"customer_id": "CUS2"}), date(2023, 1, 2))
    assert {row.customer_id: row.total_orders for row in frame.collect()} == {"CUS1": 1, "CUS2": 1}


def test_one_product_name_in_two_categories_is_one_product(sales: Sales) -> None:
    row = only(customer_features(sales({}, {"category": "Juices"}), date(2023, 1, 2)))
    assert (row["unique_products"], row["unique_categories"], row["product_diversity"]) == (1, 2, 0.0)


def test_the_result_does_not_depend_on_partitions(sales: Sales) -> None:
    """The same bit for bit with 1 and 4 partitions and in another order of the lines."""
    lines = [
        {
            "customer_id": f"CUS{n % 7}",
            "order_id": f"ORD{n % 61}",
            "product": f"P{n % 13}",
            "category": ("Water", "Juices", "Tea")[n % 3],
            "total_price": f"{n * n % 977}.{n % 10}7",
            "discount": f"0.{n % 9}",
            "order_date": date(2023, 1 + n % 12, 1 + n % 28),
        }
        for n in range(300)
    ]

    def table(frame: DataFrame) -> list[Any]:
        return sorted(customer_features(frame, date(2023, 12, 31)).collect())

    expected = table(sales(*lines).repartition(1))
    assert table(sales(*reversed(lines)).repartition(4)) == expected
    assert len(expected) == 7


def test_the_frame_has_the_published_columns(sales: Sales) -> None:
    schema = customer_features(sales({}), date(2023, 1, 2)).schema
    assert [(field.name, field.dataType) for field in schema] == [
        (field.name, field.dataType) for field in TABLES["customer_features"]
    ]


def test_the_notebook_set_is_the_seven_untransformed_features_of_the_study() -> None:
    notebook = feature_set("notebook")
    assert [feature.name for feature in notebook] == [
        "total_orders",
        "total_quantity",
        "total_spend",
        "avg_discount",
        "unique_products",
        "unique_categories",
        "region_count",
    ]
    assert {feature.transform for feature in notebook} == {None}


def test_the_extended_set_transforms_skewed_features() -> None:
    transformed = {feature.name for feature in feature_set("extended") if feature.transform == "log1p"}
    assert transformed == {
        "total_spend",
        "recency_days",
        "orders_per_month",
        "quantity_per_order",
        "avg_unit_price",
    }


def test_every_feature_is_described_and_belongs_to_a_set() -> None:
    for feature in FEATURES:
        assert feature.definition, feature.name
        assert feature.unit, feature.name
        assert feature.why, feature.name
        assert set(feature.sets) <= set(FEATURE_SETS), feature.name
        assert feature.sets, feature.name


def test_given_categories_can_be_left_out() -> None:
    everything, behaviour = feature_set("extended"), feature_set("extended", given=False)

    assert {feature.name for feature in everything} - {feature.name for feature in behaviour} == {"is_b2b"}


def test_an_unknown_feature_set_is_refused() -> None:
    with pytest.raises(KeyError, match="unknown feature set 'all'; valid feature sets: notebook, extended"):
        feature_set("all")
