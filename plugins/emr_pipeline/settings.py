"""Names and addresses that differ between deployments. Several Settings can exist side by side."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import MISSING, dataclass, fields

from emr_pipeline.specs import EMR_EC2, EMR_SERVERLESS, INSTANCE_TYPES, TARGETS

PREFIX = "EMR_PIPELINE_"


class SettingsError(ValueError):
    """A setting is missing or unknown; the message names its environment variable."""


@dataclass(frozen=True)
class Settings:
    """Where a pipeline runs; ``from_environment`` reads each field from the variable ``<PREFIX><FIELD>``."""

    bucket: str
    """S3 bucket for raw data, job code, outputs, models, logs and reports."""
    aws_conn_id: str = "aws_default"
    """Airflow connection for all AWS calls; its ``endpoint_url`` selects a local AWS."""
    project: str = "emr-pipeline"
    """Value of the tag ``project``, for cost allocation."""
    workgroup: str = "primary"
    """Athena workgroup."""
    database: str = "default"
    """Glue database of the tables."""
    target: str = EMR_EC2
    """Where steps run: ``emr-ec2`` or ``emr-serverless``."""
    job_role: str = ""
    """ARN of the job runtime role, with which steps run on EMR Serverless; required there."""
    runtime_role: str = ""
    """ARN of the runtime role, with which steps run on EMR on EC2; empty for the role of the instance profile. The
    security configuration must allow it: https://docs.aws.amazon.com/emr/latest/ManagementGuide/emr-steps-runtime-roles.html"""
    python_archive: str = ""
    """S3 URI of a zip file with Python packages that EMR Serverless lacks, such as a wheel of numpy; empty for none."""
    service_role: str = "EMR_DefaultRole"
    """IAM role of the EMR service."""
    instance_profile: str = "EMR_EC2_DefaultRole"
    """Instance profile of the cluster's nodes."""
    architecture: str = "arm64"
    """Processors of the nodes: ``arm64`` (Graviton) or ``x86_64``."""
    subnet_ids: str = ""
    """Comma-separated subnets that EMR may choose from; empty for the account's default."""
    primary_security_group: str = ""
    """Security group of the primary node; empty to let EMR create its default groups, as for the next two."""
    core_security_group: str = ""
    """Security group of the core and task nodes."""
    service_security_group: str = ""
    """Security group through which EMR reaches the nodes in private subnets."""
    security_configuration: str = ""
    """Name of the EMR security configuration; empty for none."""
    jobs_folder: str = ""
    """Folder of the Spark jobs on the workers of Airflow; empty for ``spark/`` next to the folder of the DAGs."""
    schedule: str = ""
    """Cron expression in UTC for the DAGs with a run date; empty for manual runs only."""
    log_group: str = ""
    """CloudWatch log group for the logs of running steps, which the tasks then show; empty for none."""
    alert_topic_arn: str = ""
    """SNS topic for alerts about failed and late runs; empty for the log only."""
    owner: str = "data-engineering"
    """Owner of the DAGs, as the web UI shows it."""
    owner_link: str = ""
    """Link of the owner's name, ``https://…`` or ``mailto:…``; empty for none."""
    console_url: str = "https://console.aws.amazon.com"
    """AWS console that the page of a step links to; empty for none, as with a local AWS."""

    @classmethod
    def from_environment(
        cls, environment: Mapping[str, str] = os.environ, *, prefix: str = PREFIX, **defaults: str
    ) -> Settings:
        """Return the settings of a DAG from the variables that begin with ``prefix``.

        ``defaults`` replace the defaults of the fields. Raises SettingsError for a variable that is missing, and for
        one that is not a setting. No prefix may begin with another one.
        """
        given = {
            name.removeprefix(prefix).lower(): value
            for name, value in environment.items()
            if name.startswith(prefix)
        }
        known = {field.name: field for field in fields(cls)}
        if unknown := sorted(given.keys() - known.keys()):
            raise SettingsError(
                f"unknown setting {prefix}{unknown[0].upper()}; "
                f"valid settings: {', '.join(prefix + name.upper() for name in known)}"
            )
        values = defaults | given
        if (architecture := values.get("architecture", cls.architecture)) not in INSTANCE_TYPES:
            raise SettingsError(
                f"{prefix}ARCHITECTURE is {architecture!r}; it must be {' or '.join(INSTANCE_TYPES)}"
            )
        if (target := values.get("target", cls.target)) not in TARGETS:
            raise SettingsError(f"{prefix}TARGET is {target!r}; it must be {' or '.join(TARGETS)}")
        if missing := [name for name, f in known.items() if f.default is MISSING and not values.get(name)]:
            raise SettingsError(
                f"{prefix}{missing[0].upper()} is not set; set it in the environment of Airflow"
            )
        return cls(**values)

    @property
    def owner_links(self) -> dict[str, str]:
        """Return the ``owner_links`` of a DAG."""
        return {self.owner: self.owner_link} if self.owner_link else {}

    @property
    def execution_roles(self) -> dict[str, str]:
        """Return the ``execution_roles`` of a StepSpec."""
        roles = {EMR_EC2: self.runtime_role, EMR_SERVERLESS: self.job_role}
        return {target: role for target, role in roles.items() if role}

    def s3(self, *parts: str) -> str:
        """Return ``s3://<bucket>/<parts joined by slashes>``."""
        return "/".join((f"s3://{self.bucket}", *parts))
