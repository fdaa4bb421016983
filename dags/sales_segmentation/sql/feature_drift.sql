-- The drift of each feature since the latest earlier run. No row means that there is no earlier run.
SELECT feature, round(psi, 4) AS psi, earlier_mean, mean, drifted
FROM feature_drift
WHERE run_date = '{{ run_date(dag_run, params) }}'
ORDER BY psi DESC, feature
