"""The command ``localaws``, also ``python -m localaws``: serve a local AWS until stopped."""

from __future__ import annotations

import argparse
import logging
import os
import re
import signal
import sys
from datetime import timedelta
from pathlib import Path
from threading import Event, Thread

from localaws import StartError
from localaws.server import HEALTH, LOOPBACK, Server
from localaws.services import Settings
from localaws.spark.submit import S3A_JARS


def parser() -> argparse.ArgumentParser:
    p = argparse.ArgumentParser(prog="localaws", description="A local AWS that really executes.")
    p.add_argument("--state", type=Path, required=True, help="folder for the state, which survives a restart")
    p.add_argument("--port", type=int, default=0, help="port; 0, the default, takes a free one")
    p.add_argument(
        "--host",
        default=LOOPBACK,
        help=f"IPv4 address to listen on (default {LOOPBACK}); 0.0.0.0, all of them, is for a container",
    )
    p.add_argument(
        "--allow-host",
        metavar="NAME",
        action="append",
        default=[],
        help="a name, with all below it, or an address by which it may be called beside loopback's; repeatable",
    )
    p.add_argument(
        "--allow-origin",
        metavar="ORIGIN",
        action="append",
        default=[],
        help="an origin, such as http://localhost:3000, whose web pages may call it; repeatable (default: none)",
    )
    p.add_argument(
        "--cluster-seconds",
        type=float,
        default=0.5,
        help="how long a cluster is STARTING, and again BOOTSTRAPPING (default 0.5)",
    )
    p.add_argument(
        "--query-memory",
        type=_size,
        help="what Athena's queries may take together, such as 2GB (default: a quarter of the machine's or the "
        "container's memory); what does not fit is spilled to the state folder",
    )
    p.add_argument(
        "--record-calls",
        type=Path,
        metavar="FILE",
        help="append each API call to this file, as a line of JSON with the IAM permissions that it needs",
    )
    p.add_argument(
        "--enforce-iam",
        action="store_true",
        help="refuse calls to EMR, EMR Serverless, Athena, Glue, S3, SNS and CloudWatch Logs that the policies of the "
        "IAM user or role do not allow",
    )
    p.add_argument(
        "--browser-url",
        metavar="URL",
        help="where a browser reaches this server, for links to the Spark UI, if not at its own address",
    )
    p.add_argument(
        "--s3a-jars",
        type=_s3a_jars,
        metavar="DIR",
        help="the steps of EMR use S3 through Spark's connector S3A, whose jars are in this folder, and so send S3 "
        "requests (default: they read and write the files)",
    )
    p.add_argument(
        "--stop-with-stdin",
        action="store_true",
        help="stop at the end of standard input, which ends with the process that holds the pipe",
    )
    return p


def main() -> int:
    options = parser().parse_args()
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    stop = Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    try:
        server = Server(
            options.state,
            options.host,
            options.port,
            Settings(
                timedelta(seconds=options.cluster_seconds),
                options.query_memory,
                options.record_calls,
                options.enforce_iam,
                options.browser_url,
                options.s3a_jars,
            ),
            options.allow_host,
            options.allow_origin,
        )
    except StartError as error:
        print(f"localaws: {error}", file=sys.stderr)
        return 1
    if options.stop_with_stdin:
        Thread(target=_watch_stdin, args=(stop,), daemon=True).start()
    Thread(target=server.serve, daemon=True).start()
    print(f"localaws ready at {server.endpoint_url}\nhealth at {server.endpoint_url}{HEALTH}", flush=True)
    stop.wait()
    server.stop()
    return 0


def _size(text: str) -> str:
    if re.fullmatch(r"[1-9]\d*(?:\.\d+)?\s*[KMGT]i?B", text) is None:
        raise argparse.ArgumentTypeError(f"{text!r} is not a size: give one such as 500MB or 2GB")
    return text


def _s3a_jars(text: str) -> Path:
    folder = Path(text).resolve()
    if missing := [name for name in S3A_JARS if not any(folder.glob(name))]:
        raise argparse.ArgumentTypeError(f"{text} has no {' and no '.join(missing)}")
    return folder


def _watch_stdin(stop: Event) -> None:
    while os.read(sys.stdin.fileno(), 4096):
        pass
    stop.set()


if __name__ == "__main__":
    sys.exit(main())
