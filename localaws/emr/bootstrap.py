"""Runs the bootstrap actions of a cluster, once, on the machine of the server and as its user.

https://docs.aws.amazon.com/emr/latest/ManagementGuide/emr-plan-bootstrap.html
"""

from __future__ import annotations

import shlex

from localaws.emr.fault_hooks import ClusterFaultHooks
from localaws.emr.log_files import ClusterLogs, LogFiles
from localaws.emr.model import SHUTDOWN_STATES, Cluster, Reason
from localaws.emr.node import CommandError, Node
from localaws.protocol import JSON
from localaws.spark import process

_DOCUMENTATION = "https://docs.aws.amazon.com/emr/latest/ManagementGuide"


class BootstrapRunner:
    def __init__(
        self, cluster: Cluster, node: Node, logs: ClusterLogs, fault_hooks: ClusterFaultHooks
    ) -> None:
        self._cluster, self._node, self._logs, self._fault_hooks = cluster, node, logs, fault_hooks

    def run(self) -> Reason | None:
        """Run the actions in their order until one fails. Return why; None if all succeeded."""
        actions = self._cluster.request["BootstrapActions"]
        failures = (self._run_action(number, action) for number, action in enumerate(actions, start=1))
        return next((failure for failure in failures if failure), None)

    def _run_action(self, number: int, action: JSON) -> Reason | None:
        instance, folder = self._cluster.primary_instance, f"bootstrap-actions/{number}"
        files = self._logs.create(folder, f"node/{instance}/{folder}")
        path, args = action["ScriptBootstrapAction"]["Path"], action["ScriptBootstrapAction"].get("Args", [])
        files.record(f"startExec {shlex.join([path, *args])!r}")
        failure = None
        try:
            script = self._node.script(path)
        except CommandError as error:
            files.record(str(error), "ERROR")
            failure = _reason(
                f"Master instance ({instance}) failed attempting to download bootstrap action {number} file from S3",
                "BOOTSTRAP_FAILURE_BA_DOWNLOAD_FAILED_PRIMARY",
                instance,
            )
        else:
            if self._run_command([str(script), *args], number, files):
                failure = _reason(
                    f"On the master instance ({instance}), bootstrap action {number} returned a non-zero return code",
                    "BOOTSTRAP_FAILURE_PRIMARY_WITH_NON_ZERO_CODE",
                    instance,
                )
        files.archive()
        return failure

    def _run_command(self, command: list[str], number: int, files: LogFiles) -> int:
        """Return the exit code."""
        hooks = self._fault_hooks.of_bootstrap_action(number)
        with files.growing():
            code = process.run(
                command, self._node.environment(), self._node.work, files.folder, hooks, self._stop_request
            )
        files.record(f"waitProcessCompletion ended with exit code {code}")
        return code

    def _stop_request(self) -> process.Stop | None:
        return process.Stop.KILL if self._cluster.state in SHUTDOWN_STATES else None


def _reason(message: str, error_code: str, instance: str) -> Reason:
    data = {"primary-instance-id": instance, "public-doc": f"{_DOCUMENTATION}/{error_code}.html"}
    return Reason(message, "BOOTSTRAP_FAILURE", with_errors=True, error_code=error_code, error_data=data)
