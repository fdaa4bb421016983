"""moto's S3 with its objects kept in the Store's folder.

Each request is answered in three moves, one request at a time: what changed in the folder is shown to
moto, moto answers, what changed in moto is written to the folder. Contents are then served from the files;
moto holds only their names and metadata.

Limits, on purpose:
- Metadata (content type, tags, policies, versioning) lives in moto's memory and is gone after a restart.
- A file that Spark wrote has an ETag of the form S3 gives multipart uploads (not an MD5 of the content).
- A versioned bucket's folder holds the current versions; moto keeps the bytes of all versions it saw.
- A key ending in ``/`` (a "folder" some consoles make) is kept in moto only, and must be empty.
- Keys that cannot be files (see Store) and browser form uploads are refused with NotImplemented.
"""

from __future__ import annotations

import hashlib
import io
import json
import re
import shutil
import tempfile
import uuid
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from http import HTTPStatus
from pathlib import Path
from threading import Lock
from typing import IO, Any, cast
from urllib.parse import unquote
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.s3.models import FakeKey, S3Backend, s3_backends
from moto.s3.responses import S3Response
from moto.s3.utils import bucket_name_from_url
from werkzeug.wrappers import Request, Response

from localaws import presigned
from localaws.cors import Rule, answer_headers, preflight
from localaws.errors import s3_error
from localaws.store import Signature, Store, UnsafeKeyError

REGION = "us-east-1"
IN_MEMORY = 16 * 2**20  # bytes of a request's body; more goes to a temporary file
BLOCK = 2**20

_POSTS = frozenset({"uploads", "uploadId", "select", "restore"})
"""What may be posted to a key: https://docs.aws.amazon.com/AmazonS3/latest/API/API_Operations_Amazon_Simple_Storage_Service.html"""


class S3:
    """The WSGI application: moto's S3 between two looks at the folder."""

    def __init__(self, moto: WSGIApplication, store: Store) -> None:
        self._moto, self._store = moto, store
        self._mirror = Mirror(store)
        self._one_at_a_time = Lock()

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        request = Request(environ)
        if request.method in {"PUT", "POST"}:
            _read_body(request)
        with self._one_at_a_time:
            response = self._answer(request)
            rules = self._mirror.cors_rules(address(request)[0]) or ()
            response.headers.update(answer_headers(request, rules))
        return response(environ, start_response)

    def _answer(self, request: Request) -> Response:
        bucket, key = address(request)
        try:
            self._mirror.load_buckets()
            if response := self._without_work(request, bucket, key):
                return response
            self._check(request, bucket, key)
            self._show_changes(request, bucket, key)
            if request.method == "GET" and key and (response := self._file(request, bucket, key)):
                return response
            response = Response.from_app(self._moto, request.environ, buffered=True)
            if (
                request.method in {"PUT", "POST", "DELETE"}
                and response.status_code < HTTPStatus.MULTIPLE_CHOICES
            ):
                self._mirror.load_buckets()
                self._mirror.save(bucket)
            return response
        except UnsafeKeyError as error:
            return s3_error(
                HTTPStatus.NOT_IMPLEMENTED, "NotImplemented", f"not supported by the local S3: {error}"
            )
        except OSError as error:
            return s3_error(
                HTTPStatus.INSUFFICIENT_STORAGE, "InsufficientStorage", f"the local S3 cannot write: {error}"
            )

    def _without_work(self, request: Request, bucket: str, key: str) -> Response | None:
        """Answer a preflight, and what S3 refuses before it looks at the object. None leaves the answer to others."""
        if request.method == "OPTIONS":
            return preflight(request, self._mirror.cors_rules(bucket))
        if request.method == "POST" and key and not _POSTS & set(request.args):
            return s3_error(
                405, "MethodNotAllowed", "The specified method is not allowed against this resource."
            )
        if refused := presigned.refusal(request.args, datetime.now(UTC)):
            return s3_error(*refused)
        if request.method == "PUT" and not key and "policy" in request.args and not _is_json_object(request):
            return s3_error(400, "MalformedPolicy", "Policies must be valid JSON objects.")
        return None

    def _check(self, request: Request, bucket: str, key: str) -> None:
        """Refuse what could not be kept in the folder, before moto takes it. Raises UnsafeKeyError."""
        if bucket:
            self._store.bucket_path(bucket)
        if request.method == "POST" and not key and "delete" not in request.args:
            raise UnsafeKeyError("an upload by an HTML form")
        if not key or request.method not in {"PUT", "POST"}:
            return
        self._store.check_writable(bucket, key.removesuffix("/") if key.endswith("/") else key)
        length = request.headers.get("x-amz-decoded-content-length", request.content_length or 0)
        if key.endswith("/") and (
            request.method == "POST" or int(length) or "x-amz-copy-source" in request.headers
        ):
            raise UnsafeKeyError(f"the key {key!r} ends in '/' and has content")

    def _show_changes(self, request: Request, bucket: str, key: str) -> None:
        if source := request.headers.get("x-amz-copy-source"):
            self._mirror.load_object(*_split(unquote(source.partition("?")[0])))
        if key:
            self._mirror.load_object(bucket, key)
        elif bucket:
            self._mirror.load(bucket, request.args.get("prefix", "") if request.method == "GET" else "")

    def _file(self, request: Request, bucket: str, key: str) -> Response | None:
        """Answer a plain GET of a stored object straight from its file: moto's HEAD has the headers, the
        range and the conditions. None leaves the answer (an error, a sub-resource) to moto's GET."""
        if set(request.args) - {"x-id"} or not self._store.signature(bucket, key):
            return None
        response = Response.from_app(self._moto, {**request.environ, "REQUEST_METHOD": "HEAD"}, buffered=True)
        if response.status_code not in {HTTPStatus.OK, HTTPStatus.PARTIAL_CONTENT}:
            return None
        wanted = re.match(r"bytes (\d+)-", response.headers.get("content-range", ""))
        file = self._store.object_path(bucket, key).open("rb")
        file.seek(int(wanted[1]) if wanted else 0)
        response.response = _blocks(file, int(response.headers["content-length"]))
        response.call_on_close(file.close)
        return response


@dataclass(frozen=True)
class _Known:
    """An object that folder and moto agree on."""

    signature: Signature
    key: FakeKey


class Mirror:
    """Keeps moto's buckets and keys and the Store's folder the same. Not thread-safe: its caller locks."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._known: dict[str, dict[str, _Known]] = {}

    @property
    def _backend(self) -> S3Backend:
        return s3_backends[DEFAULT_ACCOUNT_ID]["aws"]

    def load_buckets(self) -> None:
        """Carry new and removed buckets over, in both directions (CloudFormation makes them inside moto)."""
        for bucket in set(self._known) - set(self._backend.buckets):
            del self._known[bucket]
            self._store.drop_bucket(bucket)
        for bucket in self._store.buckets():
            if bucket not in self._backend.buckets:
                self._backend.create_bucket(bucket, REGION)
        for bucket in self._backend.buckets:
            self._store.add_bucket(bucket)
            self._known.setdefault(bucket, {})

    def cors_rules(self, bucket: str) -> Sequence[Rule] | None:
        """Return the rules of PutBucketCors, none of them if there are none, None if there is no such bucket."""
        found = self._backend.buckets.get(bucket)
        return found.cors if found else None

    def load(self, bucket: str, prefix: str) -> None:
        """Show moto every change in the folder below ``prefix``."""
        if bucket not in self._known:
            return
        files, known = self._store.objects(bucket, prefix), self._known[bucket]
        for key in files.keys() | {key for key in known if key.startswith(prefix)}:
            self._load(bucket, key, files.get(key))

    def load_object(self, bucket: str, key: str) -> None:
        """Show moto whether this one object has changed in the folder."""
        if bucket in self._known:
            self._load(bucket, key, self._store.signature(bucket, key))

    def _load(self, bucket: str, key: str, signature: Signature | None) -> None:
        known = self._known[bucket].get(key)
        if known and not signature:
            del self._known[bucket][key]
            self._backend.delete_object(bucket, key)
        elif signature and (not known or known.signature != signature):
            self._known[bucket][key] = _Known(signature, self._add(bucket, key, signature))

    def _add(self, bucket: str, name: str, signature: Signature) -> FakeKey:
        """Give moto an object for a file that is already there."""
        target, path = self._backend.buckets[bucket], self._store.object_path(bucket, name)
        key = FakeKey(
            name=name,
            value=b"",
            account_id=DEFAULT_ACCOUNT_ID,
            region_name=REGION,
            etag=f"{hashlib.md5(repr(signature).encode()).hexdigest()}-1",
            is_versioned=target.is_versioned,
            version_id=str(uuid.uuid4()) if target.is_versioned else "null",
            bucket_name=bucket,
        )
        if target.is_versioned:
            with path.open("rb") as file:
                shutil.copyfileobj(file, key._value_buffer, BLOCK)
        else:
            _read_from(path, key)
        key.contentsize = signature.size
        key.last_modified = datetime.fromtimestamp(signature.modified / 1e9, UTC).replace(tzinfo=None)
        target.keys.setlist(name, [*(target.keys.getlist(name, []) if target.is_versioned else []), key])
        return key

    def save(self, bucket: str) -> None:
        """Write every change of moto's keys to the folder. Raises OSError; the object is then as before."""
        if bucket not in self._known:
            return
        known, keys = self._known[bucket], self._backend.buckets[bucket].keys
        current = {name: key for name in list(keys) if isinstance(key := keys.get(name), FakeKey)}
        for name in known.keys() - current.keys():
            del known[name]
            self._store.remove(bucket, name)
        for name, key in current.items():
            if not name.endswith("/") and (name not in known or known[name].key is not key):
                try:
                    known[name] = _Known(self._write(bucket, name, key), key)
                except (OSError, UnsafeKeyError):
                    # Forget it; the next look at the folder brings back what was there.
                    known.pop(name, None)
                    keys.setlist(name, keys.getlist(name)[:-1])
                    if not keys.getlist(name):
                        keys.pop(name)
                    raise

    def _write(self, bucket: str, name: str, key: FakeKey) -> Signature:
        _ = key.etag  # moto computes it from the bytes it is about to lose, and remembers it
        key._value_buffer.seek(0)
        signature = self._store.write(bucket, name, key._value_buffer)
        if not key._is_versioned:
            _read_from(self._store.object_path(bucket, name), key)
            if key.multipart:
                key.multipart.dispose()  # the parts' bytes
        return signature


def _read_from(path: Path, key: FakeKey) -> None:
    """Let the file stand in for the buffer that moto's key keeps its bytes in."""
    key._value_buffer.close()
    key._value_buffer = cast(Any, _Content(path))


class _Content:
    """Stands in for the buffer of moto's FakeKey, which seeks to 0 and reads the whole."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def seek(self, offset: int) -> None:
        assert offset == 0

    def read(self) -> bytes:
        return self._path.read_bytes()

    def close(self) -> None:
        """The file outlives moto's key."""


def address(request: Request) -> tuple[str, str]:
    """Return bucket and key, either of them '' when the request names none."""
    if S3Response.subdomain_based_buckets(request):
        return bucket_name_from_url(request.url) or "", request.path[1:]
    return _split(request.path)


def _split(path: str) -> tuple[str, str]:
    bucket, _, key = path.removeprefix("/").partition("/")
    return bucket, key


def _read_body(request: Request) -> None:
    """Take the whole body in before moto's turn, so that a slow client holds up nobody else."""
    body: IO[bytes] = tempfile.SpooledTemporaryFile(IN_MEMORY)  # noqa: SIM115 - it ends with the request
    shutil.copyfileobj(request.stream, body, BLOCK)
    length = body.tell()
    body.seek(0)
    request.environ.update({"wsgi.input": body, "CONTENT_LENGTH": str(length), "wsgi.input_terminated": True})
    request.environ.pop("HTTP_TRANSFER_ENCODING", None)


def _is_json_object(request: Request) -> bool:
    """Whether the body is one; moto would keep any text as a bucket's policy, and fail on every request after it."""
    body: IO[bytes] = request.environ["wsgi.input"]
    text = body.read()
    body.seek(0)
    try:
        return isinstance(json.loads(text), dict)
    except ValueError:
        return False


def _blocks(file: io.BufferedReader, length: int) -> Iterator[bytes]:
    while length > 0 and (block := file.read(min(BLOCK, length))):
        length -= len(block)
        yield block
