"""Measures the local AWS and moto's own server under load: ``python -m benchmarks.local_aws``; ``make benchmark-aws``.

Each server does the same calls, and each response is compared with the expected one. A server that gives another
response to a query, such as moto's empty result, has no figure for it. Writes ``benchmarks/local_aws.md`` and the raw
results, ``benchmarks/local_aws.json``.
"""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from threading import Event, Thread
from typing import Any
from urllib.request import urlopen

import boto3
import psutil
from boto3.s3.transfer import TransferConfig
from botocore.config import Config

from localaws.testing import CREDENTIALS, LocalAws

FOLDER = Path(__file__).parent
BUCKET = "benchmark"
QUERIES, CLIENTS, CALLS, ROWS = 1000, 100, 10, 1_000_000
OBJECT_BYTES, PART_BYTES = 2**30, 16 * 2**20
SAMPLE_SECONDS = 0.1
MEBIBYTE = 2**20

Client = Callable[[str], Any]


class WrongResponse(Exception):
    """The response is not the expected one."""


@dataclass(frozen=True)
class Measured:
    """``seconds`` is None if the response was another one. ``memory`` are the bytes of the server's process at the end
    of the case, ``peak`` the most during it; ``threads`` and ``files`` are those at the end.
    """

    case: str
    server: str
    seconds: float | None
    count: int
    memory: int
    peak: int
    threads: int
    files: int
    note: str = ""


def check(is_right: bool, what: str) -> None:
    if not is_right:
        raise WrongResponse(what)


def query(client: Client, text: str) -> str:
    """Run the query and return its id."""
    athena = client("athena")
    started = athena.start_query_execution(
        QueryString=text, ResultConfiguration={"OutputLocation": f"s3://{BUCKET}/results/"}
    )["QueryExecutionId"]
    while True:
        status = athena.get_query_execution(QueryExecutionId=started)["QueryExecution"]["Status"]
        if status["State"] not in ("QUEUED", "RUNNING"):
            break
        time.sleep(0.01)
    check(status["State"] == "SUCCEEDED", f"{status['State']}: {status.get('StateChangeReason')}")
    return str(started)


def one_query(client: Client, number: int) -> None:
    result = client("athena").get_query_results(
        QueryExecutionId=query(client, f"SELECT {number} * 2 AS doubled")
    )
    rows = [[value.get("VarCharValue") for value in row["Data"]] for row in result["ResultSet"]["Rows"]]
    check(rows == [["doubled"], [str(number * 2)]], f"the result of query {number} is {rows}")


def one_object(client: Client, number: int) -> None:
    body, s3 = hashlib.sha256(str(number).encode()).digest() * 512, client("s3")
    place = {"Bucket": BUCKET, "Key": f"objects/{number}"}
    s3.put_object(**place, Body=body)
    check(s3.get_object(**place)["Body"].read() == body, f"the object {number} is another one")


def queries_in_a_row(client: Client, _: Path) -> int:
    for number in range(QUERIES):
        one_query(client, number)
    return QUERIES


def objects_in_a_row(client: Client, _: Path) -> int:
    for number in range(QUERIES):
        one_object(client, number)
    return QUERIES


def at_once(do: Callable[[Client, int], None]) -> Callable[[Client, Path], int]:
    def case(client: Client, _: Path) -> int:
        def work(first: int) -> None:
            for number in range(first, first + CALLS):
                do(client, number)

        with ThreadPoolExecutor(CLIENTS) as pool:
            list(pool.map(work, range(0, CLIENTS * CALLS, CALLS)))
        return CLIENTS * CALLS

    return case


def many_rows(client: Client, _: Path) -> int:
    thousand = "UNNEST(sequence(0, 999))"
    execution = query(client, f"SELECT a * 1000 + b AS n FROM {thousand} AS s (a), {thousand} AS t (b)")
    pages = client("athena").get_paginator("get_query_results").paginate(QueryExecutionId=execution)
    rows = (row["Data"][0].get("VarCharValue") for page in pages for row in page["ResultSet"]["Rows"])
    numbers = sorted(int(value) for value in rows if value != "n")
    check(numbers == list(range(ROWS)), f"{len(numbers)} rows by GetQueryResults")
    body = client("s3").get_object(Bucket=BUCKET, Key=f"results/{execution}.csv")["Body"]
    lines = sum(chunk.count(b"\n") for chunk in body.iter_chunks(MEBIBYTE))
    check(lines == ROWS + 1, f"{lines} lines in the CSV file")
    return ROWS


def one_put(client: Client, file: Path) -> int:
    with file.open("rb") as body:
        client("s3").put_object(Bucket=BUCKET, Key="large", Body=body)
    return OBJECT_BYTES


def multipart_upload(client: Client, file: Path) -> int:
    parts = TransferConfig(multipart_threshold=PART_BYTES, multipart_chunksize=PART_BYTES, max_concurrency=4)
    client("s3").upload_file(str(file), BUCKET, "parts", Config=parts)
    return OBJECT_BYTES


def downloads(key: str) -> Callable[[Client, Path], int]:
    def case(client: Client, file: Path) -> int:
        digest, body = hashlib.md5(), client("s3").get_object(Bucket=BUCKET, Key=key)["Body"]
        for chunk in body.iter_chunks(MEBIBYTE):
            digest.update(chunk)
        with file.open("rb") as source:
            check(digest.digest() == hashlib.file_digest(source, "md5").digest(), "other bytes")
        return OBJECT_BYTES

    return case


CASES: dict[str, Callable[[Client, Path], int]] = {
    f"{QUERIES:,} queries in a row": queries_in_a_row,
    f"{QUERIES:,} objects in a row, PUT and GET": objects_in_a_row,
    f"{CLIENTS} clients at once, {CALLS} queries each": at_once(one_query),
    f"{CLIENTS} clients at once, {CALLS} objects each, PUT and GET": at_once(one_object),
    f"a result of {ROWS:,} rows, by GetQueryResults and as CSV": many_rows,
    "1 GiB in one PUT": one_put,
    "GET of it": downloads("large"),
    "1 GiB in parts": multipart_upload,
    "GET of it, in parts": downloads("parts"),
}


@contextmanager
def local_aws(state: Path) -> Iterator[tuple[str, psutil.Process]]:
    with LocalAws(state=state) as aws:
        yield aws.endpoint_url, psutil.Process(aws.process.pid)


@contextmanager
def moto_server(state: Path) -> Iterator[tuple[str, psutil.Process]]:
    command = [sys.executable, "-c", "from moto.server import main; main(['-p', '5757'])"]
    with (state / "log").open("wb") as log, subprocess.Popen(command, stdout=log, stderr=log) as process:
        url = "http://127.0.0.1:5757"
        while True:
            try:
                urlopen(f"{url}/moto-api/data.json").close()
                break
            except OSError:
                time.sleep(0.1)
        try:
            yield url, psutil.Process(process.pid)
        finally:
            process.terminate()


SERVERS = {"local AWS": local_aws, "moto's server": moto_server}


def clients(url: str) -> Client:
    options: dict[str, Any] = {
        "endpoint_url": url,
        "region_name": "us-east-1",
        "config": Config(max_pool_connections=CLIENTS, read_timeout=600, retries={"total_max_attempts": 1}),
        **CREDENTIALS,
    }
    made = {service: boto3.client(service, **options) for service in ("athena", "s3")}
    return made.__getitem__


def measure(case: str, server: str, client: Client, process: psutil.Process, file: Path) -> Measured:
    ended, peak = Event(), 0

    def watch() -> None:
        nonlocal peak
        while not ended.wait(SAMPLE_SECONDS):
            peak = max(peak, process.memory_info().rss)

    watcher = Thread(target=watch)
    watcher.start()
    began, seconds, count, note = time.monotonic(), None, 0, ""
    try:
        count = CASES[case](client, file)
        seconds = time.monotonic() - began
    except Exception as error:  # noqa: BLE001 - the table says what happened
        note = f"{type(error).__name__}: {error}".splitlines()[0][:200]
    ended.set()
    watcher.join()
    memory = process.memory_info().rss
    return Measured(
        case,
        server,
        seconds,
        count,
        memory,
        max(peak, memory),
        process.num_threads(),
        process.num_fds(),
        note,
    )


def run() -> list[Measured]:
    measured = []
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "large"
        with file.open("wb") as output:
            for number in range(OBJECT_BYTES // MEBIBYTE):
                output.write(hashlib.sha256(str(number).encode()).digest() * (MEBIBYTE // 32))
        for name, server in SERVERS.items():
            state = Path(folder) / name.replace(" ", "-")
            state.mkdir()
            with server(state) as (url, process):
                client = clients(url)
                client("s3").create_bucket(Bucket=BUCKET)
                for case in CASES:
                    measured.append(measure(case, name, client, process, file))
                    print(measured[-1], flush=True)
    return measured


def render(measured: Sequence[Measured]) -> str:
    by_key = {(each.case, each.server): each for each in measured}
    first, second = SERVERS
    lines = [
        f"| case | {first} | {second} | memory of the {first}, most and at the end | its threads | its files |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for case in CASES:
        own, other = by_key[case, first], by_key[case, second]
        memory = f"{own.peak // MEBIBYTE:,} and {own.memory // MEBIBYTE:,} MiB"
        lines.append(
            f"| {case} | {_figure(own)} | {_figure(other)} | {memory} | {own.threads} | {own.files} |"
        )
    return "\n".join(lines)


def _figure(each: Measured) -> str:
    if each.seconds is None:
        return f"another response: {each.note.removeprefix('WrongResponse: ')}"
    if each.count == OBJECT_BYTES:
        return f"{each.count / MEBIBYTE / each.seconds:,.0f} MiB a second"
    return f"{each.count / each.seconds:,.0f} a second"


def main() -> None:
    measured = run()
    (FOLDER / "local_aws.json").write_text(json.dumps([asdict(each) for each in measured], indent=1) + "\n")
    page = FOLDER / "local_aws.md"
    text = page.read_text(encoding="utf-8")
    start, end = text.index("| case |"), text.index("\n\n", text.index("| case |"))
    page.write_text(text[:start] + render(measured) + text[end:], encoding="utf-8")


if __name__ == "__main__":
    main()
