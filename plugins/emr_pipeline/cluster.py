"""The RunJobFlow request: a transient Spark cluster that ends itself when nobody needs it.

https://docs.aws.amazon.com/emr/latest/APIReference/API_RunJobFlow.html
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from emr_pipeline.settings import Settings

LIVE_STATES = ("STARTING", "BOOTSTRAPPING", "RUNNING", "WAITING")
ENDED_STATES = ("TERMINATED", "TERMINATED_WITH_ERRORS")

IDLE_MINUTES = 15
"""After this long without work EMR ends the cluster by itself, whatever became of Airflow."""

NODE_TYPES = ("m6i.xlarge", "m5.xlarge", "m6a.xlarge", "m5a.xlarge")
"""4 cores and 16 GiB each, so that one Spark configuration fits whichever the fleet gets."""


@dataclass(frozen=True)
class Cluster:
    """What a run may choose of its cluster; the rest is the same for every run."""

    release_label: str
    core_nodes: int
    spot_share: float

    @classmethod
    def parse(cls, rendered: Mapping[str, str]) -> Cluster:
        """Return the cluster from rendered templates; raise ValueError naming the field that is out of bounds."""
        cluster = cls(
            release_label=rendered["release_label"],
            core_nodes=int(rendered["core_nodes"]),
            spot_share=float(rendered["spot_share"]),
        )
        if cluster.core_nodes < 1:
            raise ValueError(f"core_nodes is {cluster.core_nodes}; a Spark cluster needs at least 1")
        if not 0 <= cluster.spot_share <= 1:
            raise ValueError(f"spot_share is {cluster.spot_share}; it is a share from 0 to 1")
        return cluster


def run_tags(dag_id: str, run_id: str, settings: Settings) -> dict[str, str]:
    """Return the tags by which a run, its Airflow, the bill and EMR's managed policies know the cluster.

    ``for-use-with-amazon-emr-managed-policies`` is what AmazonEMRServicePolicy_v2 asks for:
    https://docs.aws.amazon.com/emr/latest/ManagementGuide/emr-managed-iam-policies.html
    """
    return {
        "dag_id": dag_id,
        "run_id": run_id,
        **deployment_tags(settings),
        "for-use-with-amazon-emr-managed-policies": "true",
    }


def deployment_tags(settings: Settings) -> dict[str, str]:
    """Return the tags that tell the clusters of this Airflow from those of another in the same account."""
    return {"project": settings.project, "bucket": settings.bucket}


def run_job_flow_request(
    name: str, cluster: Cluster, settings: Settings, tags: Mapping[str, str], bootstrap: str
) -> dict[str, Any]:
    """Return the members of RunJobFlow; ``bootstrap`` is the S3 URI of the script each node runs first."""
    spot = round(cluster.core_nodes * cluster.spot_share)
    instances: dict[str, Any] = {
        "InstanceFleets": [
            _fleet("MASTER", on_demand=1, spot=0),
            _fleet("CORE", on_demand=cluster.core_nodes - spot, spot=spot),
        ],
        "KeepJobFlowAliveWhenNoSteps": True,
        "TerminationProtected": False,
    }
    if settings.subnet_ids:
        instances["Ec2SubnetIds"] = [subnet.strip() for subnet in settings.subnet_ids.split(",")]
    request = {
        "Name": name,
        "ReleaseLabel": cluster.release_label,
        "Applications": [{"Name": "Spark"}],
        "Instances": instances,
        "ServiceRole": settings.service_role,
        "JobFlowRole": settings.instance_profile,
        "LogUri": settings.s3("logs", ""),
        "BootstrapActions": [{"Name": "python", "ScriptBootstrapAction": {"Path": bootstrap, "Args": []}}],
        "Configurations": _configurations(),
        "AutoTerminationPolicy": {"IdleTimeout": IDLE_MINUTES * 60},
        "StepConcurrencyLevel": 1,
        "Tags": [{"Key": key, "Value": value} for key, value in tags.items()],
    }
    if settings.security_configuration:
        request["SecurityConfiguration"] = settings.security_configuration
    return request


def _fleet(kind: str, on_demand: int, spot: int) -> dict[str, Any]:
    fleet: dict[str, Any] = {
        "Name": kind.lower(),
        "InstanceFleetType": kind,
        "TargetOnDemandCapacity": on_demand,
        "TargetSpotCapacity": spot,
        "InstanceTypeConfigs": [{"InstanceType": node, "WeightedCapacity": 1} for node in NODE_TYPES],
    }
    if spot:
        # No Spot capacity within ten minutes costs more than On-Demand nodes would.
        fleet["LaunchSpecifications"] = {
            "SpotSpecification": {
                "TimeoutDurationMinutes": 10,
                "TimeoutAction": "SWITCH_TO_ON_DEMAND",
                "AllocationStrategy": "price-capacity-optimized",
            }
        }
    return fleet


def _configurations() -> list[dict[str, Any]]:
    python = {"PYSPARK_PYTHON": "/usr/bin/python3.11", "PYSPARK_DRIVER_PYTHON": "/usr/bin/python3.11"}
    return [
        # EMR 7 starts Python 3.9 unless told otherwise.
        {
            "Classification": "spark-env",
            "Configurations": [{"Classification": "export", "Properties": python}],
        },
        {"Classification": "spark-defaults", "Properties": {"spark.sql.session.timeZone": "UTC"}},
    ]
