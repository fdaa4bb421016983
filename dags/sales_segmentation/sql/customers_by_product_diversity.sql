SELECT customer_id, unique_products, unique_categories, round(product_diversity, 4) AS product_diversity
FROM customer_features
WHERE run_date = '{{ run_date(dag_run, params) }}'
ORDER BY unique_products DESC, product_diversity DESC, customer_id
LIMIT 10
