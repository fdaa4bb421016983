-- Without rows if the files have no such column.
SELECT region, sum(total_price) AS revenue, count(DISTINCT customer_id) AS customers, count(*) AS order_lines
FROM sales
WHERE run_date = '{{ run_date(dag_run, params) }}' AND region IS NOT NULL
GROUP BY region
ORDER BY revenue DESC, region
