-- The numbers of segments that were tried, and the chosen one, in the run that fitted the models.
SELECT
    k,
    round(wssse, 1) AS wssse,
    round(silhouette, 4) AS silhouette,
    round(calinski_harabasz, 1) AS calinski_harabasz,
    round(stability, 3) AS stability,
    round(100 * smallest_share, 1) AS smallest_percent,
    round(gap, 3) AS gap,
    given_column,
    round(mutual_information, 2) AS mutual_information,
    chosen,
    reason
FROM model_selection
WHERE run_date = '{{ model_date(dag_run, params) }}'
ORDER BY k
