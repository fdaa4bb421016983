"""Write the state machines to ``infra/``; with a bucket, also upload them and the job code for the stack.

``python -m devtools.state_machine [BUCKET]``
"""

from __future__ import annotations

import hashlib
import json
import sys
from typing import Any

from devtools.paths import PROJECT
from devtools.state_machine.definition import pipeline, reaper
from emr_pipeline import package
from sales_segmentation.jobs import FOLDER

FILES = {"state-machine.asl.json": pipeline, "state-machine-reaper.asl.json": reaper}


def text(definition: dict[str, Any]) -> str:
    return json.dumps(definition, indent=2, ensure_ascii=False) + "\n"


def upload(s3: Any, bucket: str) -> dict[str, str]:
    """Upload the job code and the definitions, and return the parameters of the stack that name them."""
    code = package.build(FOLDER)
    definitions = {name: text(definition()).encode() for name, definition in FILES.items()}
    version = hashlib.sha256(b"".join(definitions.values())).hexdigest()[:12]
    for folder, files in ((code.version, code.files), (version, definitions)):
        for name, content in files.items():
            s3.put_object(Bucket=bucket, Key=f"jobs/{folder}/{name}", Body=content)
    return {"CodeVersion": code.version, "DefinitionVersion": version}


def main() -> None:
    for name, definition in FILES.items():
        (PROJECT / "infra" / name).write_text(text(definition()), encoding="utf-8")
    if bucket := "".join(sys.argv[1:]):
        import boto3

        for name, value in upload(boto3.client("s3"), bucket).items():
            print(f"{name}={value}")


if __name__ == "__main__":
    main()
