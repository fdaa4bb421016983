-- A random sample of customers for the map and the silhouettes of the segments. The hash makes it the same in each run
-- of the query.
SELECT segment, round(pc1, 3) AS pc1, round(pc2, 3) AS pc2, round(silhouette, 3) AS silhouette
FROM customer_segments
WHERE run_date = '{{ run_date(dag_run, params) }}'
ORDER BY md5(to_utf8(customer_id)), customer_id
LIMIT 2000
