"""Large objects stay in files, with the ETags and checksums of S3."""

from __future__ import annotations

import base64
import hashlib
import zlib
from typing import Any

import psutil
import pytest
from boto3.s3.transfer import TransferConfig
from botocore.exceptions import ClientError

from localaws.s3.large_bodies import MAX_BODY_IN_MEMORY
from localaws.testing import LocalAws

BUCKET = "large-bodies"
PART = 6 * MAX_BODY_IN_MEMORY + 1
BODY = hashlib.sha256(b"large").digest() * (4 * PART // 32)


@pytest.fixture(scope="module")
def s3(local_aws: LocalAws) -> Any:
    client = local_aws.client("s3")
    client.create_bucket(Bucket=BUCKET)
    return client


def test_a_large_put_has_its_md5_as_etag(s3: Any) -> None:
    place = {"Bucket": BUCKET, "Key": "put"}
    put = s3.put_object(**place, Body=BODY, ContentType="text/plain")
    assert put["ETag"] == f'"{hashlib.md5(BODY).hexdigest()}"'
    got = s3.get_object(**place, ChecksumMode="ENABLED")
    assert got["ChecksumCRC32"] == base64.b64encode(zlib.crc32(BODY).to_bytes(4)).decode()
    assert (got["Body"].read() == BODY, got["ETag"], got["ContentType"]) == (True, put["ETag"], "text/plain")
    with pytest.raises(ClientError, match="BadDigest"):
        s3.put_object(**place, Body=BODY, ContentMD5=base64.b64encode(hashlib.md5(b"").digest()).decode())
    assert s3.head_object(**place)["ETag"] == put["ETag"]


def test_an_upload_in_parts_has_the_checksum_of_its_checksums(s3: Any, tmp_path: Any) -> None:
    (tmp_path / "file").write_bytes(BODY)
    parts = TransferConfig(multipart_threshold=PART, multipart_chunksize=PART)
    s3.upload_file(str(tmp_path / "file"), BUCKET, "parts", Config=parts)
    pieces = [BODY[start : start + PART] for start in range(0, len(BODY), PART)]
    digest = hashlib.md5(b"".join(hashlib.md5(piece).digest() for piece in pieces)).hexdigest()
    crc = zlib.crc32(b"".join(zlib.crc32(piece).to_bytes(4) for piece in pieces)).to_bytes(4)
    got = s3.get_object(Bucket=BUCKET, Key="parts", ChecksumMode="ENABLED")
    assert got["ETag"] == f'"{digest}-{len(pieces)}"'
    assert got["ChecksumCRC32"] == f"{base64.b64encode(crc).decode()}-{len(pieces)}"
    assert got["Body"].read() == BODY
    ranged = s3.get_object(Bucket=BUCKET, Key="parts", Range="bytes=5-9")
    assert ranged["Body"].read() == BODY[5:10]


@pytest.mark.parametrize("algorithm", ["CRC32", "CRC64NVME"])
def test_a_checksum_of_the_whole_upload_is_that_of_its_content(s3: Any, algorithm: str) -> None:
    place = {"Bucket": BUCKET, "Key": f"whole-{algorithm}"}
    checksum = {"ChecksumAlgorithm": algorithm, "ChecksumType": "FULL_OBJECT"}
    upload = {**place, "UploadId": s3.create_multipart_upload(**place, **checksum)["UploadId"]}
    parts = [
        {"PartNumber": number, "ETag": s3.upload_part(**upload, PartNumber=number, Body=piece)["ETag"]}
        for number, piece in enumerate([BODY[:PART], BODY[PART:]], 1)
    ]
    s3.complete_multipart_upload(**upload, MultipartUpload={"Parts": parts})
    got = s3.get_object(**place, ChecksumMode="ENABLED")
    expected = base64.b64encode(zlib.crc32(BODY).to_bytes(4)).decode() if algorithm == "CRC32" else None
    assert got.get(f"Checksum{algorithm}") == expected
    assert got["Body"].read() == BODY


def test_parts_are_copied_from_an_object(s3: Any) -> None:
    s3.put_object(Bucket=BUCKET, Key="source", Body=BODY)
    place = {"Bucket": BUCKET, "Key": "copied-parts"}
    upload = {**place, "UploadId": s3.create_multipart_upload(**place)["UploadId"]}
    parts = []
    for number, bytes_range in enumerate([f"bytes=0-{PART - 1}", f"bytes={PART}-{PART + 9}"], 1):
        copied = s3.upload_part_copy(
            **upload,
            PartNumber=number,
            CopySource={"Bucket": BUCKET, "Key": "source"},
            CopySourceRange=bytes_range,
        )
        parts.append({"PartNumber": number, "ETag": copied["CopyPartResult"]["ETag"]})
    assert parts[0]["ETag"] == f'"{hashlib.md5(BODY[:PART]).hexdigest()}"'
    s3.complete_multipart_upload(**upload, MultipartUpload={"Parts": parts})
    assert s3.get_object(**place)["Body"].read() == BODY[: PART + 10]


def test_an_object_is_copied_and_can_be_copied_onto_itself(s3: Any) -> None:
    source = {"Bucket": BUCKET, "Key": "whole"}
    s3.put_object(**source, Body=BODY, Metadata={"a": "1"})
    for key, changes in (("whole-copy", {}), ("whole", {"MetadataDirective": "REPLACE"})):
        copied = s3.copy_object(Bucket=BUCKET, Key=key, CopySource=source, **changes)
        assert copied["CopyObjectResult"]["ETag"] == f'"{hashlib.md5(BODY).hexdigest()}"'
        assert s3.get_object(Bucket=BUCKET, Key=key)["Body"].read() == BODY
    assert s3.head_object(Bucket=BUCKET, Key="whole-copy")["Metadata"] == {"a": "1"}
    assert s3.head_object(**source)["Metadata"] == {}


def test_a_large_version_keeps_its_content(s3: Any) -> None:
    s3.create_bucket(Bucket=f"{BUCKET}-versions")
    s3.put_bucket_versioning(Bucket=f"{BUCKET}-versions", VersioningConfiguration={"Status": "Enabled"})
    place = {"Bucket": f"{BUCKET}-versions", "Key": "k"}
    version = s3.put_object(**place, Body=BODY)["VersionId"]
    s3.put_object(**place, Body=b"small")
    assert s3.get_object(**place, VersionId=version)["Body"].read() == BODY


def test_the_memory_of_the_server_does_not_grow_with_the_objects(local_aws: LocalAws, s3: Any) -> None:
    process = psutil.Process(local_aws.process.pid)
    before = process.memory_info().rss
    for number in range(4):
        s3.put_object(Bucket=BUCKET, Key=f"memory/{number}", Body=BODY)
    in_parts = TransferConfig(multipart_threshold=PART, multipart_chunksize=len(BODY))
    for number in range(4):
        s3.copy(
            {"Bucket": BUCKET, "Key": f"memory/{number}"}, BUCKET, f"memory/copy{number}", Config=in_parts
        )
        source = {"Bucket": BUCKET, "Key": f"memory/{number}"}
        s3.copy_object(Bucket=BUCKET, Key=f"memory/whole{number}", CopySource=source)
    assert process.memory_info().rss - before < len(BODY)
