CREATE EXTERNAL TABLE IF NOT EXISTS `{{ params.dataset }}` (
    {{ params.columns }}
)
PARTITIONED BY (`run_date` string)
STORED AS PARQUET
LOCATION '{{ params.processed }}/{{ params.dataset }}/'
TBLPROPERTIES ('parquet.compression' = 'SNAPPY')
