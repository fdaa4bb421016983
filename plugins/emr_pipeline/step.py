"""The AddJobFlowSteps request: one spark-submit for each step.

https://docs.aws.amazon.com/emr/latest/ReleaseGuide/emr-spark-submit-step.html
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

UNFINISHED_STATES = ("PENDING", "CANCEL_PENDING", "RUNNING")


def spark_step(name: str, script: str, py_files: str, flags: Mapping[str, str]) -> dict[str, Any]:
    """Return a step that runs ``script`` with ``flags``; all values may hold Jinja, rendered by the operator.

    The driver runs on the cluster, so that a lost step process does not take it along. A failed step cancels
    those queued behind it and leaves the cluster waiting, so that the step can be repeated.
    """
    arguments = [part for flag, value in flags.items() for part in (f"--{flag}", value)]
    return {
        "Name": name,
        "ActionOnFailure": "CANCEL_AND_WAIT",
        "HadoopJarStep": {
            "Jar": "command-runner.jar",
            "Args": ["spark-submit", "--deploy-mode", "cluster", "--py-files", py_files, script, *arguments],
        },
    }
