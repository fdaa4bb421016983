"""The YARN container of a driver: with ``--deploy-mode cluster``, the driver runs in the application's first container.

So its logs are not in the folder of the step, but in ``containers/<application>/<container>/``. The step is the client
of YARN, whose stderr names the application and its final status.

https://docs.aws.amazon.com/emr/latest/ManagementGuide/emr-manage-view-web-log-files.html
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from localaws.spark import submit

_numbers = itertools.count(1)
_STARTED = int(time.time() * 1000)
"""The time of the resource manager's start, which is part of the ids of its applications."""


@dataclass(frozen=True)
class DriverContainer:
    number: int

    @classmethod
    def of(cls, words: Sequence[str], configurations: Sequence[Mapping[str, Any]]) -> DriverContainer | None:
        """Return a new container if the command is spark-submit in cluster mode, None otherwise."""
        name, *args = words
        if name.rpartition("/")[2] != "spark-submit":
            return None
        properties = submit.spark_defaults(configurations)
        for option in submit.split_options(args)[0]:
            properties |= option.properties
        return cls(next(_numbers)) if properties.get("spark.submit.deployMode") == "cluster" else None

    @property
    def application_id(self) -> str:
        return f"application_{_STARTED}_{self.number:04d}"

    @property
    def id(self) -> str:
        return f"container_{_STARTED}_{self.number:04d}_01_000001"

    @property
    def failure(self) -> str:
        return f"Application {self.application_id} finished with failed status"

    def folder(self, root: Path) -> Path:
        return root / "containers" / self.application_id / self.id

    def uri(self, root: str | None) -> str | None:
        return root and f"{root}/containers/{self.application_id}/{self.id}"

    def client_log(self, code: int) -> str:
        status = "FAILED" if code else "SUCCEEDED"
        lines = [
            f"INFO Client: Submitted application {self.application_id}",
            f"INFO Client: Application report for {self.application_id} (state: FINISHED)",
            f"INFO Client: final status: {status}",
        ]
        if code:
            lines.append(f'Exception in thread "main" org.apache.spark.SparkException: {self.failure}')
        return "".join(f"{line}\n" for line in lines)
