"""The task ``check_input`` and the Spark job resolve an input address in the same way, as in docs/input.md.

Each case runs on both sides: the task with the S3 of the local AWS, and the job with Spark and the same objects.
"""

from __future__ import annotations

import bz2
import gzip
from collections.abc import Iterator
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.sdk.exceptions import AirflowFailException
from pyspark.sql import SparkSession

from emr_pipeline.operators.check_input import CheckInputOperator
from sales_segmentation.datasets import INPUT_COLUMNS
from segmentation.errors import UserError
from segmentation.raw_lines import find_sources, read_lines
from tests.conftest import connected

BUCKET = "contract"

RAW_COLUMNS = INPUT_COLUMNS.names
HEADER = ",".join(RAW_COLUMNS)
LINE = "ORD1,CUS1,B2B,Evian,Water,1.50,10,0.1,13.50,Bayern,23-08-2023"
CSV = f"{HEADER}\n{LINE}\n".encode()
OTHER = b"neither header nor lines"
EMPTY = b""
NO_FILE = "no CSV file at "


@dataclass(frozen=True)
class Case:
    """Objects by key, an address, and either the keys that are read or a part of the error message."""

    name: str
    objects: dict[str, bytes]
    address: str
    reads: frozenset[str] = frozenset()
    refused: str = ""


def reads(name: str, objects: dict[str, bytes], address: str, *keys: str) -> Case:
    """Return a case in which these keys are read, or all keys if none are given."""
    return Case(name, objects, address, reads=frozenset(keys or objects))


def refuses(name: str, objects: dict[str, bytes], address: str, words: str) -> Case:
    return Case(name, objects, address, refused=words)


def each(*keys: str, content: bytes = CSV) -> dict[str, bytes]:
    return dict.fromkeys(keys, content)


YEAR = each("2026-01.csv", "2026-02.csv", "2026-03.csv")
UNUSUAL = each(
    "uni/Verkäufe März+1 %20.csv", "uni/a#b&c=d.csv", "uni/日本 %25.csv", "uni/{x},y.csv", "uni/b\\s.csv"
)
SALES_1 = "sales [1].csv"

CASES = [
    # How an address is resolved
    reads("file of any name", each("notes", "sales.csv"), "notes", "notes"),
    reads("folder and the folders below it", each("a.csv", "deep/er/b.csv") | each("notes.txt", content=OTHER), "",
          "a.csv", "deep/er/b.csv"),
    reads("folder without a final slash", each("in/a.csv"), "in"),
    reads("not a folder whose name only begins like this", each("in/a.csv", "in2/b.csv"), "in", "in/a.csv"),
    reads("capital letters in a folder", each("SALES.CSV", "Sales.Csv"), ""),
    reads("star", each("a.csv", "b.csv") | each("c.txt", content=OTHER), "*.csv", "a.csv", "b.csv"),
    reads("star does not match a slash", each("a.csv", "deep/b.csv"), "*.csv", "a.csv"),
    reads("star matches only CSV files", each("a.csv") | each("c.txt", content=OTHER), "*", "a.csv"),
    reads("star matches folders", each("2026-01/a.csv", "2026-02/deep/b.csv", "2025-01/c.csv"), "2026-*",
          "2026-01/a.csv", "2026-02/deep/b.csv"),
    reads("star in the middle", each("north/1.csv", "south/1.csv", "south/2.csv"), "*/1.csv",
          "north/1.csv", "south/1.csv"),
    refuses("only files in deeper folders", each("deep/old/x.csv"), "deep/*.csv", NO_FILE),
    reads("question mark", YEAR | each("2026-010.csv"), "2026-0?.csv", *YEAR),
    reads("set", YEAR, "2026-0[12].csv", "2026-01.csv", "2026-02.csv"),
    reads("range", YEAR, "2026-0[2-3].csv", "2026-02.csv", "2026-03.csv"),
    reads("all but a set", YEAR, "2026-0[!3].csv", "2026-01.csv", "2026-02.csv"),
    reads("all but a set in Hadoop syntax", YEAR, "2026-0[^3].csv", "2026-01.csv", "2026-02.csv"),
    reads("dot matches only a dot", each("a.csv", "axcsv"), "[a].csv", "a.csv"),
    reads("a pattern is case-sensitive", each("a.csv", "A.csv"), "a*", "a.csv"),
    reads("name that looks like a pattern", each(SALES_1), SALES_1),
    reads("a name has precedence over a pattern", each(SALES_1, "sales 1.csv"), SALES_1, SALES_1),
    reads("pattern without a file of that name", each("sales 1.csv"), SALES_1),
    reads("name with a question mark", each("what?.csv", "whats.csv"), "what?.csv", "what?.csv"),
    reads("unusual names in a folder", UNUSUAL, "uni/"),
    reads("single file with an unusual name", UNUSUAL, "uni/Verkäufe März+1 %20.csv", "uni/Verkäufe März+1 %20.csv"),
    refuses("no objects", {}, "sales.csv", NO_FILE),
    refuses("folder without CSV", each("in/notes.txt", content=OTHER), "in/", NO_FILE),
    refuses("empty part in the address", each("in/a.csv"), "in//a.csv", "has a part that is empty"),
    refuses("dots in the address", each("in/a.csv"), "in/../in/a.csv", "has a part that is empty, . or .."),
    # Names that Spark skips, and names that Hadoop does not support
    reads("markers in a folder", each("a.csv") | each(".b.csv", "_SUCCESS", "mark/", content=EMPTY), "",
          "a.csv"),
    reads("markers under a star", each("a.csv") | each(".b.csv", "_c.csv", "mark/", content=EMPTY), "*",
          "a.csv"),
    reads("hidden folder", each("a.csv", "_temporary/0/b.csv"), "", "a.csv"),
    reads("hidden folder by name", each("_old/a.csv"), "_old/"),
    refuses("hidden file by name", each("_a.csv"), "_a.csv", "_a.csv is hidden from Spark"),
    refuses("colon by name", each("at 10:00.csv"), "at 10:00.csv", "10:00.csv has a colon in its name"),
    refuses("colon under a star", each("a.csv", "at 10:00.csv"), "*.csv", "10:00.csv has a colon in its name"),
    refuses("colon in a folder", each("in/at 10:00/a.csv"), "in", "has a colon in its name"),
    reads("colon in a file that does not match", each("a.csv", "at 10:00.txt"), "*.csv", "a.csv"),
    # Compressed files
    reads("gzip and bzip2 by name", {"a.csv.gz": gzip.compress(CSV)}, "a.csv.gz"),
    reads("bzip2 by name", {"a.csv.bz2": bz2.compress(CSV)}, "a.csv.bz2"),
    reads("compressed file of any name", {"a.gz": gzip.compress(CSV)}, "a.gz"),
    reads("compressed in a folder", {"a.csv": CSV, "b.csv.gz": gzip.compress(CSV), "c.CSV.bz2": bz2.compress(CSV)},
          ""),
    reads("gzip in several members", {"a.csv.gz": gzip.compress(CSV[:20]) + gzip.compress(CSV[20:])}, "a.csv.gz"),
    refuses("upper-case suffix", {"a.csv.GZ": gzip.compress(CSV)}, "", "is packed in a way that is not read"),
    refuses("other compression", {"a.csv.zst": OTHER}, "a.csv.zst", "only .gz and .bz2 are, in lower case"),
    refuses("not gzip despite its name", {"a.csv.gz": CSV}, "", "a.csv.gz cannot be unpacked"),
    # Hadoop reads nothing from it and gives no reason.
    refuses("not bzip2 despite its name", {"a.csv.bz2": CSV}, "", "a.csv.bz2 "),
    refuses("bzip2 cut off", {"a.csv.bz2": bz2.compress(CSV)[:-20]}, "", "a.csv.bz2 cannot be unpacked"),
    refuses("gzip without the suffix", {"a.csv": gzip.compress(CSV)}, "a.csv", "is not text in UTF-8"),
    refuses("empty compressed file", {"a.csv.gz": gzip.compress(b"")}, "", "a.csv.gz is empty"),
    # Headers
    reads("lower-case header", {"a.csv": CSV.lower()}, "a.csv"),
    reads("other order, more columns", {"a.csv": ",".join(reversed(["Shop", *RAW_COLUMNS])).encode()}, "a.csv"),
    reads("quotes and blanks", {"a.csv": ", ".join(f'"{name}"' for name in RAW_COLUMNS).encode()}, "a.csv"),
    reads("line ends of CR", {"a.csv": CSV.replace(b"\n", b"\r")}, "a.csv"),
    reads("line ends of CR LF, byte-order mark", {"a.csv": b"\xef\xbb\xbf" + CSV.replace(b"\n", b"\r\n")}, "a.csv"),
    refuses("empty file by name", {"a.csv": EMPTY}, "a.csv", "a.csv is empty"),
    refuses("empty file among others", {"a.csv": CSV, "b.csv": EMPTY}, "", "b.csv is empty"),
    refuses("empty first line", {"a.csv": b"\n" + CSV}, "a.csv", "a.csv is empty: its first line must be the header"),
    refuses("column missing", {"a.csv": CSV, "b.csv": CSV.replace(b"Region", b"Land")}, "",
            "b.csv lacks the column Region: its header is 'Order_ID,"),
    refuses("columns missing", {"a.csv": b"Order_ID,Region"}, "", "lacks the columns Customer_ID, Customer_Type, "),
    refuses("column twice", {"a.csv": f"{HEADER},region".encode()}, "", "has the column Region more than once"),
    refuses("UTF-16", {"a.csv": CSV.decode().encode("utf-16")}, "a.csv", "is not text in UTF-8"),
    refuses("first line too long", {"a.csv": b"x" * 70_000}, "a.csv", "has a first line of more than 65,536 bytes"),
]  # fmt: skip


@pytest.fixture(scope="module")
def client(local_aws: Any) -> Iterator[Any]:
    """An S3 client with a bucket for the cases, and the Airflow connection to it."""
    s3 = local_aws.client("s3")
    s3.create_bucket(Bucket=BUCKET)
    with connected(local_aws):
        yield s3


@pytest.fixture(scope="module")
def spark_on_s3(spark: SparkSession, local_aws: Any, client: Any) -> SparkSession:
    """Spark that reads the bucket like the jobs of the local AWS: as a folder in which the objects are files."""
    mount = f"s3://{local_aws.state}/s3/{BUCKET}"
    spark.sparkContext._jsc.hadoopConfiguration().set(f"fs.viewfs.mounttable.{BUCKET}.linkFallback", mount)
    return spark


@pytest.fixture(params=CASES, ids=lambda case: case.name)
def case(request: pytest.FixtureRequest, client: Any) -> Case:
    found: Case = request.param
    for key, content in found.objects.items():
        client.put_object(Bucket=BUCKET, Key=f"{found.name}/{key}", Body=content)
    return found


def uri(case: Case, key: str) -> str:
    return f"s3://{BUCKET}/{case.name}/{key}"


def test_the_task_accepts_or_refuses_the_address(case: Case) -> None:
    check = CheckInputOperator(task_id="check_input", uri=uri(case, case.address), columns=INPUT_COLUMNS)
    if case.refused:
        with pytest.raises(AirflowFailException) as refusal:
            check.execute(SimpleNamespace())  # type: ignore[arg-type]
        assert case.refused in str(refusal.value)
    else:
        assert check.execute(SimpleNamespace()) == sum(len(case.objects[key]) for key in case.reads)  # type: ignore[arg-type]


def test_the_job_reads_or_refuses_the_same_files(case: Case, spark_on_s3: SparkSession) -> None:
    if case.refused:
        with pytest.raises(UserError) as refusal:
            find_sources(spark_on_s3, uri(case, case.address))
        assert case.refused in str(refusal.value)
    else:
        sources = find_sources(spark_on_s3, uri(case, case.address))
        lines = read_lines(spark_on_s3, sources, line_breaks=False).select("defect", "source_file").collect()
        assert {row.source_file for row in lines} == {uri(case, key) for key in case.reads}
        assert {row.defect for row in lines} <= {None, "header"}
