-- The mean of each segment and its deviation from all customers, in standard deviations, in the run that fitted the
-- models.
SELECT segment, feature, mean, round(deviation, 3) AS deviation
FROM segment_features
WHERE run_date = '{{ model_date(dag_run, params) }}'
ORDER BY segment, feature
