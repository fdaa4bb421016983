-- Customers who ordered often and are late, those with the highest spend first. Late is more than three times the
-- customer's own mean interval between orders: if orders came at random times, 5% of the customers with very many
-- orders would be as late, and more of those with few.
SELECT
    f.customer_id,
    s.segment,
    r.rfm_group,
    cast(f.recency_days AS integer) AS days_since_last_order,
    round((f.tenure_days - f.recency_days) / (f.total_orders - 1), 1) AS mean_days_between_orders,
    f.total_orders,
    round(f.total_spend, 2) AS total_spend
FROM customer_rfm r
JOIN customer_features f ON f.customer_id = r.customer_id AND f.run_date = r.run_date
JOIN customer_segments s ON s.customer_id = r.customer_id AND s.run_date = r.run_date
WHERE r.run_date = '{{ run_date(dag_run, params) }}'
    AND r.at_risk
    AND f.total_orders > 1
    AND f.recency_days > 3 * (f.tenure_days - f.recency_days) / (f.total_orders - 1)
ORDER BY f.total_spend DESC, f.customer_id
LIMIT 1000
