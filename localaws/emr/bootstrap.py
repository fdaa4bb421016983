"""Runs the bootstrap actions of a cluster, once, on the machine of the server and as its user.

https://docs.aws.amazon.com/emr/latest/ManagementGuide/emr-plan-bootstrap.html
"""

from __future__ import annotations

import shlex

from localaws.emr.cluster_registry import ClusterRegistry
from localaws.emr.fault_hooks import ClusterFaultHooks
from localaws.emr.log_files import LogFiles
from localaws.emr.model import SHUTDOWN_STATES, Cluster, Reason
from localaws.emr.node import CommandError, Node
from localaws.protocol import JSON
from localaws.s3.store import Store
from localaws.spark import process

_DOCUMENTATION = "https://docs.aws.amazon.com/emr/latest/ManagementGuide"


class BootstrapRunner:
    def __init__(
        self,
        cluster: Cluster,
        registry: ClusterRegistry,
        store: Store,
        node: Node,
        endpoint_url: str,
        fault_hooks: ClusterFaultHooks,
    ) -> None:
        self._cluster, self._registry, self._store, self._node = cluster, registry, store, node
        self._endpoint_url, self._fault_hooks = endpoint_url, fault_hooks

    def run(self) -> Reason | None:
        """Run the actions in their order until one fails. Return why; None if all succeeded."""
        actions = self._cluster.request["BootstrapActions"]
        failures = (self._run_action(number, action) for number, action in enumerate(actions, start=1))
        return next((failure for failure in failures if failure), None)

    def _run_action(self, number: int, action: JSON) -> Reason | None:
        log_uri, instance = self._cluster.request.get("LogUri"), self._cluster.primary_instance
        prefix = f"{self._cluster.id}/node/{instance}/bootstrap-actions/{number}"
        logs = LogFiles(
            self._store,
            self._node.folder / "bootstrap-actions" / str(number),
            f"{log_uri.rstrip('/')}/{prefix}" if log_uri else None,
            self._registry.clock,
        )
        path, args = action["ScriptBootstrapAction"]["Path"], action["ScriptBootstrapAction"].get("Args", [])
        logs.record(f"startExec {shlex.join([path, *args])!r}")
        failure: Reason | None = None
        try:
            script = self._node.script(path)
        except CommandError as error:
            logs.record(str(error), "ERROR")
            failure = _reason(
                f"Master instance ({instance}) failed attempting to download bootstrap action {number} file from S3",
                "BOOTSTRAP_FAILURE_BA_DOWNLOAD_FAILED_PRIMARY",
                instance,
            )
        else:
            with logs.growing():
                code = process.run(
                    [str(script), *args],
                    self._node.environment(
                        self._cluster.request.get("Configurations", []), self._endpoint_url
                    ),
                    self._node.work,
                    logs.folder,
                    self._fault_hooks.of_bootstrap_action(number),
                    self._stop_request,
                )
            logs.record(f"waitProcessCompletion ended with exit code {code}")
            message = f"On the master instance ({instance}), bootstrap action {number} returned a non-zero return code"
            failure = (
                _reason(message, "BOOTSTRAP_FAILURE_PRIMARY_WITH_NON_ZERO_CODE", instance) if code else None
            )
        logs.archive()
        return failure

    def _stop_request(self) -> process.Stop | None:
        return process.Stop.KILL if self._cluster.state in SHUTDOWN_STATES else None


def _reason(message: str, error_code: str, instance: str) -> Reason:
    data = {"primary-instance-id": instance, "public-doc": f"{_DOCUMENTATION}/{error_code}.html"}
    return Reason(message, "BOOTSTRAP_FAILURE", with_errors=True, error_code=error_code, error_data=data)
