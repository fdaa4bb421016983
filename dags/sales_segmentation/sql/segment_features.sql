-- How each segment differs from all customers, in their standard deviations, when the model was fitted.
SELECT segment, feature, mean, round(deviation, 3) AS deviation
FROM segment_features
WHERE run_date = '{{ model_date(dag_run, params) }}'
ORDER BY segment, feature
