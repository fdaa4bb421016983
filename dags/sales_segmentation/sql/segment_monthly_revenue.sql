-- The revenue of each month by the segment that the customer has now.
SELECT s.segment, date_trunc('month', l.order_date) AS month, sum(l.total_price) AS revenue
FROM sales l
JOIN customer_segments s ON s.customer_id = l.customer_id AND s.run_date = l.run_date
WHERE l.run_date = '{{ run_date(dag_run, params) }}'
GROUP BY s.segment, date_trunc('month', l.order_date)
ORDER BY s.segment, month
