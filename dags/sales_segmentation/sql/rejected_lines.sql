-- What was set aside, and why; no row means that every line was valid.
SELECT reason, count(*) AS order_lines
FROM rejected_sales
WHERE run_date = '{{ run_date(dag_run, params) }}'
GROUP BY reason
ORDER BY order_lines DESC, reason
