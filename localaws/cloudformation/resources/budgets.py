"""Budgets."""

from __future__ import annotations

from typing import ClassVar

from localaws import ACCOUNT
from localaws.cloudformation.resources.base import Json, Properties, ResourceType


class Budget(ResourceType):
    type_name = "AWS::Budgets::Budget"
    schema: ClassVar = {
        "Budget": {
            "BudgetName": str,
            "BudgetType": str,
            "TimeUnit": str,
            "BudgetLimit": {"Amount": str, "Unit": str},
            "CostFilters": Json,
        },
        "NotificationsWithSubscribers": [
            {
                "Notification": {
                    "NotificationType": str,
                    "ComparisonOperator": str,
                    "Threshold": int,
                    "ThresholdType": str,
                },
                "Subscribers": [{"SubscriptionType": str, "Address": str}],
            }
        ],
    }
    required = ("Budget",)
    immutable = ("NotificationsWithSubscribers",)

    def create(self, properties: Properties, name: str) -> str:
        budget = {"BudgetName": name, **properties["Budget"]}
        notifications = properties.get("NotificationsWithSubscribers", [])
        self.aws["budgets"].create_budget(
            AccountId=ACCOUNT, Budget=budget, NotificationsWithSubscribers=notifications
        )
        return str(budget["BudgetName"])

    def configure(self, resource_id: str, old: Properties, new: Properties) -> None:
        if old:
            budget = {"BudgetName": resource_id, **new["Budget"]}
            self.aws["budgets"].update_budget(AccountId=ACCOUNT, NewBudget=budget)

    def delete(self, resource_id: str, properties: Properties) -> None:
        self.aws["budgets"].delete_budget(AccountId=ACCOUNT, BudgetName=resource_id)

    @classmethod
    def replaced_by(cls, old: Properties, new: Properties) -> bool:
        return super().replaced_by(old, new) or old["Budget"].get("BudgetName") != new["Budget"].get(
            "BudgetName"
        )
