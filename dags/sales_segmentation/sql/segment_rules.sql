-- Rules that find the customers of a segment, in the run that fitted the models. To apply one, use its conditions in
-- WHERE on customer_features.
SELECT
    r.segment,
    p.label,
    r.rule,
    r.conditions,
    r.customers,
    round(100 * r.precision, 1) AS precision_percent,
    round(100 * r.coverage, 1) AS coverage_percent
FROM segment_rules r
JOIN segment_profiles p ON p.segment = r.segment AND p.run_date = r.run_date
WHERE r.run_date = '{{ model_date(dag_run, params) }}'
ORDER BY r.segment, r.rule
