"""The DAGs as Airflow's DAG processor loads them, without network access."""

from __future__ import annotations

import socket
from pathlib import Path
from typing import Any

import pytest

DAGS = Path(__file__).parents[2] / "dags"


@pytest.fixture(scope="session")
def dag_bag() -> Any:
    """The parsed dags folder; a network connection during parsing is an import error."""
    from airflow.dag_processing.dagbag import DagBag

    def refuse(*_: object) -> None:
        raise ConnectionError("parsing a DAG must not touch the network")

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("EMR_PIPELINE_BUCKET", "lake")
        patch.setattr(socket.socket, "connect", refuse)
        patch.setattr(socket, "getaddrinfo", refuse)
        return DagBag(DAGS)


@pytest.fixture(scope="session")
def dag(dag_bag: Any) -> Any:
    return dag_bag.dags["sales_segmentation"]
