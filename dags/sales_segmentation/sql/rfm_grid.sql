-- The customers and the revenue of each cell of the RFM grid.
SELECT
    r.recency_score,
    r.frequency_score,
    r.rfm_group,
    r.at_risk,
    count(*) AS customers,
    round(sum(f.total_spend), 2) AS revenue,
    round(100 * sum(f.total_spend) / sum(sum(f.total_spend)) OVER (), 1) AS revenue_percent
FROM customer_rfm r
JOIN customer_features f ON f.customer_id = r.customer_id AND f.run_date = r.run_date
WHERE r.run_date = '{{ run_date(dag_run, params) }}'
GROUP BY r.recency_score, r.frequency_score, r.rfm_group, r.at_risk
ORDER BY r.recency_score DESC, r.frequency_score DESC
