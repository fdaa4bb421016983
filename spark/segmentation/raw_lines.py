"""Raw CSV lines as a DataFrame of text fields, in any column order; no line is lost, and large files are splittable.

A file is read as text, so that Spark can split it at any line end, and each line is parsed separately. This is correct
as long as no field holds a line break. If a field does, its first line does not close a quote (RFC 4180). Only then the
input is read again by Spark's multi-line CSV source, which uses one core for each file. See ADR 14.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F

from segmentation import input_files
from segmentation.filesystem import File
from segmentation.mapping import ORIGINAL, InputMapping
from segmentation.schemas import RAW_COLUMNS

#: Defects of a line as a whole.
WRONG_FIELD_COUNT, OPEN_QUOTE, STRAY_QUOTE, HEADER = (
    "wrong_field_count",
    "open_quote",
    "stray_quote",
    "header",
)

# Inside quotes, a quote is written twice (RFC 4180); Spark's default escape is a backslash.
_OPTIONS = {
    "mode": "PERMISSIVE",
    "columnNameOfCorruptRecord": "_malformed",
    "escape": '"',
    "ignoreLeadingWhiteSpace": "true",
    "ignoreTrailingWhiteSpace": "true",
}

_C1 = "".join(map(chr, range(0x80, 0xA0)))
"""Where iso-8859-1 has control characters and windows-1252 has letters and signs."""


class _Syntax:
    """The regular expressions of a line: RFC 4180 with any delimiter.

    Except that blanks around a field are allowed, and quotes inside a field that does not begin with one.
    """

    def __init__(self, delimiter: str) -> None:
        split = re.escape(delimiter)
        # Without the tab if it is the delimiter. An intersection of classes would be slow.
        low = r"\x00-\x08" if delimiter == "\t" else r"\x00-\x09"
        # Possessive, because Java's other quantifiers of a group use the stack for each repetition.
        blanks = rf"[{low}\x0b\x0c\x0e-\x20]*+"
        opened = r'"[^"]*+(?:""[^"]*+)*+'
        self.delimiter = split
        self.field = rf'{blanks}(?:{opened}"{blanks}|[^"{split}\r\n][^{split}\r\n]*+)?+'
        self.well_quoted = rf"\A{self.field}(?:{split}{self.field})*+\z"
        self.left_open = rf"\A(?:{self.field}{split})*+{blanks}{opened}\z"
        self.not_plain = r'["\x00-\x08\x0a-\x1f]' if delimiter == "\t" else r'["\x00-\x1f]'


@dataclass(frozen=True)
class Source:
    """Files with the same header line; ``header`` has the column names as they are written in it."""

    header: tuple[str, ...]
    files: tuple[File, ...]
    mapping: InputMapping = ORIGINAL

    @property
    def columns(self) -> dict[str, int]:
        """The index of each of RAW_COLUMNS that the files have, by its snake_case name."""
        names = self.mapping.names
        return {names[_key(name)]: index for index, name in enumerate(self.header) if _key(name) in names}

    @property
    def extra(self) -> list[str]:
        """The names of all other columns."""
        names = self.mapping.names
        return [name or "(without a name)" for name in self.header if _key(name) not in names]


def find_sources(spark: SparkSession, uri: str, mapping: InputMapping = ORIGINAL) -> list[Source]:
    """Return the CSV files at ``uri`` (a file, a folder or a pattern), grouped by header.

    Raises UserError if there is no file, or if one is not a CSV file with all columns; see ``input_files``.
    """
    by_header: dict[tuple[str, ...], list[File]] = {}
    for file in input_files.find_files(spark, uri):
        by_header.setdefault(input_files.read_header(spark, file, mapping), []).append(file)
    return [Source(header, tuple(group), mapping) for header, group in by_header.items()]


def read_lines(spark: SparkSession, sources: list[Source], *, line_breaks: bool) -> DataFrame:
    """Return one row for each line of ``sources``: RAW_COLUMNS as text, ``defect`` and ``source_file``.

    An empty field is null; blank lines are skipped. ``defect`` is null for a line with as many fields as its header,
    otherwise the first of these that applies:

    - HEADER: the header line of a file, or a repetition of it
    - OPEN_QUOTE: a quote that the line does not close
    - STRAY_QUOTE: text after the quote that closes a field, as in ``"5\\" bottle"``, in RFC 4180 ``"5"" bottle"``
    - WRONG_FIELD_COUNT: more or fewer fields than the header; the existing fields are filled in from the left

    With ``line_breaks``, quoted fields may hold line breaks. A quote that is never closed would then include the lines
    after it. So a record with a line break that is not well quoted, or that has a wrong number of fields, is split into
    its lines again, and each of them has the defect OPEN_QUOTE: every line is counted.
    """
    frames = [
        _read_records(spark, source) if line_breaks else _read_by_line(spark, source) for source in sources
    ]
    lines = frames[0]
    for frame in frames[1:]:
        lines = lines.unionByName(frame)
    return lines


def _read_by_line(spark: SparkSession, source: Source) -> DataFrame:
    text = spark.read.text(_uris(source)).select("value", _source_file())
    encoding = source.mapping.encoding
    if encoding != "utf-8":
        # The text source splits the bytes at line ends, which all encodings of ENCODINGS share, and decodes nothing.
        decoded = F.decode(F.col("value").cast("binary"), "ISO-8859-1")
        text = text.withColumn("value", _from_latin_1(decoded, encoding))
    syntax = _Syntax(source.mapping.delimiter)
    return _fields(text, source, syntax, _quote_defect(syntax))


def _read_records(spark: SparkSession, source: Source) -> DataFrame:
    syntax, mapping = _Syntax(source.mapping.delimiter), source.mapping
    # One column more than the header has: Spark then treats all records as malformed and returns their text.
    names = [*_field_names(source), "_more"]
    schema = ", ".join(f"{name} string" for name in (*names, "_malformed"))
    encoding = "UTF-8" if mapping.encoding == "utf-8" else "ISO-8859-1"
    options = _OPTIONS | {"sep": mapping.delimiter, "encoding": encoding}
    read = spark.read.csv(_uris(source), schema=schema, multiLine=True, **options)
    # Records that do have this column are not malformed: their text is composed again.
    quoted = (F.concat(F.lit('"'), _doubled(name), F.lit('"')) for name in names)
    rewritten = F.concat_ws(mapping.delimiter, *quoted)
    text = F.regexp_replace(F.coalesce("_malformed", rewritten), r"\r\n?", "\n")
    text = F.regexp_replace(text, r"\n\z", "")
    if mapping.encoding != "utf-8":
        text = _from_latin_1(text, mapping.encoding)
    records = read.select(text.alias("value"), _source_file())
    whole = rf"\A{syntax.field}(?:{syntax.delimiter}{syntax.field}){{{len(source.header) - 1}}}\z"
    broken = F.col("value").contains("\n") & ~F.col("value").rlike(whole)
    good = _fields(records.where(~broken), source, syntax, _quote_defect(syntax))
    separated = records.where(broken).select(F.explode(F.split("value", "\n")).alias("value"), "source_file")
    return good.unionByName(_fields(separated, source, syntax, F.lit(OPEN_QUOTE)))


def _from_latin_1(text: Column, encoding: str) -> Column:
    """Return the text that was decoded as ISO-8859-1 in the ``encoding``, U+FFFD for bytes that it does not have.

    Spark 4 decodes windows-1252 only with a legacy setting.
    """
    meant = (
        bytes(map(ord, _C1)).decode(encoding, "replace") if encoding != "iso-8859-1" else "\ufffd" * len(_C1)
    )
    return F.translate(text, _C1, meant)


def _quote_defect(syntax: _Syntax) -> Column:
    """Return the defect in the quotes of the line in ``value``, null if there is none."""
    value = F.col("value")
    wrong = value.contains('"') & ~value.rlike(syntax.well_quoted)
    return F.when(wrong & value.rlike(syntax.left_open), OPEN_QUOTE).when(wrong, STRAY_QUOTE)


def _doubled(name: str) -> Column:
    """Return the field with each quote doubled."""
    return F.replace(F.coalesce(name, F.lit("")), F.lit('"'), F.lit('""'))


def _fields(text: DataFrame, source: Source, syntax: _Syntax, defect: Column) -> DataFrame:
    """Return the parsed fields of the lines in ``value`` that are not blank."""
    # Splitting a plain line gives the same as a CSV parser, in a third of the time. Lines with control characters go to
    # the parser, which decides whether they are white space to trim.
    is_plain = ~F.col("value").rlike(syntax.not_plain)
    parts = F.when(is_plain, F.split("value", syntax.delimiter))
    lines = text.where("trim(value) <> ''").withColumn("parts", parts)
    options = _OPTIONS | {"sep": source.mapping.delimiter}
    parsed = F.when(F.col("parts").isNotNull(), _from_parts(source)).otherwise(
        F.from_csv("value", _schema(source), options)
    )
    nested = lines.select(parsed.alias("fields"), defect.alias("found"), "source_file")
    return _select(nested.select("fields.*", "found", "source_file"), source, F.col("found"))


def _from_parts(source: Source) -> Column:
    """Return the result of ``from_csv`` for a plain line, from its ``parts``."""
    names = _field_names(source)
    trimmed = [F.trim(F.get("parts", F.lit(index))) for index in range(len(names))]
    fields = [F.when(text != "", text).alias(name) for name, text in zip(names, trimmed, strict=True)]
    malformed = F.when(F.size("parts") != len(names), F.col("value"))
    return F.struct(*fields, malformed.alias("_malformed"))


def _select(records: DataFrame, source: Source, defect: Column) -> DataFrame:
    columns = source.columns
    named = [
        (F.col(f"_{columns[name]}") if name in columns else F.lit(None).cast("string")).alias(name)
        for name in RAW_COLUMNS
    ]
    is_header = F.lit(True)
    for index, name in enumerate(source.header):
        is_header &= F.col(f"_{index}").eqNullSafe(F.lit(name or None))
    defects = (F.when(is_header, HEADER), defect, F.when(F.col("_malformed").isNotNull(), WRONG_FIELD_COUNT))
    return records.select(*named, F.coalesce(*defects).alias("defect"), "source_file")


def _schema(source: Source) -> str:
    """Return the schema of ``from_csv``."""
    return ", ".join(f"{name} string" for name in (*_field_names(source), "_malformed"))


def _field_names(source: Source) -> list[str]:
    """Return a name for each field by its index, because unknown columns can have any name."""
    return [f"_{index}" for index in range(len(source.header))]


def _uris(source: Source) -> list[str]:
    """Return the addresses of the files with special characters escaped: Spark reads a path as a pattern."""
    return [re.sub(r"([\[\]{}*?\\])", r"\\\1", file.uri) for file in source.files]


def _source_file() -> Column:
    """Return the address of the file as on S3; Spark returns it with percent-encoding."""
    # url_decode would turn a + into a blank, as in a form.
    return F.url_decode(F.replace(F.input_file_name(), F.lit("+"), F.lit("%2B"))).alias("source_file")


def _key(name: str) -> str:
    return name.strip().lower()
