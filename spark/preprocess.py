"""Clean the raw sales lines and describe each customer.

    spark-submit --py-files segmentation.zip preprocess.py --help

Reads CSV; publishes ``sales`` (valid lines), ``rejected_sales`` (the others, with the reason) and
``customer_features``. Nothing is published when no line is valid or too many are rejected.
"""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Sequence
from functools import partial

from pyspark.sql import DataFrame

from segmentation import cleaning, features, filesystem, flags, outputs, raw_lines
from segmentation.cleaning import Tally
from segmentation.job import Job, UserError, run
from segmentation.raw_lines import Source


def parser() -> ArgumentParser:
    """Return the parser of the job's flags."""
    flags_parser = flags.job_parser("preprocess", "Clean the raw sales lines and describe each customer.")
    flags_parser.add_argument(
        "--input", required=True, metavar="URI", help="CSV with a header: a file, a folder or a pattern"
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
    with job.stage("sales"):
        marked, tally = _publish_sales(job, sources)
    with job.stage("rejected_sales"):
        rejected = cleaning.rejected(marked)
        # Without any, the input need not be read once more to find none.
        _publish(job, "rejected_sales", rejected if tally.rejected else rejected.limit(0))
    with job.stage("customer_features"):
        assert tally.last_day is not None, "checked: at least one line is valid"
        sales = outputs.read(job.spark, job.flags.processed, "sales", job.flags.run_date)
        _publish(job, "customer_features", features.customer_features(sales, tally.last_day))
    job.rows["sales"] = sales.count()
    if (job.rows["sales"], job.rows["rejected_sales"]) != (tally.valid, sum(tally.rejected.values())):
        raise RuntimeError(f"{job.rows} were published and {tally} was counted: the input changed meanwhile")
    files = [file for source in sources for file in source.files]
    content = job.metrics(
        input={
            "files": len(files),
            "bytes": sum(file.bytes for file in files),
            "fingerprint": tally.fingerprint,
        },
        rejected=tally.rejected,
    )
    outputs.write_metrics(job.spark, job.flags.metrics, job.flags.run_date, job.name, content)


def _publish_sales(job: Job, sources: list[Source]) -> tuple[DataFrame, Tally]:
    """Publish the valid lines, and return all lines, marked, with their tally.

    One pass over the input is enough for most. Another one takes a closer look where there is cause: line breaks
    inside quotes, and lines that are alike. Raises UserError when the input is not good enough to publish anything.
    """
    look = partial(_look, job, sources)
    uri = outputs.partition(job.flags.processed, "sales", job.flags.run_date)
    with filesystem.replacing(job.spark, uri) as staging:
        line_breaks = False
        marked, tally = look(staging, line_breaks=line_breaks, copies=False)
        if raw_lines.OPEN_QUOTE in tally.rejected:
            job.note("a quoted field holds a line break: the input is read again, one core for each file")
            line_breaks = True
            marked, tally = look(staging, line_breaks=line_breaks, copies=False)
        if tally.valid and cleaning.may_have_copies(job.spark.read.parquet(f"{staging}/*.parquet")):
            job.log("some lines look alike: the input is read again to tell copies from originals")
            marked, tally = look(staging, line_breaks=line_breaks, copies=True)
        job.log(f"{tally.lines:,} lines read, {tally.valid:,} valid")
        _check(job, tally, sources)
    return marked, tally


def _look(
    job: Job, sources: list[Source], staging: str, *, line_breaks: bool, copies: bool
) -> tuple[DataFrame, Tally]:
    """Write the valid lines to ``staging``, and return all lines, marked, with their tally."""
    marked = cleaning.mark(raw_lines.read_lines(job.spark, sources, line_breaks=line_breaks), copies=copies)
    watched, observation = cleaning.watched(marked)
    outputs.write(cleaning.valid(watched), "sales", staging)
    return marked, cleaning.tally(observation)


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
    if tally.last_day and tally.last_day.isoformat() > job.flags.run_date:
        job.note(
            f"the last order is of {tally.last_day}, after the run date; recency and tenure count to that day"
        )
    limit = job.flags.max_rejected_share
    if tally.rejected_share > limit:
        raise UserError(
            f"{tally.rejected_share:.2%} of the {tally.lines:,} lines are rejected, more than the limit of "
            f"{limit:.2%}: put the input right, see the reasons above, or raise --max-rejected-share"
        )


def _publish(job: Job, dataset: str, frame: DataFrame) -> None:
    job.rows[dataset] = outputs.publish(frame, job.flags.processed, dataset, job.flags.run_date)
    job.log(f"{job.rows[dataset]:,} rows of {dataset} published")


def _report_extra_columns(job: Job, sources: list[Source]) -> None:
    extra = {name for source in sources for name in source.extra}
    if extra:
        job.note(f"columns that are not needed are ignored: {', '.join(sorted(extra))}")


if __name__ == "__main__":
    main()
