"""S3: buckets and their policies."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

from localaws.cloudformation.errors import validation_error
from localaws.cloudformation.resources.base import (
    TAGS,
    Json,
    Properties,
    ResourceType,
    changed,
    policy,
)

_DEFAULT_ENCRYPTION = {"SSEAlgorithm": str, "KMSMasterKeyID": str}


class Bucket(ResourceType):
    type_name = "AWS::S3::Bucket"
    schema: ClassVar = {
        "BucketName": str,
        "PublicAccessBlockConfiguration": {
            "BlockPublicAcls": bool,
            "BlockPublicPolicy": bool,
            "IgnorePublicAcls": bool,
            "RestrictPublicBuckets": bool,
        },
        "OwnershipControls": {"Rules": [{"ObjectOwnership": str}]},
        "BucketEncryption": {
            "ServerSideEncryptionConfiguration": [
                {"BucketKeyEnabled": bool, "ServerSideEncryptionByDefault": _DEFAULT_ENCRYPTION}
            ]
        },
        "VersioningConfiguration": {"Status": str},
        "LifecycleConfiguration": {
            "Rules": [
                {
                    "Id": str,
                    "Status": str,
                    "Prefix": str,
                    "ExpirationInDays": int,
                    "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": int},
                    "NoncurrentVersionExpiration": {"NoncurrentDays": int, "NewerNoncurrentVersions": int},
                }
            ]
        },
        "Tags": TAGS,
    }
    immutable = ("BucketName",)
    name_property = "BucketName"
    attributes = ("Arn", "DomainName", "RegionalDomainName")

    def create(self, properties: Properties, name: str) -> str:
        bucket: str = properties.get("BucketName") or name.lower()
        region = self.aws.region
        location = (
            {} if region == "us-east-1" else {"CreateBucketConfiguration": {"LocationConstraint": region}}
        )
        s3 = self.aws["s3"]
        if any(found["Name"] == bucket for found in s3.list_buckets()["Buckets"]):
            raise validation_error(f"{bucket} already exists")  # CreateBucket is idempotent in us-east-1
        s3.create_bucket(Bucket=bucket, **location)
        return bucket

    def configure(self, resource_id: str, old: Properties, new: Properties) -> None:
        for name, (put, remove) in self._settings(resource_id).items():
            if not changed(old, new, name):
                continue
            if name in new:
                put(new[name])
            else:
                remove()

    def _settings(self, bucket: str) -> dict[str, tuple[Callable[[Any], Any], Callable[[], Any]]]:
        """Return for each property how to set and how to remove it."""
        s3, name = self.aws["s3"], {"Bucket": bucket}
        return {
            "PublicAccessBlockConfiguration": (
                lambda value: s3.put_public_access_block(**name, PublicAccessBlockConfiguration=value),
                lambda: s3.delete_public_access_block(**name),
            ),
            "OwnershipControls": (
                lambda value: s3.put_bucket_ownership_controls(**name, OwnershipControls=value),
                lambda: s3.delete_bucket_ownership_controls(**name),
            ),
            "BucketEncryption": (
                lambda value: s3.put_bucket_encryption(
                    **name, ServerSideEncryptionConfiguration=_encryption(value)
                ),
                lambda: s3.delete_bucket_encryption(**name),
            ),
            "VersioningConfiguration": (
                lambda value: s3.put_bucket_versioning(**name, VersioningConfiguration=value),
                lambda: s3.put_bucket_versioning(**name, VersioningConfiguration={"Status": "Suspended"}),
            ),
            "LifecycleConfiguration": (
                lambda value: s3.put_bucket_lifecycle_configuration(
                    **name, LifecycleConfiguration={"Rules": list(map(_lifecycle_rule, value["Rules"]))}
                ),
                lambda: s3.delete_bucket_lifecycle(**name),
            ),
            "Tags": (
                lambda value: s3.put_bucket_tagging(**name, Tagging={"TagSet": value}),
                lambda: s3.delete_bucket_tagging(**name),
            ),
        }

    def delete(self, resource_id: str, properties: Properties) -> None:
        self.aws["s3"].delete_bucket(Bucket=resource_id)

    def attribute_values(self, resource_id: str, properties: Properties) -> dict[str, str]:
        return {
            "Arn": f"arn:aws:s3:::{resource_id}",
            "DomainName": f"{resource_id}.s3.amazonaws.com",
            "RegionalDomainName": f"{resource_id}.s3.{self.aws.region}.amazonaws.com",
        }


def _encryption(configuration: dict[str, Any]) -> dict[str, Any]:
    """Return the configuration as S3 has it."""
    rules = [dict(rule) for rule in configuration["ServerSideEncryptionConfiguration"]]
    for rule in rules:
        rule["ApplyServerSideEncryptionByDefault"] = rule.pop("ServerSideEncryptionByDefault")
    return {"Rules": rules}


def _lifecycle_rule(rule: dict[str, Any]) -> dict[str, Any]:
    """Return the rule as S3 has it."""
    same = ("Status", "AbortIncompleteMultipartUpload", "NoncurrentVersionExpiration")
    renamed = {name: rule[name] for name in same if name in rule}
    if "Id" in rule:
        renamed["ID"] = rule["Id"]
    if "ExpirationInDays" in rule:
        renamed["Expiration"] = {"Days": rule["ExpirationInDays"]}
    return {**renamed, "Filter": {"Prefix": rule.get("Prefix", "")}}


class BucketPolicy(ResourceType):
    type_name = "AWS::S3::BucketPolicy"
    schema: ClassVar = {"Bucket": str, "PolicyDocument": Json}
    required = ("Bucket", "PolicyDocument")
    immutable = ("Bucket",)

    def create(self, properties: Properties, name: str) -> str:
        bucket: str = properties["Bucket"]
        s3 = self.aws["s3"]
        try:
            s3.get_bucket_policy(Bucket=bucket)
        except s3.exceptions.ClientError as error:
            if error.response["Error"]["Code"] != "NoSuchBucketPolicy":
                raise
            return bucket
        raise validation_error(f"The bucket policy already exists on bucket {bucket}.")

    def configure(self, resource_id: str, old: Properties, new: Properties) -> None:
        self.aws["s3"].put_bucket_policy(Bucket=resource_id, Policy=policy(new["PolicyDocument"]))

    def delete(self, resource_id: str, properties: Properties) -> None:
        self.aws["s3"].delete_bucket_policy(Bucket=resource_id)
