-- Every number of segments that was tried, and the one that was chosen, in the model's run.
SELECT
    k,
    round(wssse, 1) AS wssse,
    round(silhouette, 4) AS silhouette,
    round(calinski_harabasz, 1) AS calinski_harabasz,
    round(stability, 3) AS stability,
    chosen
FROM model_selection
WHERE run_date = '{{ model_date(dag_run, params) }}'
ORDER BY k
