-- One row for each table the run has written: how many rows Athena finds in this run's partition.
{% for dataset in jobs(params) | sum(attribute='datasets', start=()) -%}
{{ "UNION ALL" if not loop.first }}
SELECT '{{ dataset }}' AS dataset, count(*) AS row_count FROM {{ dataset }} WHERE run_date = '{{ run_date(dag_run, params) }}'
{% endfor %}
