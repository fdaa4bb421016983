CREATE EXTERNAL TABLE IF NOT EXISTS {{ settings.database }}.word_counts (
    word string,
    occurrences bigint
)
STORED AS PARQUET
LOCATION '{{ settings.s3("processed", "word_counts") }}/'
