"""Columns of arrays, maps, structs and JSON text, read from the Parquet files of a table."""

from __future__ import annotations

import pyarrow as pa
import pytest

from tests.localaws.athena.conftest import Warehouse

ORDERS = pa.table(
    {
        "id": [1, 2, 3],
        "items": pa.array(
            [[{"sku": "a", "prices": [1.5, None]}, {"sku": "b", "prices": None}], [], None],
            pa.list_(pa.struct([("sku", pa.string()), ("prices", pa.list_(pa.float64()))])),
        ),
        "tags": pa.array(
            [{"color": ["red"], "size": None}, {}, None], pa.map_(pa.string(), pa.list_(pa.string()))
        ),
        "buyer": pa.array(
            [{"name": "Eve", "address": {"city": "Ulm"}}, {"name": None, "address": None}, None],
            pa.struct([("name", pa.string()), ("address", pa.struct([("city", pa.string())]))]),
        ),
        "payload": ['{"a": {"n": [7, 8]}}', "broken", None],
    }
)


@pytest.fixture(scope="module", autouse=True)
def orders(warehouse: Warehouse) -> None:
    warehouse.run(
        "CREATE EXTERNAL TABLE orders (id bigint, items array<struct<sku:string,prices:array<double>>>, "
        "tags map<string,array<string>>, buyer struct<name:string,address:struct<city:string>>, payload string) "
        f"STORED AS PARQUET LOCATION 's3://{warehouse.bucket}/orders/'"
    )
    warehouse.put("orders/part-0.parquet", ORDERS)


@pytest.mark.parametrize(
    ("query", "rows"),
    [
        (
            "SELECT items, tags, buyer FROM orders ORDER BY id",
            [
                (
                    "[{sku=a, prices=[1.5, null]}, {sku=b, prices=null}]",
                    "{color=[red], size=null}",
                    "{name=Eve, address={city=Ulm}}",
                ),
                ("[]", "{}", "{name=null, address=null}"),
                (None, None, None),
            ],
        ),
        (
            "SELECT buyer.address.city, o.buyer.name, items[1].prices[1], tags['color'][1] FROM orders o WHERE id = 1",
            [("Ulm", "Eve", "1.5", "red")],
        ),
        (
            "SELECT id, sku, price FROM orders CROSS JOIN UNNEST(items) AS i(sku, prices) "
            "LEFT JOIN UNNEST(prices) AS p(price) ON true ORDER BY id, sku, price NULLS LAST",
            [("1", "a", "1.5"), ("1", "a", None), ("1", "b", None)],
        ),
        (
            "SELECT id, k, v FROM orders LEFT JOIN UNNEST(tags) AS t(k, v) ON true ORDER BY id, k",
            [("1", "color", "[red]"), ("1", "size", None), ("2", None, None), ("3", None, None)],
        ),
        (
            "SELECT id, cardinality(filter(items, i -> i.sku > 'a')), transform(items, i -> id) FROM orders ORDER BY 1",
            [("1", "1", "[1, 1]"), ("2", "0", "[]"), ("3", None, None)],
        ),
        (
            "SELECT json_extract_scalar(payload, '$.a.n[1]'), "
            "CAST(json_extract(payload, '$.a.n') AS array(integer)) FROM orders ORDER BY id",
            [("8", "[7, 8]"), (None, None), (None, None)],
        ),
        (
            "SELECT CAST(buyer AS JSON), CAST(items AS JSON) FROM orders WHERE id = 1",
            [
                (
                    '{"name":"Eve","address":{"city":"Ulm"}}',
                    '[{"sku":"a","prices":[1.5,null]},{"sku":"b","prices":null}]',
                )
            ],
        ),
        ("SELECT buyer, count(*) FROM orders GROUP BY buyer HAVING buyer IS NULL", [(None, "1")]),
        (
            "SELECT map_agg(id, buyer.name), array_agg(buyer.name ORDER BY id DESC) FROM orders WHERE id < 3",
            [("{1=Eve, 2=null}", "[null, Eve]")],
        ),
    ],
)
def test_answer(warehouse: Warehouse, query: str, rows: list[tuple[str | None, ...]]) -> None:
    assert warehouse.rows(query) == rows
