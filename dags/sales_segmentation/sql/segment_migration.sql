-- The customers who moved between the segments of the latest earlier run and those of this run. Without an earlier
-- segment they are new, without a segment they are gone. No row means that there is no earlier run.
SELECT
    m.earlier_run_date,
    m.earlier_segment,
    m.earlier_label,
    m.segment,
    p.label,
    m.matched,
    m.customers,
    round(m.earlier_revenue, 2) AS earlier_revenue,
    round(m.revenue, 2) AS revenue
FROM segment_migration m
LEFT JOIN segment_profiles p
    ON p.segment = m.segment AND p.run_date = '{{ model_date(dag_run, params) }}'
WHERE m.run_date = '{{ run_date(dag_run, params) }}'
ORDER BY m.earlier_segment, m.segment
