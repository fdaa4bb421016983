"""Validation of the roles of clusters and job runs against moto's IAM.

The roles are validated only if IAM contains at least one role. So a cluster can be created without IAM setup, but a
misspelled name of an existing role is found.
"""

from __future__ import annotations

import sys

from localaws import ACCOUNT
from localaws.emr.errors import validation_error


def check_roles(service_role: str, instance_profile: str) -> None:
    """Raise ValidationException if IAM has roles but does not have these (names or ARNs)."""
    if "moto.iam.models" not in sys.modules:  # IAM has not been used yet
        return
    backend = sys.modules["moto.iam.models"].iam_backends[ACCOUNT]["aws"]
    roles = {role.name for role in backend.roles.values()}
    profiles = {profile.name for profile in backend.instance_profiles.values()}
    if roles and _name(service_role) not in roles:
        raise validation_error(f"Invalid ServiceRole: {service_role}. IAM has no such role.")
    if roles and _name(instance_profile) not in profiles:
        raise validation_error(
            f"Invalid InstanceProfile: {instance_profile}. IAM has no such instance profile."
        )


def check_execution_role(arn: str) -> None:
    """Raise ValidationException if IAM has roles but not the execution role of a job run."""
    if "moto.iam.models" not in sys.modules:
        return
    backend = sys.modules["moto.iam.models"].iam_backends[ACCOUNT]["aws"]
    if backend.roles and _name(arn) not in {role.name for role in backend.roles.values()}:
        raise validation_error(f"Invalid executionRoleArn: {arn}. IAM has no such role.")


def _name(name_or_arn: str) -> str:
    return name_or_arn.rpartition("/")[2]
