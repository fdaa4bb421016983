-- Without rows if the files have no such column.
SELECT customer_id, round(100 * avg_discount, 2) AS average_discount_percent, round(total_spend, 2) AS total_spend
FROM customer_features
WHERE run_date = '{{ run_date(dag_run, params) }}' AND avg_discount > 0
ORDER BY avg_discount DESC, total_spend DESC, customer_id
LIMIT 10
