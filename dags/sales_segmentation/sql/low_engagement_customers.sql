-- The customers to win back first: those with the fewest orders for their time with us, the longest silent first.
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
