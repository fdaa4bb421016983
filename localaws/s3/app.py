"""S3 over moto, with the objects stored as files in the Store's folder.

Requests are processed one at a time, in three steps: changes in the folder are loaded into moto, moto processes the
request, and changes in moto are written to the folder. Contents are received before and sent after that, and meanwhile
other requests are processed. They are served from the files; moto only keeps names and metadata.

Known limits:
- Uploads in parts that are not complete are lost at a restart. Then they are NoSuchUpload.
- An upload in parts with CRC32C or CRC64NVME has no checksum, because Python has no code for them.
- A file written by Spark has an ETag like that of a multipart upload (not the MD5 of the content).
- For a versioned bucket, the folder contains the current versions; ``.versions`` has a copy of each version.
- A key that ends in ``/`` (a "folder" of some consoles) exists only in moto and must be empty.
- Keys that cannot be file names (see Store) and browser form uploads are rejected with NotImplemented.
"""

from __future__ import annotations

import json
import re
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from http import HTTPStatus
from threading import Lock
from typing import IO
from urllib.parse import unquote
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from moto.iam.access_control import PermissionResult
from moto.s3.models import FakeBucket
from werkzeug.wrappers import Request, Response

import localaws.s3.encryption  # noqa: F401 - changes moto
from localaws.errors import s3_error
from localaws.s3 import presigned
from localaws.s3.addressing import bucket_and_key, split_path
from localaws.s3.cors import cors_headers, preflight_response
from localaws.s3.large_bodies import CHUNK, MAX_BODY_IN_MEMORY, LargeBody, take_large_body
from localaws.s3.mirror import Mirror
from localaws.s3.store import Store, UnsafeKeyError

# moto would enforce bucket policies without their conditions: a policy that denies plain HTTP would deny everything.
FakeBucket.get_permission = lambda *_: PermissionResult.NEUTRAL  # type: ignore[method-assign]

CHECKSUM_TYPE = "x-amz-checksum-type"
CHANGING = frozenset({"PUT", "POST", "DELETE"})

_POST_SUBRESOURCES = frozenset({"uploads", "uploadId", "select", "restore"})
"""Subresources that POST on a key supports: https://docs.aws.amazon.com/AmazonS3/latest/API/API_Operations_Amazon_Simple_Storage_Service.html"""


class S3App:
    """The WSGI application: moto's S3 with the folder synchronized before and after each request."""

    def __init__(self, moto: WSGIApplication, store: Store, mirror: Mirror) -> None:
        self._moto, self._store, self._mirror = moto, store, mirror
        self._lock = Lock()

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        request = Request(environ)
        body = None
        if request.method in {"PUT", "POST"}:
            _read_body(request)
            body = take_large_body(request)
        with self._lock:
            response = self._answer(request, body)
            bucket = bucket_and_key(request)[0]
            try:
                self._mirror.persist(bucket if request.method in CHANGING else "")
            except OSError as error:
                response = _cannot_write(error)
            rules = self._mirror.cors_rules(bucket) or ()
            response.headers.update(cors_headers(request, rules))
        return response(environ, start_response)

    def _answer(self, request: Request, body: LargeBody | None) -> Response:
        bucket, key = bucket_and_key(request)
        try:
            self._mirror.load_buckets()
            if response := self._early_response(request, bucket, key):
                return response
            self._check(request, bucket, key)
            self._load_changes(request, bucket, key)
            if request.method == "GET" and key and (response := self._file_response(request, bucket, key)):
                return response
            if body and body.is_damaged(request):
                return s3_error(
                    400, "BadDigest", "The Content-MD5 you specified did not match what we received."
                )
            response = Response.from_app(self._moto, request.environ, buffered=True)
            self._mend_checksum(request, response, bucket, key)
            if body and response.status_code == HTTPStatus.OK:
                body.give_to(self._mirror.written_key(bucket, key, request.args))
                response.headers["ETag"] = f'"{body.etag}"'
            if request.method in CHANGING and response.status_code < HTTPStatus.MULTIPLE_CHOICES:
                self._mirror.load_buckets()
                self._mirror.save(bucket, key)
            return response
        except UnsafeKeyError as error:
            return s3_error(
                HTTPStatus.NOT_IMPLEMENTED, "NotImplemented", f"not supported by the local S3: {error}"
            )
        except OSError as error:
            return _cannot_write(error)

    def _early_response(self, request: Request, bucket: str, key: str) -> Response | None:
        """Respond to preflights and to requests that S3 rejects without reading the object; None for other requests."""
        if request.method == "OPTIONS":
            return preflight_response(request, self._mirror.cors_rules(bucket))
        if request.method == "POST" and key and not _POST_SUBRESOURCES & set(request.args):
            return s3_error(
                405, "MethodNotAllowed", "The specified method is not allowed against this resource."
            )
        if error := presigned.signature_error(request.args, datetime.now(UTC)):
            return s3_error(*error)
        if request.method == "PUT" and not key and "policy" in request.args and not _is_json_object(request):
            return s3_error(400, "MalformedPolicy", "Policies must be valid JSON objects.")
        return None

    def _check(self, request: Request, bucket: str, key: str) -> None:
        """Raise UnsafeKeyError for a request whose object could not be stored in the folder."""
        if bucket:
            self._store.bucket_path(bucket)
        if request.method == "POST" and not key and "delete" not in request.args:
            raise UnsafeKeyError("uploads by HTML forms")
        if not key or request.method not in {"PUT", "POST"}:
            return
        self._store.check_writable(bucket, key.removesuffix("/") if key.endswith("/") else key)
        length = request.headers.get("x-amz-decoded-content-length", request.content_length or 0)
        if key.endswith("/") and (
            request.method == "POST" or int(length) or "x-amz-copy-source" in request.headers
        ):
            raise UnsafeKeyError(f"the key {key!r} ends in '/' and has content")

    def _load_changes(self, request: Request, bucket: str, key: str) -> None:
        if source := request.headers.get("x-amz-copy-source"):
            self._mirror.load_object(*split_path(unquote(source.partition("?")[0])))
        if key:
            self._mirror.load_object(bucket, key)
        elif bucket:
            self._mirror.load(bucket, request.args.get("prefix", "") if request.method == "GET" else "")

    def _mend_checksum(self, request: Request, response: Response, bucket: str, key: str) -> None:
        """Mark the checksum of checksums of an upload in parts: moto's HEAD returns it like one of the content."""
        checksums = [
            name for name, _ in response.headers.items() if name.lower().startswith("x-amz-checksum-")
        ]
        if request.method not in {"GET", "HEAD"} or not checksums:
            return
        parts = self._mirror.checksum_parts(bucket, key, request.args.get("versionId"))
        for name in checksums:
            if response.status_code == HTTPStatus.PARTIAL_CONTENT:
                del response.headers[name]
            elif parts and name.lower() != CHECKSUM_TYPE and not response.headers[name].endswith(f"-{parts}"):
                response.headers[name] += f"-{parts}"

    def _file_response(self, request: Request, bucket: str, key: str) -> Response | None:
        """Respond to the GET of an object from its file, with the headers of moto's HEAD response.

        moto evaluates the range and the conditions. Returns None if moto's GET must respond (errors, subresources).
        """
        if set(request.args) - {"x-id"} or not self._store.stat(bucket, key):
            return None
        response = Response.from_app(self._moto, {**request.environ, "REQUEST_METHOD": "HEAD"}, buffered=True)
        if response.status_code not in {HTTPStatus.OK, HTTPStatus.PARTIAL_CONTENT}:
            return None
        self._mend_checksum(request, response, bucket, key)
        content_range = re.match(r"bytes (\d+)-", response.headers.get("content-range", ""))
        file = self._store.object_path(bucket, key).open("rb")
        file.seek(int(content_range[1]) if content_range else 0)
        response.response = _chunks(file, int(response.headers["content-length"]))
        response.call_on_close(file.close)
        return response


def _cannot_write(error: OSError) -> Response:
    return s3_error(
        HTTPStatus.INSUFFICIENT_STORAGE, "InsufficientStorage", f"the local S3 cannot write: {error}"
    )


def _read_body(request: Request) -> None:
    """Read the whole body before the lock is taken, so that a slow client does not block other requests."""
    body: IO[bytes] = tempfile.SpooledTemporaryFile(MAX_BODY_IN_MEMORY)  # noqa: SIM115 - open until the request ends
    shutil.copyfileobj(request.stream, body, CHUNK)
    length = body.tell()
    body.seek(0)
    request.environ.update({"wsgi.input": body, "CONTENT_LENGTH": str(length), "wsgi.input_terminated": True})
    request.environ.pop("HTTP_TRANSFER_ENCODING", None)


def _is_json_object(request: Request) -> bool:
    """Return whether the body is a JSON object: moto accepts any text as a policy and fails on later requests."""
    body: IO[bytes] = request.environ["wsgi.input"]
    text = body.read()
    body.seek(0)
    try:
        return isinstance(json.loads(text), dict)
    except ValueError:
        return False


def _chunks(file: IO[bytes], length: int) -> Iterator[bytes]:
    while length > 0 and (chunk := file.read(min(CHUNK, length))):
        length -= len(chunk)
        yield chunk
