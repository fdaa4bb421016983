"""Contents that stay in files: moto would read each of them into memory several times.

moto gets an empty body, and its key then gets the file. CopyObject and UploadPartCopy copy, and CompleteMultipartUpload
joins, from file to file, and they compute their checksums meanwhile.
"""

from __future__ import annotations

import base64
import hashlib
import math
import tempfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from io import BytesIO
from typing import IO, Any

from moto.s3.exceptions import EntityTooSmall, InvalidPart, MalformedXML, NoSuchUpload
from moto.s3.models import FakeKey, FakeMultipart, S3Backend
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


class _Crc32:
    """CRC32 with the interface of hashlib."""

    def __init__(self) -> None:
        self._value = 0

    def update(self, content: bytes) -> None:
        self._value = zlib.crc32(content, self._value)

    def digest(self) -> bytes:
        return self._value.to_bytes(4)


_DIGESTS: dict[str, Callable[[], Any]] = {"CRC32": _Crc32, "SHA1": hashlib.sha1, "SHA256": hashlib.sha256}
"""Python has no CRC32C and CRC64NVME: an upload in parts with these has no checksum."""


def _complete(self: Any, body: Iterator[tuple[int, str]]) -> tuple[bytes, str, tuple[str, str, int] | None]:
    """FakeMultipart.complete, which joins the parts in a file instead of memory."""
    new_digest = _DIGESTS.get(self.metadata.get("x-amz-checksum-algorithm"))
    of_content = self.metadata.get("x-amz-checksum-type") == "FULL_OBJECT"
    checksum: Any = new_digest() if new_digest else None
    joined, digests, count, last = tempfile.TemporaryFile(), hashlib.md5(), 0, None  # noqa: SIM115 - kept by the key
    for number, etag in body:
        part = self.parts.get(number)
        if part is None or part.etag.strip('"') != etag.strip('"'):
            raise InvalidPart
        if last is not None and last.contentsize < S3_UPLOAD_PART_MIN_SIZE:
            raise EntityTooSmall
        digests.update(bytes.fromhex(part.etag.strip('"')))
        part._value_buffer.seek(0)
        if new_digest is None or of_content:
            _copy(part._value_buffer, joined, [checksum] if checksum else [])
        else:
            of_part = new_digest()
            _copy(part._value_buffer, joined, [of_part])
            checksum.update(of_part.digest())
        last, count = part, count + 1
    if count == 0:
        raise MalformedXML
    self.joined = joined
    if not checksum:
        return b"", f"{digests.hexdigest()}-{count}", None
    kind, parts = ("FULL_OBJECT", 1) if of_content else ("COMPOSITE", count)
    return b"", f"{digests.hexdigest()}-{count}", (kind, base64.b64encode(checksum.digest()).decode(), parts)


def _upload_part(self: S3Backend, bucket_name: str, multipart_id: str, part_id: int, value: bytes) -> FakeKey:
    """S3Backend.upload_part, which refuses an upload that does not exist. Raises NoSuchUpload."""
    upload = self.get_bucket(bucket_name).multiparts.get(multipart_id)
    if upload is None:
        raise NoSuchUpload(upload_id=multipart_id)
    return upload.set_part(part_id, value)


def _upload_part_copy(
    self: S3Backend,
    dest_bucket_name: str,
    multipart_id: str,
    part_id: int,
    src_bucket_name: str,
    src_key_name: str,
    src_version_id: str | None,
    start_byte: int | None,
    end_byte: int | None,
) -> FakeKey:
    """S3Backend.upload_part_copy, which copies from file to file instead of memory. The source exists."""
    source: Any = self.get_object(src_bucket_name, src_key_name, version_id=src_version_id)
    part = self.upload_part(dest_bucket_name, multipart_id, part_id, b"")
    start = start_byte or 0
    _copied(source, start, math.inf if end_byte is None else end_byte + 1 - start).give_to(part)
    return part


def _copy_object(
    self: S3Backend, src_key: FakeKey, dest_bucket_name: str, dest_key_name: str, **options: Any
) -> None:
    """S3Backend.copy_object, which copies from file to file instead of memory."""
    content, buffer = _copied(src_key), src_key._value_buffer
    src_key._value_buffer = BytesIO()  # type: ignore[assignment]
    try:
        _moto_copy_object(self, src_key, dest_bucket_name, dest_key_name, **options)
    finally:
        src_key._value_buffer = buffer
    content.give_to(self.get_bucket(dest_bucket_name).keys.getlist(dest_key_name)[-1])


def _copied(source: FakeKey, start: int = 0, size: float = math.inf) -> LargeBody:
    """Return a copy of the content of a key, whose buffer is a file in the store."""
    copied, digest = tempfile.TemporaryFile(), hashlib.md5()  # noqa: SIM115 - kept by the key
    buffer: Any = source._value_buffer
    with buffer.path.open("rb") as content:
        content.seek(start)
        _copy(content, copied, [digest], size)
    return LargeBody(copied, copied.tell(), digest.digest())


def _copy(source: IO[bytes], target: IO[bytes], digests: Sequence[Any], size: float = math.inf) -> None:
    """Copy ``size`` bytes, or less if the source ends before, and update the digests."""
    while size > 0 and (chunk := source.read(int(min(CHUNK, size)))):
        target.write(chunk)
        for digest in digests:
            digest.update(chunk)
        size -= len(chunk)


FakeMultipart.complete = _complete  # type: ignore[method-assign]
S3Backend.upload_part = _upload_part  # type: ignore[method-assign]
S3Backend.upload_part_copy = _upload_part_copy  # type: ignore[method-assign]
_moto_copy_object, S3Backend.copy_object = S3Backend.copy_object, _copy_object  # type: ignore[method-assign, assignment]
