-- The totals at the top of the report. An order id is unique only within a customer, as in customer_features.
SELECT
    count(*) AS order_lines,
    count(DISTINCT customer_id || ' ' || order_id) AS orders,
    count(DISTINCT customer_id) AS customers,
    sum(total_price) AS revenue,
    min(order_date) AS first_day,
    max(order_date) AS last_day
FROM sales
WHERE run_date = '{{ run_date(dag_run, params) }}'
