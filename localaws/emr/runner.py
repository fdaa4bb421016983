"""Runs clusters: one thread for each cluster advances its state and runs its bootstrap actions, one for each step.

Unexpected errors (no Spark, a full disk, a bug) end as a FAILED step or as a cluster TERMINATED_WITH_ERRORS. Planned
faults are applied by ``fault_hooks``.
"""

from __future__ import annotations

import logging
import shutil
from pathlib import Path
from threading import Thread

from localaws.emr.bootstrap import BootstrapRunner
from localaws.emr.cluster_registry import ClusterRegistry
from localaws.emr.fault_hooks import ClusterFaultHooks
from localaws.emr.log_files import ClusterLogs
from localaws.emr.model import Cluster, ClusterState, internal_error
from localaws.emr.node import Node
from localaws.emr.step_runner import StepRunner
from localaws.emr.steps import Failure, Step
from localaws.faults.plan import FaultPlan
from localaws.s3.store import Store
from localaws.spark import submit

POLL_SECONDS = 0.1  # interval at which the time is checked
STOP_SECONDS = 15.0
log = logging.getLogger(__name__)


class Runner:
    """``root`` is the folder for live logs (``<cluster>/<step>/{controller,stdout,stderr}``) and temporary files.

    ``event_logs`` is the folder for the event logs of Spark; ``endpoint_url`` is the address of this server. With
    ``s3a_jars``, steps use the S3A connector in this folder.
    """

    def __init__(
        self,
        registry: ClusterRegistry,
        store: Store,
        root: Path,
        event_logs: Path,
        plan: FaultPlan,
        endpoint_url: str,
        s3a_jars: Path | None = None,
    ) -> None:
        self._registry, self._store, self._plan = registry, store, plan
        self._root, self._event_logs, self._endpoint_url = root, event_logs, endpoint_url
        self._s3a = submit.s3a(s3a_jars, endpoint_url) if s3a_jars else {}
        self._threads: list[Thread] = []

    def launch(self, cluster: Cluster) -> None:
        fault_hooks = ClusterFaultHooks(self._plan, cluster)
        cluster.phase_failure = fault_hooks.phase_failure
        cluster.termination_delay = fault_hooks.termination_delay
        folder = self._root / cluster.id
        node = Node(folder, cluster.request.get("Configurations", []), self._endpoint_url)
        logs = ClusterLogs(self._store, cluster, folder, self._registry.clock)
        bootstrap = BootstrapRunner(cluster, node, logs, fault_hooks)
        steps = StepRunner(cluster, node, logs, fault_hooks, self._store, self._event_logs, self._s3a)
        runner = _ClusterRunner(cluster, self._registry, self._store, node, bootstrap, steps)
        thread = Thread(target=runner.run, name=cluster.id, daemon=True)
        self._threads = [*filter(Thread.is_alive, self._threads), thread]
        thread.start()

    def stop(self) -> None:
        """Terminate all clusters and end all processes of their steps."""
        self._registry.terminate_all(internal_error("The local AWS was stopped."))
        for thread in self._threads:
            thread.join(STOP_SECONDS)


class _ClusterRunner:
    def __init__(
        self,
        cluster: Cluster,
        registry: ClusterRegistry,
        store: Store,
        node: Node,
        bootstrap: BootstrapRunner,
        steps: StepRunner,
    ) -> None:
        self._cluster, self._registry, self._store, self._node = cluster, registry, store, node
        self._bootstrap, self._steps = bootstrap, steps
        self._threads: list[Thread] = []

    def run(self) -> None:
        try:
            self._node.prepare(self._store.root, own_python=not self._cluster.bootstrapped)
            while self._cluster.is_alive:
                self._advance()
        except Exception as error:
            log.exception("%s: the runner failed", self._cluster.id)
            self._fail_cluster(error)
        finally:
            for thread in self._threads:
                thread.join()
            shutil.rmtree(self._node.work, ignore_errors=True)

    def _advance(self) -> None:
        with self._registry.locked() as now:
            self._cluster.advance(now)
            step = self._cluster.start_step(now)
            bootstraps = self._cluster.state is ClusterState.BOOTSTRAPPING and not self._cluster.bootstrapped
        if step:
            thread = Thread(target=self._run_step, args=(step,), name=step.id, daemon=True)
            self._threads = [*filter(Thread.is_alive, self._threads), thread]
            thread.start()
        elif bootstraps:
            failure = self._bootstrap.run()
            with self._registry.locked() as now:
                self._cluster.finish_bootstrap(failure, now)
        else:
            self._registry.wait(POLL_SECONDS)

    def _run_step(self, step: Step) -> None:
        try:
            failure = self._steps.run(step)
        except Exception as error:
            log.exception("%s: the step could not be run", step.id)
            failure = Failure("Unknown Error", f"the local EMR could not run the step: {error}")
        with self._registry.transaction() as now:
            self._cluster.finish_step(step, failure, now)

    def _fail_cluster(self, error: Exception) -> None:
        with self._registry.locked() as now:
            self._cluster.terminate(internal_error(f"The local EMR failed: {error}"), now)
        for thread in self._threads:  # their processes end because the cluster is shutting down
            thread.join()
        with self._registry.locked() as now:
            self._cluster.advance(now)
