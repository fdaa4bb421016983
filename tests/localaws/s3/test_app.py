"""S3 through boto3 against a running server, with the objects in the folder."""

from __future__ import annotations

import io
import json
import uuid
from pathlib import Path
from typing import Any

import pytest
from boto3.s3.transfer import TransferConfig
from botocore.exceptions import ClientError

from localaws.testing import LocalAws
from tests.conftest import send

MIB = 2**20


@pytest.fixture
def s3(local_aws: LocalAws) -> Any:
    return local_aws.client("s3")


@pytest.fixture
def bucket(s3: Any) -> str:
    name = f"bucket-{uuid.uuid4().hex[:12]}"
    s3.create_bucket(Bucket=name)
    return name


@pytest.fixture
def folder(local_aws: LocalAws, bucket: str) -> Path:
    return local_aws.state / "s3" / bucket


def keys(s3: Any, bucket: str, **filters: Any) -> list[str]:
    return [item["Key"] for item in s3.list_objects_v2(Bucket=bucket, **filters).get("Contents", [])]


def body(s3: Any, bucket: str, key: str, **members: Any) -> bytes:
    content: bytes = s3.get_object(Bucket=bucket, Key=key, **members)["Body"].read()
    return content


def test_objects_are_stored_as_files(s3: Any, bucket: str, folder: Path) -> None:
    s3.put_object(Bucket=bucket, Key="a/b.txt", Body=b"one", ContentType="text/plain", Metadata={"k": "v"})
    assert (folder / "a" / "b.txt").read_bytes() == b"one"
    s3.put_object(Bucket=bucket, Key="a/b.txt", Body=b"three")
    assert (folder / "a" / "b.txt").read_bytes() == body(s3, bucket, "a/b.txt") == b"three"
    s3.delete_object(Bucket=bucket, Key="a/b.txt")
    assert not list(folder.iterdir())


def test_a_bucket_policy_is_not_enforced(s3: Any, bucket: str) -> None:
    statement = {
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:*",
        "Resource": [f"arn:aws:s3:::{bucket}", f"arn:aws:s3:::{bucket}/*"],
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }
    s3.put_bucket_policy(
        Bucket=bucket, Policy=json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    )
    s3.put_object(Bucket=bucket, Key="raw/a.csv", Body=b"a")
    assert s3.get_object(Bucket=bucket, Key="raw/a.csv")["Body"].read() == b"a"


def test_metadata_and_etag_are_returned_with_the_object(s3: Any, bucket: str) -> None:
    put = s3.put_object(Bucket=bucket, Key="a", Body=b"one", ContentType="text/plain", Metadata={"k": "v"})
    got = s3.get_object(Bucket=bucket, Key="a")
    assert (got["ContentType"], got["Metadata"], got["ETag"]) == ("text/plain", {"k": "v"}, put["ETag"])
    assert put["ETag"] == '"f97c5d29941bfb1b2fdab0874906ab82"'  # the MD5 of "one"


def test_changes_of_files_by_other_programs_are_visible_immediately(
    s3: Any, bucket: str, folder: Path
) -> None:
    (folder / "out").mkdir()
    (folder / "out" / "part-0").write_bytes(b"12")
    first = s3.head_object(Bucket=bucket, Key="out/part-0")
    assert (first["ContentLength"], keys(s3, bucket, Prefix="out/")) == (2, ["out/part-0"])
    (folder / "out" / "part-0").write_bytes(b"123")
    assert body(s3, bucket, "out/part-0") == b"123"
    assert s3.head_object(Bucket=bucket, Key="out/part-0")["ETag"] != first["ETag"]
    (folder / "out" / "part-0").unlink()
    assert keys(s3, bucket) == []
    with pytest.raises(s3.exceptions.NoSuchKey):
        s3.get_object(Bucket=bucket, Key="out/part-0")


def test_ranges_and_conditions(s3: Any, bucket: str) -> None:
    etag = s3.put_object(Bucket=bucket, Key="a", Body=b"0123456789")["ETag"]
    assert body(s3, bucket, "a", Range="bytes=2-4") == b"234"
    assert body(s3, bucket, "a", Range="bytes=-3") == b"789"
    assert body(s3, bucket, "a", Range="bytes=7-") == b"789"
    for members, status in [({"Range": "bytes=10-"}, 416), ({"IfNoneMatch": etag}, 304)]:
        with pytest.raises(ClientError) as error:
            s3.get_object(Bucket=bucket, Key="a", **members)
        assert error.value.response["ResponseMetadata"]["HTTPStatusCode"] == status
    with pytest.raises(ClientError, match="PreconditionFailed"):
        s3.put_object(Bucket=bucket, Key="a", Body=b"", IfNoneMatch="*")
    s3.put_object(Bucket=bucket, Key="empty", Body=b"")
    assert body(s3, bucket, "empty") == b""


def test_multipart_upload_and_ranged_download(s3: Any, bucket: str, folder: Path) -> None:
    content = bytes(range(256)) * (12 * MIB // 256) + b"end"
    parts = TransferConfig(multipart_threshold=5 * MIB, multipart_chunksize=5 * MIB, max_concurrency=3)
    s3.upload_fileobj(io.BytesIO(content), bucket, "big", Config=parts)
    assert (folder / "big").read_bytes() == content
    received = io.BytesIO()
    s3.download_fileobj(bucket, "big", received, Config=parts)
    assert received.getvalue() == content
    assert s3.head_object(Bucket=bucket, Key="big")["ETag"].endswith('-3"')
    s3.copy({"Bucket": bucket, "Key": "big"}, bucket, "copies/big", Config=parts)
    assert (folder / "copies" / "big").read_bytes() == content


def test_objects_and_buckets_are_encrypted_by_default(s3: Any, bucket: str, folder: Path) -> None:
    (folder / "file").write_text("x")
    s3.put_object(Bucket=bucket, Key="given", Body=b"x", ServerSideEncryption="aws:kms")
    s3.put_object(Bucket=bucket, Key="default", Body=b"x")
    found = {key: s3.head_object(Bucket=bucket, Key=key)["ServerSideEncryption"] for key in keys(s3, bucket)}
    assert found == {"default": "AES256", "file": "AES256", "given": "aws:kms"}
    [rule] = s3.get_bucket_encryption(Bucket=bucket)["ServerSideEncryptionConfiguration"]["Rules"]
    assert rule["ApplyServerSideEncryptionByDefault"] == {"SSEAlgorithm": "AES256"}
    with pytest.raises(ClientError, match="This copy request is illegal"):
        s3.copy_object(Bucket=bucket, Key="default", CopySource={"Bucket": bucket, "Key": "default"})


def test_copy_and_delete_objects_work_on_files_not_listed_before(s3: Any, bucket: str, folder: Path) -> None:
    for name in ("x", "y", "z"):
        (folder / name).write_text(name)
    s3.copy_object(Bucket=bucket, Key="copy", CopySource={"Bucket": bucket, "Key": "x"})
    assert (folder / "copy").read_text() == "x"
    s3.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": "x"}, {"Key": "y"}]})
    assert sorted(path.name for path in folder.iterdir()) == keys(s3, bucket) == ["copy", "z"]


@pytest.mark.parametrize("key", ["a/../../../escape", "/absolute", "a//b", ".", "taken/below", "folder"])
def test_a_key_that_cannot_be_a_file_is_rejected(s3: Any, bucket: str, local_aws: LocalAws, key: str) -> None:
    s3.put_object(Bucket=bucket, Key="taken", Body=b"")
    s3.put_object(Bucket=bucket, Key="folder/file", Body=b"")
    with pytest.raises(ClientError, match=r"NotImplemented.*not supported by the local S3"):
        s3.put_object(Bucket=bucket, Key=key, Body=b"x")
    assert keys(s3, bucket) == ["folder/file", "taken"]
    assert not list(local_aws.state.rglob("escape"))


def test_a_post_to_an_object_is_rejected(local_aws: LocalAws, bucket: str) -> None:
    status, _, text = send(local_aws, "POST", f"/{bucket}/a", {}, "body")
    assert status == 405
    assert "<Code>MethodNotAllowed</Code>" in text


def test_a_folder_marker_is_an_empty_object_without_a_file(s3: Any, bucket: str, folder: Path) -> None:
    s3.put_object(Bucket=bucket, Key="year=2024/", Body=b"")
    s3.put_object(Bucket=bucket, Key="year=2024/part", Body=b"1")
    assert keys(s3, bucket) == ["year=2024/", "year=2024/part"]
    assert [path.name for path in (folder / "year=2024").iterdir()] == ["part"]
    with pytest.raises(ClientError, match="NotImplemented"):
        s3.put_object(Bucket=bucket, Key="year=2025/", Body=b"content")


def test_buckets_are_created_and_removed_with_their_folders(
    s3: Any, bucket: str, folder: Path, local_aws: LocalAws
) -> None:
    s3.put_object(Bucket=bucket, Key="a", Body=b"")
    with pytest.raises(ClientError, match="BucketNotEmpty"):
        s3.delete_bucket(Bucket=bucket)
    s3.delete_object(Bucket=bucket, Key="a")
    s3.delete_bucket(Bucket=bucket)
    assert not folder.exists()
    (local_aws.state / "s3" / bucket).mkdir()
    assert bucket in [b["Name"] for b in s3.list_buckets()["Buckets"]]
    with pytest.raises(ClientError, match="not a bucket name"):
        s3.create_bucket(Bucket="Upper_Case")


def test_a_versioned_bucket_keeps_old_versions_and_the_folder_has_the_current_one(
    s3: Any, bucket: str, folder: Path
) -> None:
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    first = s3.put_object(Bucket=bucket, Key="a", Body=b"1")["VersionId"]
    (folder / "a").write_bytes(b"22")
    second = s3.head_object(Bucket=bucket, Key="a")["VersionId"]
    s3.put_object(Bucket=bucket, Key="a", Body=b"333")
    contents = [body(s3, bucket, "a", VersionId=v) for v in (first, second)]
    assert [*contents, body(s3, bucket, "a")] == [b"1", b"22", b"333"]
    s3.delete_object(Bucket=bucket, Key="a")
    assert not (folder / "a").exists()


def test_a_failed_write_is_an_error_and_leaves_the_object_unchanged(
    s3: Any, bucket: str, folder: Path, local_aws: LocalAws
) -> None:
    s3.put_object(Bucket=bucket, Key="a", Body=b"old")
    incoming = local_aws.state / "s3" / ".incoming"
    incoming.rmdir()
    try:
        for key in ("a", "b"):
            with pytest.raises(ClientError, match=r"InsufficientStorage.*the local S3 cannot write"):
                s3.put_object(Bucket=bucket, Key=key, Body=b"new")
    finally:
        incoming.mkdir()
    assert body(s3, bucket, "a") == (folder / "a").read_bytes() == b"old"
    assert keys(s3, bucket) == ["a"]


def test_objects_survive_a_restart(tmp_path: Path) -> None:
    with LocalAws(state=tmp_path) as aws:
        s3 = aws.client("s3")
        s3.create_bucket(Bucket="kept")
        s3.put_object(Bucket="kept", Key="a/b", Body=b"still here")
        upload = s3.create_multipart_upload(Bucket="kept", Key="parts")["UploadId"]
    assert aws.process.returncode == 0
    with LocalAws(state=tmp_path) as aws:
        s3 = aws.client("s3")
        assert body(s3, "kept", "a/b") == b"still here"
        with pytest.raises(ClientError, match="NoSuchUpload"):
            s3.upload_part(Bucket="kept", Key="parts", UploadId=upload, PartNumber=1, Body=b"late")
        source = {"Bucket": "kept", "Key": "a/b"}
        with pytest.raises(ClientError, match="NoSuchUpload"):
            s3.upload_part_copy(Bucket="kept", Key="parts", UploadId=upload, PartNumber=1, CopySource=source)
