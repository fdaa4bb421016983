"""AWS Budgets, stored only: the local AWS costs nothing, so a budget never notifies its subscribers.

Source: https://docs.aws.amazon.com/aws-cost-management/latest/APIReference/API_budgets_CreateBudget.html
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from threading import Lock

from localaws.protocol import JSON, AwsError

_END = datetime(2087, 6, 15, tzinfo=UTC)  # the default of AWS


@dataclass
class Budget:
    members: JSON
    notifications: list[JSON]


class BudgetsApi:
    """One method for each operation."""

    def __init__(self) -> None:
        self.budgets: dict[tuple[str, str], Budget] = {}
        self._lock = Lock()

    def create_budget(self, request: JSON) -> None:
        budget = request["Budget"]
        key = (request["AccountId"], budget["BudgetName"])
        with self._lock:
            if key in self.budgets:
                raise AwsError(
                    "DuplicateRecordException",
                    f"Error creating budget: {budget['BudgetName']} - the budget already exists.",
                )
            self.budgets[key] = Budget(_checked(budget), request.get("NotificationsWithSubscribers", []))

    def update_budget(self, request: JSON) -> None:
        name = request["NewBudget"]["BudgetName"]
        self._budget({**request, "BudgetName": name}).members = _checked(request["NewBudget"])

    def delete_budget(self, request: JSON) -> None:
        with self._lock:
            self._budget(request)
            del self.budgets[request["AccountId"], request["BudgetName"]]

    def describe_budget(self, request: JSON) -> JSON:
        return {"Budget": _described(self._budget(request))}

    def describe_budgets(self, request: JSON) -> JSON:
        account = request["AccountId"]
        return {"Budgets": [_described(b) for (owner, _), b in self.budgets.items() if owner == account]}

    def describe_notifications_for_budget(self, request: JSON) -> JSON:
        return {"Notifications": [each["Notification"] for each in self._budget(request).notifications]}

    def describe_subscribers_for_notification(self, request: JSON) -> JSON:
        for each in self._budget(request).notifications:
            if each["Notification"] == request["Notification"]:
                return {"Subscribers": each["Subscribers"]}
        raise AwsError("NotFoundException", "the notification doesn't exist.")

    def _budget(self, request: JSON) -> Budget:
        key = (request["AccountId"], request["BudgetName"])
        if key not in self.budgets:
            raise AwsError(
                "NotFoundException",
                f"Unable to get budget: {request['BudgetName']} - the budget doesn't exist.",
            )
        return self.budgets[key]


def _checked(budget: JSON) -> JSON:
    if "BudgetLimit" not in budget and "PlannedBudgetLimits" not in budget:
        raise AwsError("InvalidParameterException", "Budget Limit or Planned Budget Limit is missing.")
    month = datetime.now(UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    return {"TimePeriod": {"Start": month, "End": _END}, **budget, "LastUpdatedTime": datetime.now(UTC)}


def _described(budget: Budget) -> JSON:
    nothing = {"Amount": "0.0", "Unit": budget.members.get("BudgetLimit", {}).get("Unit", "USD")}
    return {**budget.members, "CalculatedSpend": {"ActualSpend": nothing}}
