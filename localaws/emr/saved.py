"""The saved state of EMR: clusters with their steps, security configurations, and application UIs."""

from __future__ import annotations

from localaws.emr.api import EmrApi
from localaws.emr.app_uis import AppUi, AppUis
from localaws.emr.cluster_registry import ClusterRegistry
from localaws.emr.model import Cluster
from localaws.emr.security import SecurityConfiguration
from localaws.protocol import JSON
from localaws.state.database import Database
from localaws.state.saving import Resources, Source

_PUBLIC_ACCESS = "block public access"


def restore(database: Database, api: EmrApi, registry: ClusterRegistry, app_uis: AppUis) -> list[Source]:
    """Load the saved state and return its sources. Clusters that were running are TERMINATED_WITH_ERRORS."""
    clusters: Resources[Cluster] = Resources(
        "emr cluster", registry.by_id, registry.locked, is_final=lambda cluster: not cluster.is_alive
    )
    for cluster in clusters.load_as(database, Cluster).values():
        with registry.locked() as now:
            cluster.lose(now)
        registry.add(cluster)
    security: Resources[SecurityConfiguration] = Resources(
        "emr security configuration", lambda: dict(api.security.by_name)
    )
    api.security.by_name.update(security.load_as(database, SecurityConfiguration))
    uis: Resources[AppUi] = Resources("emr application UI", lambda: dict(app_uis.by_id))
    app_uis.by_id.update(uis.load_as(database, AppUi))
    settings: Resources[JSON] = Resources("emr setting", lambda: {_PUBLIC_ACCESS: api.public_access})
    api.public_access = settings.load_as(database, dict).get(_PUBLIC_ACCESS, api.public_access)
    return [clusters, security, uis, settings]
