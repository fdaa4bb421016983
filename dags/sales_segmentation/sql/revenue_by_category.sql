-- Without rows if the files have no such column.
SELECT category, sum(total_price) AS revenue, sum(quantity) AS units, count(*) AS order_lines
FROM sales
WHERE run_date = '{{ run_date(dag_run, params) }}' AND category IS NOT NULL
GROUP BY category
ORDER BY revenue DESC, category
