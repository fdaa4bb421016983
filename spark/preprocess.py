"""Clean the raw sales lines and describe each customer.

    spark-submit --py-files segmentation.zip preprocess.py --help

Reads CSV; publishes ``sales`` (valid lines), ``rejected_sales`` (the others, with the reason) and
``customer_features``. Nothing is published when no line is valid or too many are rejected.
"""

from __future__ import annotations

import math
from argparse import ArgumentParser
from collections.abc import Sequence

from pyspark.sql import DataFrame

from segmentation import cleaning, features, flags, raw_lines
from segmentation.cleaning import Tally
from segmentation.job import Job, UserError, run
from segmentation.outputs import publish, write_metrics
from segmentation.raw_lines import Source

#: CSV bytes that one task cleans and aggregates.
BYTES_PER_PARTITION = 64 * 2**20


def parser() -> ArgumentParser:
    """Return the parser of the job's flags."""
    flags_parser = flags.job_parser("preprocess", "Clean the raw sales lines and describe each customer.")
    flags_parser.add_argument(
        "--input", required=True, metavar="URI", help="CSV with a header: a file, a folder or a glob"
    )
    flags_parser.add_argument(
        "--max-rejected-share",
        required=True,
        type=flags.share,
        metavar="SHARE",
        help="share of rejected lines, 0 to 1, above which the job fails and publishes nothing",
    )
    return flags_parser


def main(argv: Sequence[str] | None = None) -> None:
    """Run the job; exits with code 2 and one sentence on stderr for what only the user can put right."""
    run("preprocess", preprocess, parser().parse_args(argv))


def preprocess(job: Job) -> None:
    """Read, clean, check, publish."""
    with job.stage("find"):
        sources = raw_lines.find_sources(job.spark, job.flags.input)
        _report_extra_columns(job, sources)
    with job.stage("clean"):
        marked, tally = _clean(job, sources)
        _check(job, tally, sources)
    for dataset, frame in _results(marked, tally).items():
        with job.stage(dataset):
            job.rows[dataset] = publish(frame, job.flags.processed, dataset, job.flags.run_date)
            job.log(f"{job.rows[dataset]:,} rows of {dataset} published")
    marked.unpersist()
    files = [file for source in sources for file in source.files]
    content = job.metrics(
        input={
            "files": len(files),
            "bytes": sum(file.bytes for file in files),
            "fingerprint": tally.fingerprint,
        },
        rejected=tally.rejected,
    )
    write_metrics(job.spark, job.flags.metrics, job.flags.run_date, job.name, content)


def _clean(job: Job, sources: list[Source]) -> tuple[DataFrame, Tally]:
    """Return the marked lines, kept for the several datasets made of them, and their tally."""
    marked, tally = _mark(job, sources, line_breaks=False)
    if raw_lines.OPEN_QUOTE in tally.rejected:
        job.note("a quoted field holds a line break: the input is read again, one core for each file")
        marked.unpersist()
        marked, tally = _mark(job, sources, line_breaks=True)
    job.log(f"{tally.lines:,} lines read, {tally.valid:,} valid")
    return marked, tally


def _mark(job: Job, sources: list[Source], *, line_breaks: bool) -> tuple[DataFrame, Tally]:
    size = sum(file.bytes for source in sources for file in source.files)
    # Fitted to the data: a partition that fits a task's memory, and work for every core even when the data is small.
    partitions = max(job.spark.sparkContext.defaultParallelism, math.ceil(size / BYTES_PER_PARTITION))
    lines = raw_lines.read_lines(job.spark, sources, line_breaks=line_breaks)
    marked = cleaning.mark(lines, partitions).persist()
    return marked, cleaning.tally(marked)


def _check(job: Job, tally: Tally, sources: list[Source]) -> None:
    """Report what is odd; raises UserError when the input is not good enough to publish anything."""
    repeated = tally.headers - sum(len(source.files) for source in sources)
    if repeated:
        job.note(f"{repeated:,} repeated header lines inside the files are left out")
    if tally.rejected:
        job.log(f"rejected lines by reason:\n{tally.table()}")
    if not tally.lines:
        raise UserError(f"{job.flags.input} holds no line below the header")
    if not tally.valid:
        raise UserError(
            f"none of the {tally.lines:,} lines of {job.flags.input} is valid, see the reasons above"
        )
    limit = job.flags.max_rejected_share
    if tally.rejected_share > limit:
        raise UserError(
            f"{tally.rejected_share:.2%} of the {tally.lines:,} lines are rejected, more than the limit of "
            f"{limit:.2%}: put the input right, see the reasons above, or raise --max-rejected-share"
        )


def _results(marked: DataFrame, tally: Tally) -> dict[str, DataFrame]:
    """Return the frame of each dataset."""
    assert tally.last_day is not None, "checked: at least one line is valid"
    sales = cleaning.valid(marked)
    return {
        "sales": sales,
        "rejected_sales": cleaning.rejected(marked),
        "customer_features": features.customer_features(sales, tally.last_day),
    }


def _report_extra_columns(job: Job, sources: list[Source]) -> None:
    extra = {name for source in sources for name in source.extra}
    if extra:
        job.note(f"columns that are not needed are ignored: {', '.join(sorted(extra))}")


if __name__ == "__main__":
    main()
