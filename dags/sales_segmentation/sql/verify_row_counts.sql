-- The number of rows that Athena finds in the partition of this run, for each table that the run has written.
{% for dataset in jobs(params) | sum(attribute='datasets', start=()) -%}
{{ "UNION ALL" if not loop.first }}
SELECT '{{ dataset }}' AS dataset, count(*) AS row_count FROM {{ dataset }} WHERE run_date = '{{ run_date(dag_run, params) }}'
{% endfor %}
