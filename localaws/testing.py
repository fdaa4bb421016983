"""Start a local AWS for tests and tools.

>>> with LocalAws("--cluster-seconds", "0") as aws:
...     aws.client("s3").create_bucket(Bucket="lake")

The same as a fixture of pytest is in ``localaws.pytest_plugin``.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Self
from urllib.request import Request, urlopen

from localaws import StartError

CREDENTIALS = {"aws_access_key_id": "local", "aws_secret_access_key": "any-secret-key"}
"""boto3 signs with these; the local AWS accepts any credentials."""

READY = "localaws ready at "
STOP_SECONDS = 20


class LocalAws:
    """A local AWS that runs as a separate process while the ``with`` block does.

    ``options`` are options of the command line, such as ``"--cluster-seconds", "0"``. ``state`` is the state folder;
    None means a temporary folder, which is removed at the end. The server writes its log to ``log``, by default
    ``localaws.log`` in the state folder. ``region`` is the region of the clients. ``python`` is the
    interpreter that runs the server, by default this one.

    Within the block ``endpoint_url`` is the server's address and ``process`` the server. It also ends when this process
    is killed. Raises StartError when it cannot start.
    """

    endpoint_url: str
    state: Path
    log: Path
    process: subprocess.Popen[str]

    def __init__(
        self,
        *options: str,
        state: Path | None = None,
        log: Path | None = None,
        region: str = "us-east-1",
        python: Path | None = None,
    ) -> None:
        self.region = region
        self._python = python or Path(sys.executable)
        self._options, self._state, self._log = options, state, log

    def __enter__(self) -> Self:
        with ExitStack() as started:
            folder = self._state or Path(started.enter_context(TemporaryDirectory(prefix="localaws-")))
            self.state = folder.resolve()
            self.log = self._log or self.state / "localaws.log"
            self.process = started.enter_context(_server(self._python, self.state, self.log, self._options))
            assert self.process.stdout
            ready = self.process.stdout.readline()
            if not ready.startswith(READY):
                self.process.wait(STOP_SECONDS)
                reason = self.log.read_text().strip().rpartition("\n")[2].removeprefix("localaws: ")
                raise StartError(f"the local AWS did not start: {reason or f'see {self.log}'}")
            self.endpoint_url = ready.removeprefix(READY).strip()
            self._started = started.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._started.close()

    def reset(self) -> None:
        """Remove the whole state: objects, clusters, queries, the catalog, and planned faults."""
        with urlopen(Request(f"{self.endpoint_url}/_localaws/reset", method="POST")):
            pass

    @property
    def environment(self) -> dict[str, str]:
        """The environment variables that point boto3, the AWS CLI and other SDKs at this local AWS."""
        return {
            "AWS_ENDPOINT_URL": self.endpoint_url,
            "AWS_DEFAULT_REGION": self.region,
            **{name.upper(): value for name, value in CREDENTIALS.items()},
        }

    def client(self, service: str, **options: Any) -> Any:
        """Return a boto3 client, for example of ``s3``; ``options`` are further arguments of ``boto3.client``.

        By default it does not retry, so that an error, also a planned fault, reaches the caller at once.
        """
        import boto3  # slow to import, and pytest imports this module at each start
        from botocore.config import Config

        defaults = {
            "endpoint_url": self.endpoint_url,
            "region_name": self.region,
            "config": Config(retries={"total_max_attempts": 1}),
            **CREDENTIALS,
        }
        return boto3.client(service, **{**defaults, **options})


@contextmanager
def _server(
    python: Path, state: Path, log: Path, options: tuple[str, ...]
) -> Iterator[subprocess.Popen[str]]:
    """Run ``-m localaws`` of ``python`` with ``options``.

    It has its own process group, so that Ctrl-C reaches only this process, which then stops it. It stops at the end of
    its standard input, which this process holds, so that it also stops when this process is killed.
    """
    state.mkdir(parents=True, exist_ok=True)
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as errors:
        process = subprocess.Popen(
            [python, "-m", "localaws", "--state", str(state), "--stop-with-stdin", *options],
            cwd=Path(__file__).parents[1],  # so that Python finds the package also where it is not installed
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            start_new_session=True,
        )
    assert process.stdin
    assert process.stdout
    try:
        yield process
    finally:
        process.stdin.close()
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        process.stdout.close()
