-- Who the segments are, what they bring, and the means that set them apart.
SELECT
    segment,
    label,
    customers,
    round(100 * customer_share, 1) AS customers_percent,
    round(revenue, 2) AS revenue,
    round(100 * revenue_share, 1) AS revenue_percent,
    round(total_orders, 1) AS mean_orders,
    round(total_spend, 2) AS mean_spend,
    round(100 * avg_discount, 1) AS mean_discount_percent
FROM segment_profiles
WHERE run_date = '{{ run_date(dag_run, params) }}'
ORDER BY segment
