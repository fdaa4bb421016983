"""Clean the raw sales lines and compute the features of each customer.

    spark-submit --py-files segmentation.zip preprocess.py --help

Reads CSV; publishes ``sales`` (valid lines), ``rejected_sales`` (the others, with the reason) and
``customer_features``. Nothing is published if no line is valid or too many lines are rejected; the rejected lines are
then in a folder of the metrics.
"""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from segmentation import cleaning, features, filesystem, raw_lines, returns
from segmentation.cleaning import LineCounts
from segmentation.errors import UserError
from segmentation.flags import JobFlags, flag, flag_parser, share
from segmentation.job import Job, run
from segmentation.lake import write_parquet
from segmentation.mapping import load_mapping, mapping_flag
from segmentation.raw_lines import Source
from segmentation.schemas import OPTIONAL_COLUMNS, RAW_COLUMNS

SAMPLES = 3
"""The number of rejected lines in the error message, each with another reason."""

SAMPLE_LENGTH = 150
"""Characters of a rejected line in the error message."""


@dataclass(frozen=True, kw_only=True)
class Flags(JobFlags):
    """The flags of the job."""

    input: str = flag(str, "URI", "CSV with a header: a file, a folder or a pattern")
    mapping: Mapping[str, Any] = flag(
        mapping_flag, "JSON", "how the files differ from the original data, percent-encoded, or none"
    )
    max_rejected_share: float = flag(
        share, "SHARE", "share of rejected lines, 0 to 1, above which the job fails and publishes nothing"
    )


def parser() -> ArgumentParser:
    """Return the parser of the flags."""
    return flag_parser(
        "preprocess", "Clean the raw sales lines and compute the features of each customer.", Flags
    )


def main(argv: Sequence[str] | None = None) -> None:
    """Run the job; exits with code 2 and one sentence on stderr for an error that only the user can correct."""
    run("preprocess", preprocess, Flags(**vars(parser().parse_args(argv))))


def preprocess(job: Job[Flags]) -> None:
    """Read, clean, check, publish."""
    with job.stage("find"):
        sources = raw_lines.find_sources(job.lake.spark, job.flags.input, load_mapping(job.flags.mapping))
        _note_columns(job, sources)
        filesystem.delete(job.lake.spark, _rejected_uri(job))
    with job.stage("sales"):
        lines, counts = _publish_sales(job, sources)
    rejected = cleaning.rejected(lines)
    # Without rejected lines, the input is not read again.
    job.publish("rejected_sales", rejected if counts.rejected else rejected.limit(0))
    assert counts.last_day is not None, "checked: at least one line is valid"
    sales = job.lake.read("sales")
    if sources[0].mapping.returns == "net":
        customers = returns.net_features(sales, counts.last_day)
    else:
        customers = features.customer_features(sales, counts.last_day)
    job.publish("customer_features", customers)
    job.rows["sales"] = sales.count()
    if (job.rows["sales"], job.rows["rejected_sales"]) != (counts.valid, sum(counts.rejected.values())):
        raise RuntimeError(
            f"{job.rows} were published and {counts} were counted: the input changed meanwhile"
        )
    files = [file for source in sources for file in source.files]
    job.write_metrics(
        input={
            "files": len(files),
            "bytes": sum(file.bytes for file in files),
            "fingerprint": counts.fingerprint,
        },
        rejected=counts.rejected,
    )


def _publish_sales(job: Job[Flags], sources: list[Source]) -> tuple[DataFrame, LineCounts]:
    """Publish the valid lines; return all lines with their reasons, and their counts.

    One pass over the input is enough for most inputs. Line breaks inside quotes and lines that look like duplicates
    each need another pass. Raises UserError if the input is not good enough to publish anything.
    """
    with job.lake.staging("sales") as staging:
        line_breaks = False
        lines, counts = _write_valid(job, sources, staging, line_breaks=line_breaks, duplicates=False)
        if raw_lines.OPEN_QUOTE in counts.rejected:
            job.note("a quoted field holds a line break: the input is read again, one core for each file")
            line_breaks = True
            lines, counts = _write_valid(job, sources, staging, line_breaks=line_breaks, duplicates=False)
        written = f"{staging}/*.parquet"
        if counts.valid and cleaning.may_have_duplicates(job.lake.spark.read.parquet(written), counts.valid):
            job.log("some lines look alike: the input is read again to find duplicates")
            lines, counts = _write_valid(job, sources, staging, line_breaks=line_breaks, duplicates=True)
        job.log(f"{counts.lines:,} lines read, {counts.valid:,} valid")
        _check(job, lines, counts, sources)
    return lines, counts


def _write_valid(
    job: Job[Flags],
    sources: list[Source],
    staging: str,
    *,
    line_breaks: bool,
    duplicates: bool,
) -> tuple[DataFrame, LineCounts]:
    """Write the valid lines to ``staging``; return all lines with their reasons, and their counts."""
    raw = raw_lines.read_lines(job.lake.spark, sources, line_breaks=line_breaks)
    lines = cleaning.classify(raw, duplicates=duplicates, mapping=sources[0].mapping)
    # Spark pushes no filter below the observation. Without it, the filter of ``rejected`` would hold all rules with all
    # parsed values written out, about 300 KB, and evaluate them for each line.
    lines, observation = cleaning.observe(lines)
    write_parquet(cleaning.valid(lines), "sales", staging)
    return lines, cleaning.line_counts(observation)


def _check(job: Job[Flags], lines: DataFrame, counts: LineCounts, sources: list[Source]) -> None:
    """Report unusual input; raises UserError if the input is not good enough to publish anything."""
    repeated = counts.headers - sum(len(source.files) for source in sources)
    if repeated:
        job.note(f"{repeated:,} repeated header lines inside the files are ignored")
    if counts.rejected:
        job.log(f"rejected lines by reason:\n{counts.table(sources[0].mapping)}")
    if not counts.lines:
        raise UserError(f"{job.flags.input} has no line below the header")
    if not counts.valid:
        raise UserError(
            f"none of the {counts.lines:,} lines of {job.flags.input} is valid: {_keep_rejected(job, lines)}"
        )
    if counts.last_day and counts.last_day.isoformat() > job.flags.run_date:
        job.note(
            f"the last order is on {counts.last_day}, after the run date; recency and tenure are counted to that day"
        )
    if counts.returned:
        job.note(f"{counts.returned:,} returns are set aside in rejected_sales, as the mapping says")
    limit = job.flags.max_rejected_share
    if counts.rejected_share > limit:
        raise UserError(
            f"{counts.rejected_share:.2%} of the {counts.lines:,} lines are rejected, more than the limit of "
            f"{limit:.2%}: correct the input, or start a run with a higher Maximum share of rejected lines; "
            f"{_keep_rejected(job, lines)}"
        )


def _keep_rejected(job: Job[Flags], lines: DataFrame) -> str:
    """Write the rejected lines as CSV beside the metrics; return where they are, with one line of each reason."""
    uri = _rejected_uri(job)
    rejected = cleaning.rejected(lines)
    rejected.write.options(header=True, escape='"').mode("overwrite").csv(uri)
    written = job.lake.spark.read.csv(uri, schema=rejected.schema, header=True, escape='"', multiLine=True)
    samples = written.groupBy("reason").agg(F.count("*").alias("lines"), F.first(F.struct("*")).alias("line"))
    texts = [
        f"{row.reason}: {','.join(str(row.line[name] or '') for name in RAW_COLUMNS)[:SAMPLE_LENGTH]!r}"
        for row in samples.orderBy(F.desc("lines"), "reason").limit(SAMPLES).collect()
    ]
    return f"the rejected lines are in {uri}/, for example {'; '.join(texts)}"


def _rejected_uri(job: Job[Flags]) -> str:
    return f"{job.lake.metrics_folder}/rejected_lines"


def _note_columns(job: Job[Flags], sources: list[Source]) -> None:
    extra = {name for source in sources for name in source.extra}
    if extra:
        job.note(f"unknown columns are ignored: {', '.join(sorted(extra))}")
    for name in sources[0].mapping.without:
        job.note(f"the files have no {name}: {OPTIONAL_COLUMNS[name]}")


if __name__ == "__main__":
    main()
