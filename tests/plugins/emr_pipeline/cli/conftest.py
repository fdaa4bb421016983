"""The command line in this process, with a local AWS as the account."""

from __future__ import annotations

import json
import logging
import os
import threading
import time
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import structlog
import uvicorn
from airflow.api_fastapi.app import create_app
from airflow.configuration import conf

from emr_pipeline.cli import stacks
from emr_pipeline.cli.app import main
from emr_pipeline.settings import PREFIX
from localaws.testing import LocalAws

ROOT = Path(__file__).parents[4]
REGION = "eu-central-1"

Run = Callable[..., int]


@pytest.fixture(scope="module")
def aws() -> Iterator[LocalAws]:
    with LocalAws("--cluster-seconds", "0", region=REGION) as local_aws:
        yield local_aws


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder with the settings file and the wheels of a module's tests."""
    made = tmp_path_factory.mktemp("deployment")
    for architecture in ("x86_64", "aarch64"):
        name = f"numpy-2.4.6-cp311-cp311-manylinux_2_27_{architecture}.manylinux_2_28_{architecture}.whl"
        with zipfile.ZipFile(made / name, "w") as wheel:
            wheel.writestr("numpy/__init__.py", "__version__ = '2.4.6'\n")
    return made


@pytest.fixture(scope="module")
def run(aws: LocalAws, folder: Path) -> Iterator[Run]:
    """Run a command with its options; returns the exit code."""
    with pytest.MonkeyPatch.context() as patch:
        # The environment takes precedence over the settings file; other tests of this process set it, too.
        settings = [name for name in os.environ if name.startswith(PREFIX)]
        for name in ("AWS_PROFILE", "AWS_REGION", "AWS_SESSION_TOKEN", *settings):
            patch.delenv(name, raising=False)
        for name, value in aws.environment.items():
            patch.setenv(name, value)
        patch.setattr(stacks, "POLL_SECONDS", 0.1)
        patch.chdir(ROOT)

        def run_command(command: str, *options: str) -> int:
            return main([command, "--settings", str(folder / "settings"), *options])

        yield run_command


@pytest.fixture(scope="module")
def airflow(database: Any) -> Iterator[str]:
    """The address of an API server where the user ``admin`` has the password ``secret``."""
    passwords = Path(conf.get("core", "simple_auth_manager_passwords_file"))
    passwords.write_text(json.dumps({"admin": "secret"}))
    server = uvicorn.Server(uvicorn.Config(create_app("core"), host="127.0.0.1", port=0, log_level="error"))
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        assert thread.is_alive()
        time.sleep(0.05)
    # The server runs in this process, and its log would be on the stdout of the command.
    before = structlog.get_config()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    structlog.configure(**before)
    server.should_exit = True
    thread.join()
