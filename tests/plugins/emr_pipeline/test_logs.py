"""The end of each log is read, and only as much as a page can show."""

from __future__ import annotations

import gzip
import io
from typing import Any

from emr_pipeline.logs import LARGEST_BYTES, TAIL_BYTES, read_logs

STEP = "logs/j-1/steps/s-1"
FOLDER = f"s3://lake/{STEP}/"
NAMES = ("stdout", "stderr")


class Objects:
    """S3 as a dict of keys and bytes."""

    def __init__(self, contents: dict[str, bytes], size: int = 0) -> None:
        self.contents, self.size = contents, size

    def list_keys(self, bucket_name: str, prefix: str) -> list[str]:
        return [key for key in sorted(self.contents) if key.startswith(prefix)]

    def get_key(self, key: str, bucket_name: str) -> Any:
        response = {"Body": io.BytesIO(self.contents[key]), "ContentLength": self.size}
        return type("Key", (), {"get": lambda _: response})()


def test_the_end_of_a_long_log_starts_with_a_complete_line() -> None:
    lines = b"".join(b"line %07d\n" % number for number in range(100_000))
    (log,) = read_logs(Objects({f"{STEP}/stderr.gz": gzip.compress(lines)}), FOLDER, NAMES)
    assert log.cut
    assert len(log.text) <= TAIL_BYTES
    assert log.text.startswith("line ")
    assert log.text.endswith("line 0099999\n")


def test_a_short_log_is_complete_compressed_or_not() -> None:
    contents = {f"{STEP}/stdout.gz": gzip.compress(b"one\n"), f"{STEP}/stderr": b"two \xff\n"}
    logs = read_logs(Objects(contents), FOLDER, NAMES)
    assert [(log.name, log.text, log.cut) for log in logs] == [
        ("stderr", "two �\n", False),
        ("stdout", "one\n", False),
    ]


def test_an_object_that_is_too_large_is_listed_but_not_read() -> None:
    objects = Objects({f"{STEP}/stdout.gz": b"never read"}, size=LARGEST_BYTES + 1)
    (log,) = read_logs(objects, FOLDER, NAMES)
    assert (log.too_large, log.text, log.address) == (True, "", f"s3://lake/{STEP}/stdout.gz")
