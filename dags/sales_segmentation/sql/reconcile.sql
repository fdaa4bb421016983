-- One row for each table: how many rows Athena finds in this run's partition.
{% for dataset in params.datasets -%}
{{ "UNION ALL" if not loop.first }}
SELECT '{{ dataset }}' AS dataset, count(*) AS row_count FROM {{ dataset }} WHERE run_date = '{{ run_date(dag_run, params) }}'
{% endfor %}
