-- Without rows if the files have no such column.
SELECT
    customer_type,
    count(*) AS customers,
    sum(total_orders) AS orders,
    round(sum(total_spend), 2) AS revenue
FROM customer_features
WHERE run_date = '{{ run_date(dag_run, params) }}' AND customer_type IS NOT NULL
GROUP BY customer_type
ORDER BY revenue DESC, customer_type
