"""Raw CSV lines as a DataFrame of text fields: any column order, nothing lost, and large files stay splittable.

A file is read as text, which Spark splits anywhere at a line's end, and each line is taken apart on its own. This is
right as long as no field holds a line break, and a line with an odd number of quotes gives such a file away (RFC 4180).
Only then the input is read again by Spark's multi-line CSV source, which takes one core for each file.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F

from segmentation import input_files
from segmentation.filesystem import File
from segmentation.schemas import RAW_COLUMNS

#: Why a line has no fields to look at.
WRONG_FIELD_COUNT, OPEN_QUOTE, STRAY_QUOTE, HEADER = (
    "wrong_field_count",
    "open_quote",
    "stray_quote",
    "header",
)

# RFC 4180, but for blanks around a field and for quotes inside a field that does not begin with one, which stand for
# themselves. Possessive, because Java's other quantifiers of a group take stack for each repetition.
_BLANKS = r"[\x00-\x09\x0b\x0c\x0e-\x20]*+"
_OPENED = r'"[^"]*+(?:""[^"]*+)*+'
_FIELD = rf'{_BLANKS}(?:{_OPENED}"{_BLANKS}|[^",\r\n][^,\r\n]*+)?+'
_WELL_QUOTED = rf"\A{_FIELD}(?:,{_FIELD})*+\z"
_LEFT_OPEN = rf"\A(?:{_FIELD},)*+{_BLANKS}{_OPENED}\z"

# A doubled quote is a quote (RFC 4180); Spark's default would be a backslash.
_OPTIONS = {
    "mode": "PERMISSIVE",
    "columnNameOfCorruptRecord": "_malformed",
    "escape": '"',
    "ignoreLeadingWhiteSpace": "true",
    "ignoreTrailingWhiteSpace": "true",
}


@dataclass(frozen=True)
class Source:
    """Files with the same header line; ``header`` holds its names as they are written there."""

    header: tuple[str, ...]
    files: tuple[File, ...]

    @property
    def columns(self) -> dict[str, int]:
        """Return the place of each column that is needed, by its snake_case name."""
        return {_key(name): place for place, name in enumerate(self.header) if _key(name) in RAW_COLUMNS}

    @property
    def extra(self) -> list[str]:
        """Return the names of the columns that are not needed."""
        return [name or "(without a name)" for name in self.header if _key(name) not in RAW_COLUMNS]


def find_sources(spark: SparkSession, uri: str) -> list[Source]:
    """Return what ``uri`` (a file, a folder or a pattern of CSV) holds, by header.

    Raises UserError when there is nothing to read, or a file that is no CSV file with all columns; see ``input_files``.
    """
    by_header: dict[tuple[str, ...], list[File]] = {}
    for file in input_files.find_files(spark, uri):
        by_header.setdefault(input_files.read_header(spark, file), []).append(file)
    return [Source(header, tuple(group)) for header, group in by_header.items()]


def read_lines(spark: SparkSession, sources: list[Source], *, line_breaks: bool) -> DataFrame:
    """Return one row for each line of ``sources``: RAW_COLUMNS as text, ``defect`` and ``source_file``.

    An empty field is null; blank lines are no lines. ``defect`` is null for a line with as many fields as its header,
    and otherwise the first of these that holds: HEADER for the header line of each file and any repetition of it;
    OPEN_QUOTE for a quote that the line does not close; STRAY_QUOTE for more text after the quote that closes a field,
    such as ``"5\\" bottle"``, where RFC 4180 wants a quote inside quotes doubled; WRONG_FIELD_COUNT (the fields there
    are, are filled in from the left).

    With ``line_breaks`` quoted fields may hold line breaks. A quote that never closes swallows the lines after it: a
    record with a line break that is not well quoted or has too many or few fields is taken apart again and each of its
    lines is an OPEN_QUOTE, so that no line goes uncounted.
    """
    frames = [_joined(spark, source) if line_breaks else _split(spark, source) for source in sources]
    lines = frames[0]
    for frame in frames[1:]:
        lines = lines.unionByName(frame)
    return lines


def _split(spark: SparkSession, source: Source) -> DataFrame:
    text = spark.read.text(_uris(source)).select("value", _source_file())
    return _fields(text, source, _quote_defect())


def _joined(spark: SparkSession, source: Source) -> DataFrame:
    # One column more than there are: so Spark finds all records malformed, and gives the text of each.
    places = [*_places(source), "_more"]
    schema = ", ".join(f"{name} string" for name in (*places, "_malformed"))
    read = spark.read.csv(_uris(source), schema=schema, multiLine=True, **_OPTIONS)
    # All but those that have that column.
    rewritten = F.concat_ws(",", *(F.concat(F.lit('"'), _doubled(place), F.lit('"')) for place in places))
    text = F.regexp_replace(F.coalesce("_malformed", rewritten), r"\r\n?", "\n")
    records = read.select(F.regexp_replace(text, r"\n\z", "").alias("value"), _source_file())
    whole = rf"\A{_FIELD}(?:,{_FIELD}){{{len(source.header) - 1}}}\z"
    swallowed = F.col("value").contains("\n") & ~F.col("value").rlike(whole)
    good = _fields(records.where(~swallowed), source, _quote_defect())
    taken_apart = records.where(swallowed).select(
        F.explode(F.split("value", "\n")).alias("value"), "source_file"
    )
    return good.unionByName(_fields(taken_apart, source, F.lit(OPEN_QUOTE)))


def _quote_defect() -> Column:
    """Return what is wrong with the quotes of the line in ``value``, null for nothing."""
    value = F.col("value")
    wrong = value.contains('"') & ~value.rlike(_WELL_QUOTED)
    return F.when(wrong & value.rlike(_LEFT_OPEN), OPEN_QUOTE).when(wrong, STRAY_QUOTE)


def _doubled(name: str) -> Column:
    """Return the field as it is written between quotes."""
    return F.replace(F.coalesce(name, F.lit("")), F.lit('"'), F.lit('""'))


def _fields(text: DataFrame, source: Source, defect: Column) -> DataFrame:
    """Return the parsed fields of the lines in ``value`` that are not blank."""
    lines = text.where("trim(value) <> ''").withColumn("pieces", F.when(_is_plain(), F.split("value", ",")))
    parsed = F.when(F.col("pieces").isNotNull(), _from_pieces(source)).otherwise(
        F.from_csv("value", _schema(source), _OPTIONS)
    )
    parts = lines.select(parsed.alias("fields"), defect.alias("found"), "source_file")
    return _select(parts.select("fields.*", "found", "source_file"), source, F.col("found"))


def _is_plain() -> Column:
    """Return whether the line means the same to a CSV parser as cut at its commas, which takes a third of the time.

    A control character may be white space to cut off, which is the parser's business.
    """
    return ~F.col("value").rlike(r'["\x00-\x1f]')


def _from_pieces(source: Source) -> Column:
    """Return what ``from_csv`` makes of a plain line, from its ``pieces``."""
    places = _places(source)
    cut = [F.trim(F.get("pieces", F.lit(place))) for place in range(len(places))]
    fields = [F.when(text != "", text).alias(name) for name, text in zip(places, cut, strict=True)]
    malformed = F.when(F.size("pieces") != len(places), F.col("value"))
    return F.struct(*fields, malformed.alias("_malformed"))


def _select(records: DataFrame, source: Source, defect: Column) -> DataFrame:
    named = [F.col(f"_{place}").alias(name) for name, place in source.columns.items()]
    is_header = F.lit(True)
    for place, name in enumerate(source.header):
        is_header &= F.col(f"_{place}").eqNullSafe(F.lit(name or None))
    defects = (F.when(is_header, HEADER), defect, F.when(F.col("_malformed").isNotNull(), WRONG_FIELD_COUNT))
    return records.select(*named, F.coalesce(*defects).alias("defect"), "source_file")


def _schema(source: Source) -> str:
    """Return the fields by place, because the names of ignored columns can be anything."""
    return ", ".join(f"{name} string" for name in (*_places(source), "_malformed"))


def _places(source: Source) -> list[str]:
    return [f"_{place}" for place in range(len(source.header))]


def _uris(source: Source) -> list[str]:
    """Return the files as Spark takes them: it reads a path as a pattern."""
    return [re.sub(r"([\[\]{}*?\\])", r"\\\1", file.uri) for file in source.files]


def _source_file() -> Column:
    """Return the file's address as it is written on S3; Spark gives it as a URI, where ``%`` stands before a code."""
    # To url_decode a + is a blank, which it is in a form but not in a path.
    return F.url_decode(F.replace(F.input_file_name(), F.lit("+"), F.lit("%2B"))).alias("source_file")


def _key(name: str) -> str:
    return name.strip().lower()
