SELECT f.customer_id, f.customer_type, f.region, round(f.total_spend, 2) AS total_spend, f.total_orders, s.segment
FROM customer_features f
JOIN customer_segments s ON s.customer_id = f.customer_id AND s.run_date = f.run_date
WHERE f.run_date = '{{ run_date(dag_run, params) }}'
ORDER BY f.total_spend DESC, f.customer_id
LIMIT 10
