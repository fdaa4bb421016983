"""Security configurations, and the block of public access: checked and stored, without effect.

Sources: https://docs.aws.amazon.com/emr/latest/ManagementGuide/emr-create-security-configuration.html,
https://docs.aws.amazon.com/emr/latest/ManagementGuide/emr-block-public-access.html
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from threading import Lock
from typing import Any

from localaws import ACCOUNT
from localaws.emr.errors import invalid_request
from localaws.protocol import JSON

# The sections that are stored as they are: Kerberos, runtime roles, EMRFS roles, Lake Formation.
_UNCHECKED = ("AuthenticationConfiguration", "AuthorizationConfiguration", "LakeFormationConfiguration")
# The values of a setting, each with the further settings that it requires.
_S3_MODES = {
    "SSE-S3": (),
    "SSE-KMS": ("AwsKmsKey",),
    "CSE-KMS": ("AwsKmsKey",),
    "CSE-Custom": ("S3Object", "EncryptionKeyProviderClass"),
}
_DISK_PROVIDERS = {"AwsKms": ("AwsKmsKey",), "Custom": ("S3Object", "EncryptionKeyProviderClass")}
_CERTIFICATE_PROVIDERS = {"PEM": ("S3Object",), "Custom": ("S3Object", "CertificateProviderClass")}
_MAX_HOP_LIMIT = 64
BLOCK_PUBLIC_ACCESS = {
    "BlockPublicSecurityGroupRules": True,
    "PermittedPublicSecurityGroupRuleRanges": [{"MinRange": 22, "MaxRange": 22}],
}
"""The setting of a new account."""


@dataclass(frozen=True)
class SecurityConfiguration:
    name: str
    content: str
    created: datetime

    @property
    def id(self) -> str:
        """The id for paging."""
        return self.name


class SecurityConfigurations:
    def __init__(self) -> None:
        self.by_name: dict[str, SecurityConfiguration] = {}
        self._lock = Lock()

    def __iter__(self) -> Iterator[SecurityConfiguration]:
        return iter(list(self.by_name.values()))

    def create(self, name: str, content: str, now: datetime) -> None:
        """Raises InvalidRequestException if the name already exists or the content is not valid."""
        try:
            parsed = json.loads(content)
        except ValueError:
            parsed = None
        if not isinstance(parsed, dict):
            raise invalid_request("The SecurityConfiguration is not a JSON object.")
        _check(parsed)
        with self._lock:
            if name in self.by_name:
                raise invalid_request(f"SecurityConfiguration with name '{name}' already exists.")
            self.by_name[name] = SecurityConfiguration(name, content, now)

    def get(self, name: str) -> SecurityConfiguration:
        """Raises InvalidRequestException if it does not exist."""
        if name not in self.by_name:
            raise invalid_request(f"Security configuration with name '{name}' does not exist.")
        return self.by_name[name]

    def has_runtime_roles(self, name: str | None) -> bool:
        """Return whether the steps of a cluster with this security configuration may have runtime roles.

        https://docs.aws.amazon.com/emr/latest/ManagementGuide/emr-steps-runtime-roles.html
        """
        if name is None or name not in self.by_name:
            return False
        authorization = json.loads(self.by_name[name].content).get("AuthorizationConfiguration", {})
        return authorization.get("IAMConfiguration", {}).get("EnableApplicationScopedIAMRole") is True

    def delete(self, name: str) -> None:
        with self._lock:
            del self.by_name[self.get(name).name]


def block_public_access(configuration: JSON, now: datetime) -> JSON:
    """Return the response of GetBlockPublicAccessConfiguration."""
    return {
        "BlockPublicAccessConfiguration": configuration,
        "BlockPublicAccessConfigurationMetadata": {
            "CreationDateTime": now,
            "CreatedByArn": f"arn:aws:iam::{ACCOUNT}:root",
        },
    }


def _check(configuration: dict[str, Any]) -> None:
    sections = ("EncryptionConfiguration", "InstanceMetadataServiceConfiguration", *_UNCHECKED)
    _check_keys("SecurityConfiguration", configuration, sections)
    if (encryption := configuration.get("EncryptionConfiguration")) is not None:
        _check_encryption(encryption)
    if (metadata := configuration.get("InstanceMetadataServiceConfiguration")) is not None:
        _check_metadata_service(metadata)


def _check_encryption(encryption: dict[str, Any]) -> None:
    switches = {
        "EnableInTransitEncryption": "InTransitEncryptionConfiguration",
        "EnableAtRestEncryption": "AtRestEncryptionConfiguration",
    }
    _check_keys("EncryptionConfiguration", encryption, (*switches, *switches.values()))
    for switch, details in switches.items():
        if not isinstance(encryption.get(switch), bool):
            raise invalid_request(f"EncryptionConfiguration requires {switch}, true or false.")
        if encryption[switch] and not encryption.get(details):
            raise invalid_request(f"{switch} is true, so {details} is required.")
    at_rest = encryption.get("AtRestEncryptionConfiguration", {})
    _check_keys(
        "AtRestEncryptionConfiguration",
        at_rest,
        ("S3EncryptionConfiguration", "LocalDiskEncryptionConfiguration"),
    )
    _check_choice(at_rest, "S3EncryptionConfiguration", "EncryptionMode", _S3_MODES, ("Overrides",))
    _check_choice(
        at_rest,
        "LocalDiskEncryptionConfiguration",
        "EncryptionKeyProviderType",
        _DISK_PROVIDERS,
        ("EnableEbsEncryption",),
    )
    in_transit = encryption.get("InTransitEncryptionConfiguration", {})
    _check_keys("InTransitEncryptionConfiguration", in_transit, ("TLSCertificateConfiguration",))
    _check_choice(
        in_transit, "TLSCertificateConfiguration", "CertificateProviderType", _CERTIFICATE_PROVIDERS
    )


def _check_choice(
    parent: dict[str, Any],
    name: str,
    setting: str,
    choices: dict[str, tuple[str, ...]],
    optional: tuple[str, ...] = (),
) -> None:
    """Check the section ``name`` of ``parent``: its ``setting`` selects which further settings it requires."""
    if name not in parent:
        return
    section = parent[name]
    known = {setting, *optional, *(key for keys in choices.values() for key in keys)}
    _check_keys(name, section, tuple(sorted(known)))
    chosen = section.get(setting)
    if chosen not in choices:
        raise invalid_request(f"{name}: {setting} is {chosen!r}, must be one of {', '.join(choices)}.")
    if missing := [key for key in choices[chosen] if not section.get(key)]:
        raise invalid_request(f"{name}: {setting} {chosen} requires {', '.join(missing)}.")


def _check_metadata_service(metadata: dict[str, Any]) -> None:
    name, versions = "MinimumInstanceMetadataServiceVersion", (1, 2)
    _check_keys("InstanceMetadataServiceConfiguration", metadata, (name, "HttpPutResponseHopLimit"))
    if metadata.get(name) not in versions:
        raise invalid_request(f"{name} is {metadata.get(name)!r}, must be 1 or 2.")
    limit = metadata.get("HttpPutResponseHopLimit", 1)
    if not isinstance(limit, int) or not 1 <= limit <= _MAX_HOP_LIMIT:
        raise invalid_request(f"HttpPutResponseHopLimit is {limit!r}, must be from 1 to {_MAX_HOP_LIMIT}.")


def _check_keys(name: str, section: Any, known: tuple[str, ...]) -> None:
    if not isinstance(section, dict):
        raise invalid_request(f"{name} is not a JSON object.")
    if unknown := [key for key in section if key not in known]:
        raise invalid_request(f"{name} has no {', '.join(unknown)}; it has {', '.join(known)}.")
