-- Size, revenue and means of each segment. The labels are from the run that fitted the models.
SELECT
    s.segment,
    p.label,
    count(*) AS customers,
    round(100.0 * count(*) / sum(count(*)) OVER (), 1) AS customers_percent,
    round(sum(f.total_spend), 2) AS revenue,
    round(100 * sum(f.total_spend) / sum(sum(f.total_spend)) OVER (), 1) AS revenue_percent,
    round(avg(f.total_orders), 1) AS mean_orders,
    round(avg(f.total_spend), 2) AS mean_spend,
    round(100 * avg(f.avg_discount), 1) AS mean_discount_percent,
    round(100 * avg(f.is_b2b), 1) AS b2b_percent
FROM customer_segments s
JOIN customer_features f ON f.customer_id = s.customer_id AND f.run_date = s.run_date
LEFT JOIN segment_profiles p
    ON p.segment = s.segment AND p.run_date = '{{ model_date(dag_run, params) }}'
WHERE s.run_date = '{{ run_date(dag_run, params) }}'
GROUP BY s.segment, p.label
ORDER BY s.segment
