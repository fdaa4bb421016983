"""The estimate of a run's cost, before a cluster is created."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

from airflow.providers.amazon.aws.hooks.s3 import S3Hook
from airflow.providers.common.compat.sdk import AirflowFailException
from airflow.providers.standard.exceptions import HITLRejectException, HITLTimeoutError
from airflow.providers.standard.operators.hitl import ApprovalOperator
from airflow.sdk import Context
from botocore.exceptions import BotoCoreError, ClientError

from emr_pipeline.cost import Estimate, RunCost, estimate
from emr_pipeline.cost_records import read_run_costs
from emr_pipeline.extra_links import FAILURE
from emr_pipeline.prices import load_prices
from emr_pipeline.settings import Settings
from emr_pipeline.specs import EMR_EC2, ClusterSpec

ESTIMATE = "estimate"
"""The key of the XCom with the members of ``Estimate``, its ``summary`` and the ``input_bytes``."""

REFUSE, ASK = "refuse", "ask"
"""What to do if the estimate exceeds the budget."""


class EstimateCostOperator(ApprovalOperator):
    """Estimates the cost of a run from the costs of earlier runs, and compares it with a budget.

    The estimate is logged and pushed as the XCom ``estimate``. If it exceeds ``budget`` (US dollars, None for no
    budget) or is unknown, the task fails with ``over_budget="refuse"``. With ``"ask"`` it waits until a user approves
    or rejects the cost under *Required Actions* in the web UI, and fails if the cost is rejected or nobody responds
    within ``response_timeout``.

    ``steps`` are the names of the run's steps, ``input_bytes`` is the size of its input.

    Differences to ApprovalOperator: it asks only if there is a need, and a rejection is a failure without a retry.
    """

    template_fields = ("cluster", "steps", "input_bytes", "budget", "over_budget", "target")
    template_fields_renderers: ClassVar[dict[str, str]] = {"cluster": "json"}

    def __init__(
        self,
        *,
        cluster: ClusterSpec,
        settings: Settings,
        steps: Any,
        input_bytes: Any,
        budget: Any = None,
        over_budget: str = REFUSE,
        target: str = EMR_EC2,
        aws_conn_id: str | None = "aws_default",
        region_name: str | None = None,
        response_timeout: timedelta = timedelta(hours=24),
        **kwargs: Any,
    ) -> None:
        super().__init__(
            subject="Approve the cost of the run",
            fail_on_reject=True,
            response_timeout=response_timeout,
            **kwargs,
        )
        self.cluster = dict(vars(cluster))  # Airflow renders templates in a dict, not in a frozen dataclass
        self.settings = settings
        self.steps: Sequence[str] = steps
        self.input_bytes: int = input_bytes
        self.budget: float | None = budget
        self.over_budget = over_budget
        self.target = target
        self.aws_conn_id = aws_conn_id
        self.region_name = region_name

    def execute(self, context: Context) -> None:
        found = self._estimate(context)
        self.log.info("Estimate: %s", found.summary)
        facts = {"summary": found.summary, "input_bytes": self.input_bytes}
        context["ti"].xcom_push(key=ESTIMATE, value=asdict(found) | facts)
        if self.budget is None or (found.dollars is not None and found.dollars <= self.budget):
            return
        problem = f"The budget of the run is ${self.budget:,.2f}. Estimate: {found.summary}"
        if self.over_budget != ASK:
            self.log.error("%s", problem)
            context["ti"].xcom_push(key=FAILURE, value=problem)
            raise AirflowFailException(
                f"{problem}. Raise the budget, choose fewer nodes, or let the run ask you"
            )
        self.body = problem
        super().execute(context)

    def execute_complete(self, context: Context, event: dict[str, Any]) -> None:
        try:
            super().execute_complete(context, event)
        except HITLRejectException:
            raise AirflowFailException("The cost was rejected") from None
        except HITLTimeoutError:
            raise AirflowFailException(f"Nobody approved the cost within {self.response_timeout}") from None

    def _estimate(self, context: Context) -> Estimate:
        s3 = S3Hook(aws_conn_id=self.aws_conn_id, region_name=self.region_name).conn
        return estimate(
            cluster=ClusterSpec(**self.cluster),
            architecture=self.settings.architecture,
            steps=self.steps,
            input_bytes=self.input_bytes,
            runs=self._earlier_runs(s3, context["dag"].dag_id),
            prices=load_prices(s3.meta.region_name),
            target=self.target,
        )

    def _earlier_runs(self, s3: Any, dag_id: str) -> list[RunCost]:
        try:
            return read_run_costs(s3, self.settings.bucket, dag_id, datetime.now(UTC))
        except (BotoCoreError, ClientError) as error:
            self.log.warning("The estimate does not use earlier runs, because they cannot be read: %s", error)
            return []
