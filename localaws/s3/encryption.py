"""The default encryption of S3: SSE-S3, for each object and bucket that has no other one.

Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/default-encryption-faq.html
"""

from __future__ import annotations

from typing import Any

from moto.s3.models import FakeKey, S3Backend

ALGORITHM = "AES256"


def _bucket_encryption(self: S3Backend, bucket_name: str) -> dict[str, Any]:
    """S3Backend.get_bucket_encryption, with the default."""
    default = {"Rule": {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": ALGORITHM}}}
    return self.get_bucket(bucket_name).encryption or default


FakeKey.encryption = property(  # type: ignore[assignment]
    lambda self: vars(self).get("encryption") or ALGORITHM,
    lambda self, value: vars(self).update(encryption=value),
)
S3Backend.get_bucket_encryption = _bucket_encryption  # type: ignore[method-assign]
