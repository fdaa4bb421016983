-- The number of rejected lines for each reason; no row means that all lines are valid.
SELECT reason, count(*) AS order_lines
FROM rejected_sales
WHERE run_date = '{{ run_date(dag_run, params) }}'
GROUP BY reason
ORDER BY order_lines DESC, reason
