"""All sessions of a process read the data of botocore once."""

from __future__ import annotations

import boto3
import botocore.session
from aiobotocore.session import AioSession

from devtools import service_data


def test_all_sessions_share_one_loader() -> None:
    """The fixture ``shared_service_data`` has called ``share``."""
    sessions = (boto3.Session()._session, botocore.session.Session(), AioSession())
    first, second, third = (session.get_component("data_loader") for session in sessions)
    assert first is second is third


def test_a_second_call_does_not_wrap_the_loader_again() -> None:
    shared = botocore.session.create_loader
    service_data.share()
    assert botocore.session.create_loader is shared
