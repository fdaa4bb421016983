"""The file formats of tables, by the class names of Hive.

Source: https://docs.aws.amazon.com/athena/latest/ug/supported-serdes.html
"""

from __future__ import annotations

from dataclasses import dataclass

PARQUET_SERDE = "org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe"
ORC_SERDE = "org.apache.hadoop.hive.ql.io.orc.OrcSerde"
AVRO_SERDE = "org.apache.hadoop.hive.serde2.avro.AvroSerDe"
LAZY_SIMPLE_SERDE = "org.apache.hadoop.hive.serde2.lazy.LazySimpleSerDe"
OPEN_CSV_SERDE = "org.apache.hadoop.hive.serde2.OpenCSVSerde"
OPENX_JSON_SERDE = "org.openx.data.jsonserde.JsonSerDe"
HIVE_JSON_SERDE = "org.apache.hive.hcatalog.data.JsonSerDe"
JSON_OUTPUT_FORMAT = "org.apache.hadoop.hive.ql.io.IgnoreKeyTextOutputFormat"
"""The output format of a table with ``OPENX_JSON_SERDE`` and without STORED AS, as in PyAthena's tests."""


@dataclass(frozen=True)
class FileFormat:
    """``name`` is the word after STORED AS, ``serde`` the SerDe of a table without ROW FORMAT SERDE."""

    name: str
    input: str
    output: str
    serde: str


TEXTFILE = FileFormat(
    "TEXTFILE",
    "org.apache.hadoop.mapred.TextInputFormat",
    "org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat",
    LAZY_SIMPLE_SERDE,
)
PARQUET = FileFormat(
    "PARQUET",
    "org.apache.hadoop.hive.ql.io.parquet.MapredParquetInputFormat",
    "org.apache.hadoop.hive.ql.io.parquet.MapredParquetOutputFormat",
    PARQUET_SERDE,
)
ORC = FileFormat(
    "ORC",
    "org.apache.hadoop.hive.ql.io.orc.OrcInputFormat",
    "org.apache.hadoop.hive.ql.io.orc.OrcOutputFormat",
    ORC_SERDE,
)
AVRO = FileFormat(
    "AVRO",
    "org.apache.hadoop.hive.ql.io.avro.AvroContainerInputFormat",
    "org.apache.hadoop.hive.ql.io.avro.AvroContainerOutputFormat",
    AVRO_SERDE,
)
FORMATS = {file_format.name: file_format for file_format in (TEXTFILE, PARQUET, ORC, AVRO)}
# The file format that each SerDe reads
SERDES = {file_format.serde: file_format for file_format in FORMATS.values()} | dict.fromkeys(
    (OPEN_CSV_SERDE, OPENX_JSON_SERDE, HIVE_JSON_SERDE), TEXTFILE
)
