"""Service Quotas, to read only: the vCPUs that an account may run. Nothing is limited here.

Source: https://docs.aws.amazon.com/ec2/latest/instancetypes/ec2-instance-quotas.html
"""

from __future__ import annotations

from localaws.protocol import JSON, AwsError

VCPUS = 256.0
"""The value of each quota: AWS starts an account with few, and raises the value with the use of the account."""
_STANDARD = "Standard (A, C, D, H, I, M, R, T, Z)"
_QUOTAS = {
    "ec2": {
        "L-1216C47A": f"Running On-Demand {_STANDARD} instances",
        "L-34B43A08": f"All {_STANDARD} Spot Instance Requests",
    }
}


class ServiceQuotasApi:
    """One method for each operation."""

    def list_service_quotas(self, request: JSON) -> JSON:
        service = request["ServiceCode"]
        if service not in _QUOTAS:
            raise _missing(f"the quotas of {service}")
        return {"Quotas": [_quota(service, code, name) for code, name in _QUOTAS[service].items()]}

    def get_service_quota(self, request: JSON) -> JSON:
        service, code = request["ServiceCode"], request["QuotaCode"]
        if code not in _QUOTAS.get(service, {}):
            raise _missing(f"the quota {code} of {service}")
        return {"Quota": _quota(service, code, _QUOTAS[service][code])}


def _quota(service: str, code: str, name: str) -> JSON:
    return {
        "ServiceCode": service,
        "ServiceName": "Amazon Elastic Compute Cloud (Amazon EC2)",
        "QuotaCode": code,
        "QuotaName": name,
        "Value": VCPUS,
        "Unit": "None",
        "Adjustable": True,
        "GlobalQuota": False,
    }


def _missing(what: str) -> AwsError:
    supported = ", ".join(code for quotas in _QUOTAS.values() for code in quotas)
    return AwsError(
        "NoSuchResourceException", f"not supported by the local AWS: {what}; supported: {supported}"
    )
