"""What a check is: a function that returns what it found, or raises Failed or NotChecked."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache, cached_property
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from emr_pipeline.cli.aws import Aws
from emr_pipeline.settings import Settings

OK, FAILED, NOT_CHECKED = "ok", "failed", "not checked"

EMR_TAG = "for-use-with-amazon-emr-managed-policies"
"""AmazonEMRServicePolicy_v2 allows EMR only what has this tag with the value ``true``."""

DEPLOY = "run `emr-pipeline deploy`"


class Failed(Exception):
    """A run would fail; ``fix`` says what to do."""

    def __init__(self, detail: str, fix: str) -> None:
        super().__init__(detail)
        self.fix = fix


class NotChecked(Exception):
    """The check cannot be done; the message is the reason."""


@dataclass(frozen=True)
class Result:
    check: str
    status: str
    detail: str
    fix: str = ""


@dataclass(frozen=True)
class ClusterSize:
    """The cluster for which quotas and the release are checked."""

    release_label: str
    core_nodes: int
    spot_share: float
    task_nodes: int = 0


@dataclass
class Deployment:
    """What is checked."""

    aws: Aws
    settings: Settings
    cluster: ClusterSize
    caller: str = ""
    """The ARN of Airflow's role or user; empty for the credentials of this command."""
    client: Callable[[str], Any] = field(init=False)

    def __post_init__(self) -> None:
        self.client = self.aws.client
        self.get_role = cache(self._get_role)

    def _get_role(self, name: str) -> dict[str, Any]:
        with expect("NoSuchEntity", f"the role {name} does not exist", DEPLOY):
            role: dict[str, Any] = self.client("iam").get_role(RoleName=name)["Role"]
        return role

    @cached_property
    def subnets(self) -> list[dict[str, Any]]:
        """The subnets of the settings. Raises NotChecked if there are none, and Failed if one does not exist."""
        ids = [subnet.strip() for subnet in self.settings.subnet_ids.split(",") if subnet.strip()]
        if not ids:
            raise NotChecked("EMR_PIPELINE_SUBNET_IDS is empty: EMR chooses a subnet of the default VPC")
        with expect("InvalidSubnetID", f"one of the subnets {', '.join(ids)} does not exist", DEPLOY):
            found: list[dict[str, Any]] = self.client("ec2").describe_subnets(SubnetIds=ids)["Subnets"]
        return found


Function = Callable[[Deployment], str]


@dataclass(frozen=True)
class Check:
    """A check of ``name``, which is done only if all checks in ``after`` are ok."""

    name: str
    function: Function
    after: tuple[str, ...]


def check(name: str, *after: str) -> Callable[[Function], Check]:
    """Make the decorated function a check."""
    return lambda function: Check(name, function, after)


@contextmanager
def expect(code: str, detail: str, fix: str) -> Iterator[None]:
    """Turn AWS errors whose code or message contains ``code`` into Failed."""
    try:
        yield
    except ClientError as error:
        text = f"{error.response['Error']['Code']} {error.response['Error'].get('Message', '')}"
        if code not in text:
            raise
        raise Failed(detail, fix) from None


def run_checks(checks: Iterable[Check], deployment: Deployment) -> Iterator[Result]:
    """Yield the result of each check."""
    passed: dict[str, bool] = {}
    for each in checks:
        result = _result(each, deployment, passed)
        passed[each.name] = result.status == OK
        yield result


def _result(each: Check, deployment: Deployment, passed: Mapping[str, bool]) -> Result:
    if missing := [name for name in each.after if not passed[name]]:
        return Result(each.name, NOT_CHECKED, f"needs: {missing[0]}")
    try:
        return Result(each.name, OK, each.function(deployment))
    except Failed as failure:
        return Result(each.name, FAILED, str(failure), failure.fix)
    except (NotChecked, BotoCoreError) as reason:
        return Result(each.name, NOT_CHECKED, str(reason))
    except ClientError as error:
        return Result(each.name, NOT_CHECKED, f"{error.operation_name}: {error.response['Error']['Code']}")


def tags(resource: Mapping[str, Any]) -> dict[str, str]:
    return {tag["Key"]: tag["Value"] for tag in resource.get("Tags", [])}
