"""Fixtures for pytest; the wheel registers them, so that a test only names ``local_aws``."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pytest

from localaws.testing import LocalAws


@pytest.fixture(scope="session")
def local_aws_options() -> Sequence[str]:
    """The command line options of ``local_aws``. Override this fixture in ``conftest.py`` to set some."""
    return ()


@pytest.fixture(scope="session")
def local_aws(
    local_aws_options: Sequence[str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[LocalAws]:
    """A local AWS for all tests of the session."""
    with LocalAws(*local_aws_options, state=tmp_path_factory.mktemp("localaws")) as aws:
        yield aws
