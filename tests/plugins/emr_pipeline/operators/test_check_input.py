"""The check of the input. How an address is resolved is tested in tests/contracts/test_input.py."""

from __future__ import annotations

import gzip
import json
import random
from collections.abc import Callable
from typing import Any
from urllib.parse import unquote

import pytest
from airflow.sdk.exceptions import AirflowFailException

from emr_pipeline.input_files import MAX_READ_BYTES, InputError, InputFiles
from emr_pipeline.mapping import InputColumn, InputColumns
from emr_pipeline.operators.check_input import CheckInputOperator

Context = Callable[..., Any]

HEADER = "Order_ID,Region"


def put(aws: Any, key: str, content: bytes) -> str:
    aws.client("s3").put_object(Bucket="operators", Key=key, Body=content)
    return f"s3://operators/{key}"


def check(uri: str, **kwargs: Any) -> CheckInputOperator:
    columns = InputColumns([InputColumn("Order_ID"), InputColumn("Region", without="nothing")])
    return CheckInputOperator(task_id="check_input", uri=uri, columns=columns, **kwargs)


def test_the_size_of_all_files_is_returned(aws: Any, run: Context) -> None:
    first, second = f"{HEADER}\n1,Bremen\n".encode(), f"{HEADER}\n".encode()
    put(aws, "raw/many/a.csv", first)
    put(aws, "raw/many/b.csv", second)
    assert check("s3://operators/raw/many/").execute(run()) == len(first) + len(second)


def test_a_missing_column_is_refused(aws: Any, run: Context) -> None:
    uri = put(aws, "raw/narrow.csv", b"Order_ID,Total\n1,2\n")
    with pytest.raises(AirflowFailException, match=r"narrow\.csv lacks the column Region: its header is"):
        check(uri).execute(run())


OWN = "Beleg;Größe\n1;2\n".encode("windows-1252")
MAPPING = "columns: {Order_ID: Beleg, Region: Größe}\nseparator: ;\nencoding: windows-1252\n"


def test_a_file_in_another_format_is_accepted_with_a_mapping(aws: Any, run: Context) -> None:
    uri = put(aws, "raw/own.csv", OWN)
    address = put(aws, "raw/mapping.yaml", MAPPING.encode())
    for mapping in (MAPPING, address):
        context = run()
        assert check(uri, mapping=mapping).execute(context) == len(OWN)
        text = unquote(context["ti"].xcoms["mapping"])
        assert json.loads(text) == {
            "columns": {"Order_ID": "Beleg", "Region": "Größe"},
            "separator": ";",
            "encoding": "windows-1252",
        }


@pytest.mark.parametrize(
    ("mapping", "words"),
    [
        ("separator: ;\nregion: x", "mapping, line 2: there is no key region"),
        ("s3://operators/raw/wrong.yaml", "s3://operators/raw/wrong.yaml, line 1: separator is 'x'"),
        ("s3://operators/raw/empty.yaml", "s3://operators/raw/empty.yaml is empty: leave the param empty"),
        ("s3://operators/raw/none.yaml", "the mapping s3://operators/raw/none.yaml cannot be read: "),
        ("s3://no-such-bucket/raw/none.yaml", "cannot be read: The specified bucket does not exist"),
        ("s3://operators/raw/own.csv", "is not text in UTF-8: save it in UTF-8"),
        (f"{MAPPING}without: [Region]", "line 4: Region is in columns and in without"),
        ("columns: {Region: Land}", "own.csv lacks the columns Order_ID, Land: its header is 'Beleg;Gr"),
    ],
)
def test_a_wrong_mapping_is_refused(aws: Any, run: Context, mapping: str, words: str) -> None:
    put(aws, "raw/wrong.yaml", b"separator: x")
    put(aws, "raw/empty.yaml", b"")
    with pytest.raises(AirflowFailException) as refusal:
        check(put(aws, "raw/own.csv", OWN), mapping=mapping).execute(run())
    assert words in str(refusal.value)


def test_a_bucket_that_does_not_exist_is_an_error(aws: Any, run: Context) -> None:
    with pytest.raises(AirflowFailException, match="there is no bucket no-such-bucket"):
        check("s3://no-such-bucket/raw/").execute(run())


def test_the_precondition_is_checked_before_any_file_is_read(aws: Any, run: Context) -> None:
    def error(context: Any, s3: Any) -> str:
        return f"5 is more than 4 in {context['run_id']}; {s3.list_keys('operators', prefix='no-such/')}"

    context = run()
    with pytest.raises(AirflowFailException, match=rf"5 is more than 4 in {context['run_id']}; \[\]"):
        check("s3://no-such-bucket/raw/", precondition=error).execute(context)


class RecordingClient:
    """An S3 client that records the requested ranges and prefixes."""

    def __init__(self, client: Any) -> None:
        self.client = client
        self.ranges: list[str] = []
        self.prefixes: list[str] = []

    def get_object(self, **request: Any) -> Any:
        self.ranges.append(request["Range"])
        return self.client.get_object(**request)

    def get_paginator(self, operation: str) -> Any:
        paginator = self.client.get_paginator(operation)
        paginate = paginator.paginate

        def recorded(**request: Any) -> Any:
            self.prefixes.append(request["Prefix"])
            return paginate(**request)

        paginator.paginate = recorded
        return paginator


def test_only_the_beginning_of_a_large_file_is_read(aws: Any) -> None:
    """Random text compresses badly: the compressed file is larger than the part that is read."""
    lines = random.Random(7).randbytes(3 * MAX_READ_BYTES).hex()
    content = gzip.compress(f"{HEADER}\n{lines}\n".encode())
    assert len(content) > 2 * MAX_READ_BYTES
    put(aws, "large/a.csv.gz", content)
    client = RecordingClient(aws.client("s3"))
    files = InputFiles(client, "operators")
    assert files.find("large/") == {"large/a.csv.gz": len(content)}
    files.check_header("large/a.csv.gz", len(content), ["Order_ID", "Region"])
    assert client.ranges == [f"bytes=0-{MAX_READ_BYTES - 1}"]


def test_a_truncated_file_is_refused(aws: Any, run: Context) -> None:
    """The job would read the header and fail later."""
    uri = put(aws, "cut/a.csv.gz", gzip.compress(HEADER.encode())[:-4])
    with pytest.raises(AirflowFailException, match=r"a\.csv\.gz cannot be unpacked: it is cut off"):
        check(uri).execute(run())


def test_only_folders_that_match_the_pattern_are_listed(aws: Any) -> None:
    put(aws, "listed/north/2026-01.csv", HEADER.encode())
    put(aws, "listed/south/2026-01.csv", HEADER.encode())
    client = RecordingClient(aws.client("s3"))
    found = InputFiles(client, "operators").find("listed/n*/2026-0?.csv")
    assert list(found) == ["listed/north/2026-01.csv"]
    exact_name = ["listed/n*/2026-0?.csv", "listed/n*/2026-0?.csv/"]
    assert client.prefixes == [*exact_name, "listed/n", "listed/north/2026-0"]


def test_a_key_that_hadoop_would_not_find_is_refused() -> None:
    """S3 allows such keys; the local S3 does not."""

    class Client:
        def get_paginator(self, _: str) -> Any:
            return self

        def paginate(self, **_: Any) -> Any:
            return [{"Contents": [{"Key": "in//a.csv", "Size": 9}]}]

    with pytest.raises(InputError, match=r"in//a\.csv has a part that is empty, .*: rename it"):
        InputFiles(Client(), "operators").find("in")
