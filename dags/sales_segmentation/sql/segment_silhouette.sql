-- How well the customers of each segment fit into it.
SELECT
    segment,
    count(*) AS customers,
    round(avg(silhouette), 4) AS silhouette,
    count_if(silhouette < 0) AS nearer_to_another
FROM customer_segments
WHERE run_date = '{{ run_date(dag_run, params) }}'
GROUP BY segment
ORDER BY segment
