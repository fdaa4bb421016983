"""Whether the roles of a cluster exist in moto's IAM.

They are looked up only once somebody has made a role there: an account without any role would need a set-up
that teaches nothing, while a role that was made and then misspelled is a mistake worth finding here.
"""

from __future__ import annotations

import sys

from localaws.emr.errors import validation_error

ACCOUNT = "123456789012"


def check_roles(service_role: str, instance_profile: str) -> None:
    """Raise ValidationException if IAM has roles, but not these (names or ARNs)."""
    if "moto.iam.models" not in sys.modules:  # nobody has spoken to IAM yet
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


def _name(name_or_arn: str) -> str:
    return name_or_arn.rpartition("/")[2]
