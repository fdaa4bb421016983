"""The cluster and the steps that a DAG asks for.

Each value may be a Jinja template: the operator renders it in the run, and the request is validated then. A number may
therefore be given as text.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import inf
from typing import Any

EMR_EC2, EMR_SERVERLESS = "emr-ec2", "emr-serverless"
TARGETS = (EMR_EC2, EMR_SERVERLESS)
"""Where the steps of a run can run: https://docs.aws.amazon.com/emr/latest/EMR-Serverless-UserGuide/emr-serverless.html"""

INSTANCE_TYPES = {
    "arm64": ("m7g.xlarge", "m6g.xlarge", "m6gd.xlarge"),
    "x86_64": ("m6i.xlarge", "m5.xlarge", "m6a.xlarge", "m5a.xlarge"),
}
"""By processor architecture, with EC2's names; arm64 is Graviton. Each has 4 vCPUs and 16 GiB, so that one Spark
configuration fits all of them."""

_PYTHON = {"PYSPARK_PYTHON": "/usr/bin/python3.11", "PYSPARK_DRIVER_PYTHON": "/usr/bin/python3.11"}

PYTHON_3_11_AND_UTC: tuple[dict[str, Any], ...] = (
    # The default Python of EMR 7 is 3.9.
    {"Classification": "spark-env", "Configurations": [{"Classification": "export", "Properties": _PYTHON}]},
    {"Classification": "spark-defaults", "Properties": {"spark.sql.session.timeZone": "UTC"}},
)

ACTIONS_ON_FAILURE = ("CONTINUE", "CANCEL_AND_WAIT", "TERMINATE_CLUSTER")


@dataclass(frozen=True)
class ClusterSpec:
    """A transient EMR cluster of one primary node, a fleet of core nodes, and optionally a fleet of task nodes.

    On EMR Serverless it is an application whose workers may together be as large. It uses ``release_label``, the number
    of nodes, ``configurations``, ``idle_minutes`` and ``live_logs``, and ``extra`` must be empty.
    """

    release_label: str
    """EMR release, such as ``emr-7.13.0``."""
    core_nodes: int | str
    """Target capacity of the core fleet: the number of nodes if each instance type has the weight 1."""
    spot_share: float | str = 0
    """Share of ``core_nodes`` to request as Spot, from 0 to 1. The primary node is always On-Demand."""
    task_nodes: int | str = 0
    """The most task nodes, which are Spot instances. EMR's managed scaling removes them when they are idle and adds
    them again when there is work. They store no data, so losing them only repeats work."""
    primary_instance_types: Sequence[str] = ()
    """Instance types that EMR may choose from for the primary node; none for those of ``Settings.architecture``."""
    core_instance_types: Mapping[str, int | str] = field(default_factory=dict)
    """Weight of each instance type that EMR may choose from for the core and task nodes: its share of ``core_nodes``
    and ``task_nodes``. Empty for those of ``Settings.architecture`` with the weight 1."""
    applications: Sequence[str] = ("Spark",)
    configurations: Sequence[Mapping[str, Any]] = PYTHON_3_11_AND_UTC
    """https://docs.aws.amazon.com/emr/latest/ReleaseGuide/emr-configure-apps.html"""
    bootstrap_actions: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """S3 URI and arguments of each script that every node runs before the applications start, by its name."""
    idle_minutes: int | str = 15
    """Idle time after which EMR terminates the cluster, even if Airflow is lost."""
    live_logs: bool = True
    """Write the logs of running steps to ``Settings.log_group``, if it is set; EMR on EC2 needs emr-7.11.0 or later."""
    extra: Mapping[str, Any] = field(default_factory=dict)
    """Further members of the RunJobFlow request, such as ``{"EbsRootVolumeSize": 50}``."""


@dataclass(frozen=True)
class StepSpec:
    """A PySpark script with its arguments."""

    name: str
    """Unique in its DAG: the operators find the step on the cluster by its name."""
    script: str
    """S3 URI of the script."""
    arguments: Sequence[Any] = ()
    flags: Mapping[str, Any] = field(default_factory=dict)
    """Arguments ``--name value``, which follow ``arguments``."""
    conf: Mapping[str, Any] = field(default_factory=dict)
    """Spark properties of this step, such as ``{"spark.executor.memory": "8g"}``."""
    jars: Sequence[str] = ()
    """S3 URIs of the JARs that the driver and the executors need."""
    py_files: Sequence[str] = ()
    """S3 URIs of the Python modules and zip files that the script imports."""
    inputs: Sequence[str] = ()
    """S3 URIs that the step reads, for OpenLineage only."""
    outputs: Sequence[str] = ()
    """S3 URIs that the step writes, for OpenLineage only."""
    action_on_failure: str = "CANCEL_AND_WAIT"
    """One of ``ACTIONS_ON_FAILURE``. The default keeps the cluster, so that a failed step can be repeated. On
    EMR Serverless the next step is submitted only after this one has succeeded."""
    execution_roles: Mapping[str, str] = field(default_factory=dict)
    """ARN of the IAM role of the step by target, as ``Settings.execution_roles`` returns them. EMR Serverless needs
    one; EMR on EC2 uses the instance profile if there is none."""

    def check(self) -> None:
        """Raise ValueError if the step has no name or no script."""
        if not self.name or not self.script:
            raise ValueError(f"name is {self.name!r} and script is {self.script!r}; a step must have both")

    @property
    def file_options(self) -> list[str]:
        """The options of spark-submit for ``jars`` and ``py_files``."""
        files = {"--jars": self.jars, "--py-files": self.py_files}
        return [part for option, uris in files.items() if uris for part in (option, ",".join(uris))]

    @property
    def script_arguments(self) -> list[str]:
        """``arguments`` and ``flags`` as words of a command line."""
        flags = (part for flag, value in self.flags.items() for part in (f"--{flag}", str(value)))
        return [*map(str, self.arguments), *flags]


def whole_number(name: str, value: Any, minimum: int, maximum: float = inf) -> int:
    """Return ``value`` as an int; raise ValueError with the field's name if it is not a whole number within bounds."""
    number = _number(name, value)
    if not number.is_integer() or not minimum <= number <= maximum:
        bounds = f"of at least {minimum}" if maximum == inf else f"from {minimum} to {maximum}"
        raise ValueError(f"{name} is {value}; it must be a whole number {bounds}")
    return int(number)


def share(name: str, value: Any) -> float:
    """Return ``value`` as a float; raise ValueError with the field's name if it is not from 0 to 1."""
    number = _number(name, value)
    if not 0 <= number <= 1:
        raise ValueError(f"{name} is {value}; it must be a share from 0 to 1")
    return number


def _number(name: str, value: Any) -> float:
    try:
        return float(value)
    except (TypeError, ValueError):
        raise ValueError(f"{name} is {value!r}; it must be a number") from None
