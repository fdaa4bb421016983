"""The RunJobFlow request is valid to AWS's own model and holds the belts against a cluster that burns money."""

from __future__ import annotations

from typing import Any

import botocore.session
import pytest
from botocore.validate import ParamValidator

from emr_pipeline.cluster import Cluster, run_job_flow_request, run_tags
from emr_pipeline.settings import Settings

TAGS = run_tags("dag", "manual__2026-01-31T00:00:00+00:00", Settings(bucket="lake", project="sales"))


def request(core_nodes: int = 4, spot_share: float = 0.5, **settings: str) -> dict[str, Any]:
    cluster = Cluster("emr-7.13.0", core_nodes, spot_share)
    return run_job_flow_request(
        "run", cluster, Settings(bucket="lake", **settings), TAGS, "s3://lake/bootstrap.sh"
    )


def capacities(request: dict[str, Any]) -> dict[str, tuple[int, int]]:
    fleets = request["Instances"]["InstanceFleets"]
    return {f["InstanceFleetType"]: (f["TargetOnDemandCapacity"], f["TargetSpotCapacity"]) for f in fleets}


@pytest.mark.parametrize(
    "settings", [{}, {"subnet_ids": "subnet-1, subnet-2", "security_configuration": "locked"}]
)
def test_the_request_is_valid_to_the_service_model(settings: dict[str, str]) -> None:
    operation = botocore.session.get_session().get_service_model("emr").operation_model("RunJobFlow")
    report = ParamValidator().validate(request(**settings), operation.input_shape)
    assert not report.has_errors(), report.generate_report()


@pytest.mark.parametrize(
    ("core_nodes", "spot_share", "core"),
    [(4, 0.5, (2, 2)), (3, 0.0, (3, 0)), (1, 1.0, (0, 1)), (3, 0.5, (1, 2))],
)
def test_the_spot_share_divides_the_core_nodes_and_spares_the_primary(
    core_nodes: int, spot_share: float, core: tuple[int, int]
) -> None:
    assert capacities(request(core_nodes, spot_share)) == {"MASTER": (1, 0), "CORE": core}


def test_an_idle_cluster_ends_itself_and_nothing_protects_it() -> None:
    assert request()["AutoTerminationPolicy"] == {"IdleTimeout": 900}
    assert request()["Instances"]["TerminationProtected"] is False


def test_the_tags_tell_run_and_deployment_and_satisfy_the_managed_policies() -> None:
    tags = {tag["Key"]: tag["Value"] for tag in request()["Tags"]}
    assert tags == {
        "dag_id": "dag",
        "run_id": "manual__2026-01-31T00:00:00+00:00",
        "project": "sales",
        "bucket": "lake",
        "for-use-with-amazon-emr-managed-policies": "true",
    }


def test_subnets_are_listed_one_by_one() -> None:
    assert request(subnet_ids="subnet-1, subnet-2")["Instances"]["Ec2SubnetIds"] == ["subnet-1", "subnet-2"]


@pytest.mark.parametrize(
    ("rendered", "message"),
    [
        ({"core_nodes": "0", "spot_share": "0"}, "core_nodes is 0"),
        ({"core_nodes": "2", "spot_share": "2"}, "spot_share is 2"),
    ],
)
def test_a_cluster_out_of_bounds_is_refused_by_name(rendered: dict[str, str], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Cluster.parse({"release_label": "emr-7.13.0", **rendered})
