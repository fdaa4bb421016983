CREATE EXTERNAL TABLE IF NOT EXISTS `{{ params.dataset }}` (
    {{ params.columns }}
)
COMMENT '{{ params.comment }}'
PARTITIONED BY (`run_date` string COMMENT 'run date of the DAG run, YYYY-MM-DD')
STORED AS PARQUET
LOCATION '{{ settings.s3('processed', params.dataset) }}/'
TBLPROPERTIES ('parquet.compression' = 'SNAPPY')
