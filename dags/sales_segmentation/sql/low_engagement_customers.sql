-- Customers with the fewest orders per month; of equals, those with the longest time since their last order.
SELECT
    customer_id,
    total_orders,
    round(orders_per_month, 2) AS orders_per_month,
    cast(recency_days AS integer) AS days_since_last_order,
    round(total_spend, 2) AS total_spend
FROM customer_features
WHERE run_date = '{{ run_date(dag_run, params) }}'
ORDER BY orders_per_month, recency_days DESC, customer_id
LIMIT 10
