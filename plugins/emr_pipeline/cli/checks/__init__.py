"""The checks of ``emr-pipeline doctor``, in the order of their lines."""

from __future__ import annotations

from emr_pipeline.cli.checks import account, cluster, network, roles, storage
from emr_pipeline.cli.checks.check import Check

CHECKS: tuple[Check, ...] = (
    *account.CHECKS,
    *storage.CHECKS,
    *network.CHECKS,
    *roles.CHECKS,
    *cluster.CHECKS,
)
