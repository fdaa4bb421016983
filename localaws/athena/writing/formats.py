"""The formats in which queries write data: their classes in Hive, their compressions, and their properties.

Sources: https://docs.aws.amazon.com/athena/latest/ug/create-table-as.html,
https://docs.aws.amazon.com/athena/latest/ug/compression-formats.html
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from localaws.athena.errors import QueryFailed, not_supported
from localaws.athena.tables.catalog import Table

_ALL = ("GZIP", "SNAPPY", "ZSTD", "LZ4", "BZIP2", "DEFLATE", "ZLIB", "NONE")


@dataclass(frozen=True)
class Format:
    """``compressions`` are those that can be written here. ``compression_property`` is the table property."""

    name: str
    serde: str
    input: str
    output: str
    default_compression: str
    compressions: tuple[str, ...]
    compression_property: str = "write.compression"


PARQUET = Format(
    "PARQUET",
    "org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe",
    "org.apache.hadoop.hive.ql.io.parquet.MapredParquetInputFormat",
    "org.apache.hadoop.hive.ql.io.parquet.MapredParquetOutputFormat",
    "GZIP",
    ("GZIP", "SNAPPY", "ZSTD", "LZ4", "NONE"),
    "parquet.compression",
)
ORC = Format(
    "ORC",
    "org.apache.hadoop.hive.ql.io.orc.OrcSerde",
    "org.apache.hadoop.hive.ql.io.orc.OrcInputFormat",
    "org.apache.hadoop.hive.ql.io.orc.OrcOutputFormat",
    "ZLIB",
    ("ZLIB", "SNAPPY", "ZSTD", "LZ4", "NONE"),
    "orc.compress",
)
JSON = Format(
    "JSON",
    "org.apache.hive.hcatalog.data.JsonSerDe",
    "org.apache.hadoop.mapred.TextInputFormat",
    "org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat",
    "GZIP",
    ("GZIP", "BZIP2", "NONE"),
)
TEXTFILE = Format(
    "TEXTFILE",
    "org.apache.hadoop.hive.serde2.lazy.LazySimpleSerDe",
    "org.apache.hadoop.mapred.TextInputFormat",
    "org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat",
    "GZIP",
    ("GZIP", "BZIP2", "NONE"),
)
AVRO = Format(
    "AVRO",
    "org.apache.hadoop.hive.serde2.avro.AvroSerDe",
    "org.apache.hadoop.hive.ql.io.avro.AvroContainerInputFormat",
    "org.apache.hadoop.hive.ql.io.avro.AvroContainerOutputFormat",
    "GZIP",
    ("GZIP", "DEFLATE", "ZLIB", "SNAPPY", "NONE"),
)
FORMATS = {found.name: found for found in (PARQUET, ORC, JSON, TEXTFILE, AVRO)}
_SUFFIXES = {"GZIP": ".gz", "BZIP2": ".bz2"}


@dataclass(frozen=True)
class Output:
    """How the files of a table are written."""

    format: Format
    compression: str
    compression_level: int | None = None
    field_delimiter: str = "\x01"

    @property
    def suffix(self) -> str:
        """The end of a file name. The readers of text files find the compression by it."""
        return _SUFFIXES.get(self.compression, "") if self.format in (JSON, TEXTFILE) else ""


def output(name: str, compression: str | None, level: int | None, delimiter: str | None) -> Output:
    """Return the output for properties of CTAS or UNLOAD. Raises QueryFailed."""
    if name.upper() not in FORMATS:
        raise QueryFailed(
            f"INVALID_TABLE_PROPERTY: Unable to set table property 'format' to '{name}': Invalid value "
            f"[{name}]. Valid values: [ORC, PARQUET, AVRO, JSON, TEXTFILE]"
        )
    found = FORMATS[name.upper()]
    chosen = (compression or found.default_compression).upper()
    chosen = {"UNCOMPRESSED": "NONE"}.get(chosen, chosen)
    if chosen not in _ALL:
        raise QueryFailed(f"INVALID_TABLE_PROPERTY: Invalid value [{compression}] for compression")
    if chosen not in found.compressions:
        raise not_supported(f"writing {found.name} files with the compression {chosen}")
    if level is not None and chosen != "ZSTD":
        raise QueryFailed("INVALID_TABLE_PROPERTY: compression_level is only for the compression ZSTD")
    if delimiter is not None:
        if found is not TEXTFILE:
            raise QueryFailed(
                "INVALID_TABLE_PROPERTY: Cannot specify field_delimiter table property for storage format: "
                f"{found.name}"
            )
        if len(delimiter) != 1:
            raise QueryFailed("INVALID_TABLE_PROPERTY: field_delimiter must be a single character")
    return Output(found, chosen, level, delimiter or "\x01")


def output_of_table(table: Table) -> Output:
    """Return the output for an INSERT INTO a table. Raises QueryFailed if its format cannot be written.

    Source: https://docs.aws.amazon.com/athena/latest/ug/insert-into.html
    """
    for found in FORMATS.values():
        if found.serde == table.serde:
            break
    else:
        raise not_supported(f"INSERT INTO a table with the SERDE {table.serde or 'no SERDE'}")
    properties: Mapping[str, str] = table.glue.get("Parameters", {})
    serde: Mapping[str, str] = (
        table.glue.get("StorageDescriptor", {}).get("SerdeInfo", {}).get("Parameters", {})
    )
    written = next(
        (
            properties[key]
            for key in (found.compression_property, "write.compression", "write_compression", "compression")
            if key in properties
        ),
        None,
    )
    delimiter = serde.get("field.delim", serde.get("serialization.format", "\x01"))
    if found is TEXTFILE:
        if others := {"collection.delim", "mapkey.delim", "escape.delim", "serialization.null.format"} & {
            *serde
        }:
            raise not_supported(f"INSERT INTO a table with the SERDE property {', '.join(sorted(others))}")
        if properties.get("skip.header.line.count", "0") != "0":
            raise not_supported("INSERT INTO a table with skip.header.line.count")
        delimiter = {"1": "\x01", "\\t": "\t"}.get(delimiter, delimiter)
        return output(found.name, written, None, delimiter)
    return output(found.name, written, None, None)
