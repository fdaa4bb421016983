"""Saves the backends of moto, as pickles.

moto has no format for its state, and its classes change between versions. So the pickles are read only by the version
of moto that wrote them.
"""

from __future__ import annotations

import copyreg
import io
import logging
import pickle
import sys
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from functools import cache
from importlib.metadata import version
from types import SimpleNamespace
from typing import Any

from moto.backends import get_backend
from moto.core.base_backend import BackendDict, BaseBackend
from moto.core.common_models import BaseModel

from localaws.state.database import Database

KIND = "moto"
VERSION = version("moto")
SERVICES = (
    "ec2",
    "events",
    "glue",
    "iam",
    "kms",
    "logs",
    "secretsmanager",
    "sns",
    "sqs",
    "ssm",
    "stepfunctions",
    "sts",
)
"""The services of moto whose backends are saved here; S3 saves its own."""

CHANGED_WITHOUT_CALLS = {"logs": "moto.logs.models", "stepfunctions": "moto.stepfunctions.parser.models"}
"""Services whose state changes also between calls, and the modules that they load."""

CHANGED_BY = {"sns": ("sqs",), "events": ("stepfunctions",), "secretsmanager": ("ssm",)}
"""The other services whose state a call can change."""

OTHER_PARTITIONS = ("aws-cn", "aws-us-gov", "aws-iso", "aws-iso-b", "aws-eusc")
"""moto creates their IAM together with that of the partition ``aws``; nobody can call them here."""

MAX_SHARE = 0.1
"""The share of the time that may be used to save a service: a large catalog is saved less often."""

ATTEMPTS = 5
RESTARTED = "The local AWS was restarted while the execution was running."
log = logging.getLogger(__name__)


def forget_instances() -> None:
    """Keep moto from holding a reference to each object that it ever made; only its own web page uses them."""
    BaseModel.__new__ = lambda cls, *_, **__: object.__new__(cls)  # type: ignore[method-assign]


def drop_other_version(database: Database) -> None:
    """Remove the pickles of another version of moto, after a copy of the file."""
    (saved,) = database.load("moto version").values() or [VERSION.encode()]
    if saved != VERSION.encode():
        copy = database.path.with_name(f"state-moto-{saved.decode()}.sqlite")
        database.copy_to(copy)
        database.remove("moto*")
        log.warning(
            "the saved state of moto's services, such as Glue and IAM, and the metadata of S3 are from moto %s and"
            " cannot be read by moto %s: they start empty. The old state is in %s",
            saved.decode(),
            VERSION,
            copy,
        )
    database.save("moto version", {"version": VERSION.encode()})


def reset() -> None:
    """Remove the state of all services of moto from memory."""
    BackendDict.reset()


class MotoBackends:
    """The source of the backends of ``SERVICES``."""

    def __init__(self) -> None:
        self._changed: set[str] = set()
        self._due: dict[str, float] = {}
        self._saved: dict[str, int] = {}

    def changed(self, service: str) -> None:
        """Note that a call may have changed the state of the service."""
        self._changed |= {service, *CHANGED_BY.get(service, ())}

    def load(self, database: Database) -> None:
        """Raises StartError if a pickle cannot be read."""
        for service, document in database.load(KIND).items():
            try:
                saved = pickle.loads(document)
                for account, region, attributes in saved:
                    _restore(_backend(service, account, region), attributes)
            except Exception as error:
                raise database.unreadable(f"{KIND} {service}: {error!r}") from error
            self._saved[service] = hash(document)

    def save(self, database: Database, is_last: bool = False) -> None:
        for service in SERVICES:
            started = time.monotonic()
            if not self._may_have_changed(service) or (not is_last and started < self._due.get(service, 0)):
                continue
            self._changed.discard(service)
            document = _dump_consistently(service)
            if document is None:
                self._changed.add(service)
            elif self._saved.get(service) != hash(document):
                database.save(KIND, {service: document})
                self._saved[service] = hash(document)
            now = time.monotonic()
            self._due[service] = now + (now - started) / MAX_SHARE

    def _may_have_changed(self, service: str) -> bool:
        return service in self._changed or CHANGED_WITHOUT_CALLS.get(service) in sys.modules


def _dump_consistently(service: str) -> bytes | None:
    """Return the pickle; None if the backends change all the time."""
    for _ in range(ATTEMPTS):
        try:
            backends = _backends(service).iter_backends()
            return Pickler.dumps(
                [(a, r, vars(backend)) for a, r, backend in backends if r not in OTHER_PARTITIONS]
            )
        except RuntimeError:  # a dictionary changed its size during the iteration
            time.sleep(0.01)
    return None


def _restore(backend: Any, attributes: dict[str, Any]) -> None:
    """Set the attributes; a dictionary with defaults from a function keeps that function."""
    for name, value in attributes.items():
        current = vars(backend).get(name)
        if isinstance(current, defaultdict) and type(value) is dict:
            current.update(value)
        else:
            setattr(backend, name, value)


class Pickler(pickle.Pickler):
    """Pickles the objects of moto that Python cannot pickle, and AWS's managed policies by their names."""

    @classmethod
    def dumps(cls, value: Any) -> bytes:
        buffer = io.BytesIO()
        cls(buffer, pickle.HIGHEST_PROTOCOL).dump(value)
        return buffer.getvalue()

    def reducer_override(self, obj: Any) -> Any:  # noqa: PLR0911 - one return for each type
        kind = type(obj)
        if kind in _LOCKS:
            return _LOCKS[kind], ()
        if kind is defaultdict and "<lambda>" in getattr(obj.default_factory, "__qualname__", ""):
            return dict, (), None, None, iter(list(obj.items()))
        if isinstance(obj, defaultdict) and kind is not defaultdict:  # its constructor may need arguments
            return copyreg.__newobj__, (kind,), vars(obj), None, iter(list(obj.items()))  # type: ignore[attr-defined]
        if isinstance(obj, BaseBackend):
            return _backend, (kind.__module__.split(".")[1], obj.account_id, obj.region_name)
        name = kind.__name__
        if name == "AWSManagedPolicy":
            return _managed_policy, (obj.account_id, obj.partition, obj.arn, obj.attachment_count)
        if name == "Execution" and kind.__module__ == "moto.stepfunctions.parser.backend.execution":
            return _execution, (_execution_attributes(obj),)
        if name.endswith("PrivateKey") and hasattr(obj, "private_bytes"):
            return _private_key, (_der(obj),)
        return NotImplemented


_LOCKS: dict[type, Callable[[], Any]] = {
    type(threading.Lock()): threading.Lock,
    type(threading.RLock()): threading.RLock,
    threading.Condition: threading.Condition,
    threading.Event: threading.Event,
}


def _backends(service: Any) -> Any:
    """Return the backends of a service by account and region; of Step Functions those of the interpreter."""
    if service == "stepfunctions":
        from moto.stepfunctions.parser.models import stepfunctions_parser_backends

        return stepfunctions_parser_backends
    return get_backend(service)


def _backend(service: str, account: str, region: str) -> Any:
    return _backends(service)[account][region]


def _managed_policy(account: str, partition: str, arn: str, attachments: int) -> Any:
    policy = _managed_policies(account, partition)[arn]
    policy.attachment_count = attachments
    return policy


@cache
def _managed_policies(account: str, partition: str) -> dict[str, Any]:
    policies: Iterable[Any] = _backend("iam", account, partition).aws_managed_policies
    return {policy.arn: policy for policy in policies}


def _der(key: Any) -> bytes:
    from cryptography.hazmat.primitives import serialization as s

    encoded: bytes = key.private_bytes(s.Encoding.DER, s.PrivateFormat.PKCS8, s.NoEncryption())
    return encoded


def _private_key(der: bytes) -> Any:
    from cryptography.hazmat.primitives.serialization import load_der_private_key

    return load_der_private_key(der, None)


def _execution_attributes(execution: Any) -> dict[str, Any]:
    """Return the attributes of an execution of Step Functions; of its worker only the history."""
    worker = execution.exec_worker
    history = worker.env.event_manager.get_event_history() if worker and worker.env else []
    return {**vars(execution), "exec_worker": None, "history": history}


def _execution(attributes: dict[str, Any]) -> Any:
    """Return the execution; one that was running is FAILED, because its worker has ended with the server."""
    from moto.stepfunctions.parser.api import ExecutionStatus
    from moto.stepfunctions.parser.backend.execution import Execution

    execution = Execution.__new__(Execution)
    vars(execution).update(attributes)
    history = vars(execution).pop("history")
    manager = SimpleNamespace(get_event_history=lambda: history)
    execution.exec_worker = SimpleNamespace(  # type: ignore[assignment]
        env=SimpleNamespace(event_manager=manager), stop=lambda **_: None
    )
    if execution.exec_status in (None, ExecutionStatus.RUNNING):
        execution.exec_status, execution.stop_date = ExecutionStatus.FAILED, datetime.now(UTC)
        execution.error, execution.cause = "States.Runtime", RESTARTED
    return execution
