"""The bucket and the key that a request to S3 names."""

from __future__ import annotations

from moto.s3.responses import S3Response
from moto.s3.utils import bucket_name_from_url
from werkzeug.wrappers import Request


def bucket_and_key(request: Request) -> tuple[str, str]:
    """Return bucket and key; '' for each that the request does not name."""
    if S3Response.subdomain_based_buckets(request):
        return bucket_name_from_url(request.url) or "", request.path[1:]
    return split_path(request.path)


def split_path(path: str) -> tuple[str, str]:
    bucket, _, key = path.removeprefix("/").partition("/")
    return bucket, key
