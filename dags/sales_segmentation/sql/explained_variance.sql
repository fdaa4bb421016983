-- The share of the variance that each principal component explains, in the run that fitted the models.
SELECT
    component,
    round(100 * explained_variance_ratio, 2) AS variance_percent,
    round(100 * cumulative, 2) AS cumulative_percent,
    retained
FROM explained_variance
WHERE run_date = '{{ model_date(dag_run, params) }}'
ORDER BY component
