"""Fixtures for the tests of the local AWS."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from localaws.testing import LocalAws


@pytest.fixture(scope="module", autouse=True)
def no_role_is_left(request: pytest.FixtureRequest, local_aws: LocalAws) -> Iterator[None]:
    """Fail if a module leaves a role in the server that all tests share: EMR then refuses requests with other roles."""
    yield
    left = [role["RoleName"] for role in local_aws.client("iam").list_roles()["Roles"]]
    assert left == [], f"{request.module.__name__} must delete its roles"
