SELECT
    date_trunc('month', order_date) AS month,
    sum(total_price) AS revenue,
    count(DISTINCT customer_id || ' ' || order_id) AS orders
FROM sales
WHERE run_date = '{{ run_date(dag_run, params) }}'
GROUP BY date_trunc('month', order_date)
ORDER BY month
