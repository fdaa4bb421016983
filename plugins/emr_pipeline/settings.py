"""Where the pipeline runs: the addresses and names that differ between deployments, and nothing else."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import MISSING, dataclass, fields

PREFIX = "EMR_PIPELINE_"


class SettingsError(ValueError):
    """A setting is missing, unknown or malformed; the message names it and says what to set."""


@dataclass(frozen=True)
class Settings:
    """One field for each environment variable ``EMR_PIPELINE_<FIELD>``."""

    bucket: str
    """S3 bucket that holds raw data, job code, outputs, models, logs and reports."""
    aws_conn_id: str = "aws_default"
    """Airflow connection for every AWS call; its ``endpoint_url`` is what makes a run local."""
    project: str = "sales-segmentation"
    """Value of the ``project`` tag: who pays."""
    workgroup: str = "primary"
    """Athena workgroup."""
    database: str = "beverage_analytics"
    """Glue database of the tables."""
    service_role: str = "EMR_DefaultRole"
    """Role EMR acts as."""
    instance_profile: str = "EMR_EC2_DefaultRole"
    """Role the nodes act as."""
    subnet_ids: str = ""
    """Comma-separated subnets EMR may choose from; empty leaves it to the account's default."""
    security_configuration: str = ""
    """Name of the EMR security configuration; empty for none."""
    alert_topic_arn: str = ""
    """SNS topic that is told of failed and late runs; empty for the log only."""
    owner: str = "data-engineering"
    """Who answers for the DAGs, as the web UI shows it."""
    owner_link: str = ""
    """Where the owner's name leads, ``https://…`` or ``mailto:…``; empty for nowhere."""
    console_url: str = "https://console.aws.amazon.com"
    """AWS console that the page of a step links to; empty for none, as on a local AWS."""

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> Settings:
        """Return the settings; raise SettingsError for a variable that is missing or that no field knows."""
        given = {
            name.removeprefix(PREFIX).lower(): value
            for name, value in environment.items()
            if name.startswith(PREFIX)
        }
        known = {field.name: field for field in fields(cls)}
        if unknown := sorted(given.keys() - known.keys()):
            raise SettingsError(
                f"unknown setting {PREFIX}{unknown[0].upper()}; "
                f"known are {', '.join(PREFIX + name.upper() for name in known)}"
            )
        if missing := [n for n, f in known.items() if f.default is MISSING and not given.get(n)]:
            raise SettingsError(f"{PREFIX}{missing[0].upper()} is not set; set it where Airflow starts")
        return cls(**given)

    @property
    def owner_links(self) -> dict[str, str]:
        """What a DAG takes as its ``owner_links``."""
        return {self.owner: self.owner_link} if self.owner_link else {}

    def s3(self, *parts: str) -> str:
        """Return ``s3://<bucket>/<parts joined by slashes>``."""
        return "/".join((f"s3://{self.bucket}", *parts))
