"""Bodies of requests that stay in files: moto would read each of them into memory several times.

moto gets an empty body, and its key then gets the file. An upload in parts is joined in a file, too.
"""

from __future__ import annotations

import base64
import hashlib
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO
from typing import IO, Any

from moto.s3.exceptions import EntityTooSmall, InvalidPart, MalformedXML
from moto.s3.models import FakeKey, FakeMultipart, MultipartChecksumBuilder
from moto.settings import S3_UPLOAD_PART_MIN_SIZE
from werkzeug.wrappers import Request

MAX_BODY_IN_MEMORY = 2**20  # bytes of a request's body; more goes to a temporary file
CHUNK = 2**20


@dataclass(frozen=True)
class LargeBody:
    file: IO[bytes]
    size: int
    md5: bytes

    @property
    def etag(self) -> str:
        return self.md5.hex()

    def is_damaged(self, request: Request) -> bool:
        """Return whether the body does not match the request's Content-MD5."""
        expected = request.headers.get("Content-MD5")
        return expected is not None and expected != base64.b64encode(self.md5).decode()

    def give_to(self, key: FakeKey) -> None:
        """Make the file the content of moto's key."""
        key._value_buffer.close()
        key._value_buffer, key.contentsize, key._etag = self.file, self.size, self.etag  # type: ignore[assignment]


def take_large_body(request: Request) -> LargeBody | None:
    """Return the body of PutObject or UploadPart if it is large, and leave an empty one for moto.

    Returns None, too, if moto must read the body, because it has signed chunks or no value of its checksum.
    """
    size, headers = request.content_length or 0, request.headers
    algorithm = headers.get("x-amz-sdk-checksum-algorithm", "")
    if (
        request.method != "PUT"
        or size <= MAX_BODY_IN_MEMORY
        or headers.get("x-amz-content-sha256", "").startswith("STREAMING-")
        or (algorithm and f"x-amz-checksum-{algorithm.lower()}" not in headers)
        or "x-amz-copy-source" in headers
        or set(request.args) - {"x-id", "uploadId", "partNumber"}
    ):
        return None
    file: IO[bytes] = request.environ["wsgi.input"]
    digest = hashlib.md5()
    while chunk := file.read(CHUNK):
        digest.update(chunk)
    request.environ.update({"wsgi.input": BytesIO(), "CONTENT_LENGTH": "0"})
    return LargeBody(file, size, digest.digest())


def take_joined_content(key: FakeKey) -> None:
    """Make the joined parts the content of a key that an upload in parts has just created."""
    joined = vars(key.multipart).pop("joined", None) if key.multipart else None
    if joined:
        key._value_buffer.close()
        key._value_buffer = joined


def _complete(self: Any, body: Iterator[tuple[int, str]]) -> tuple[bytes, str, tuple[str, str, int] | None]:
    """FakeMultipart.complete, which joins the parts in a file instead of memory."""
    algorithm = self.metadata.get("x-amz-checksum-algorithm")
    checksum = algorithm and MultipartChecksumBuilder(algorithm, self.metadata.get("x-amz-checksum-type"))
    joined, digests, count, last = tempfile.TemporaryFile(), hashlib.md5(), 0, None  # noqa: SIM115 - kept by the key
    for number, etag in body:
        part = self.parts.get(number)
        if part is None or part.etag.strip('"') != etag.strip('"'):
            raise InvalidPart
        if last is not None and last.contentsize < S3_UPLOAD_PART_MIN_SIZE:
            raise EntityTooSmall
        digests.update(bytes.fromhex(part.etag.strip('"')))
        part._value_buffer.seek(0)
        shutil.copyfileobj(part._value_buffer, joined, CHUNK)
        if checksum:
            checksum.addPart(part.value)
        last, count = part, count + 1
    if count == 0:
        raise MalformedXML
    self.joined = joined
    return b"", f"{digests.hexdigest()}-{count}", checksum.build() if checksum else None


FakeMultipart.complete = _complete  # type: ignore[method-assign]
