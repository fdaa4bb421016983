"""Rules for docker-compose.yaml, checked without Docker: no open port, no secret, no service without limits."""

from __future__ import annotations

import json
import re
from dataclasses import fields
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import yaml

from devtools.compose import SECRETS
from emr_pipeline.settings import PREFIX, Settings
from localaws.__main__ import parser
from localaws.allowlist import Allowlist

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docker-compose.yaml").read_text()
COMPOSE = yaml.safe_load(TEXT)
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
ONE_SHOT = {"airflow-init", "sample-data"}
EXAMPLE = dict(re.findall(r"^(?:# )?([A-Z_]+)=(.*)$", (ROOT / ".env.example").read_text(), re.MULTILINE))
GIB = 2**30
UNITS = {"m": 2**20, "g": GIB}

each_service = pytest.mark.parametrize("name", SERVICES)


def substituted(text: str, values: dict[str, str]) -> str:
    """Substitute ``${NAME:-default}`` and ``${NAME:+replacement}`` like Compose."""
    with_replacements = re.sub(
        r"\$\{(\w+):\+((?:[^{}]|\$\{\w+\})*)\}", lambda m: m[2] if values.get(m[1]) else "", text
    )
    return re.sub(
        r"\$\{(\w+)(?::[-?]([^}]*))?\}", lambda m: values.get(m[1]) or m[2] or "", with_replacements
    )


def connection(**values: str) -> dict[str, Any]:
    """Return the connection ``aws_default`` that Airflow gets with these values in .env."""
    text = SERVICES["scheduler"]["environment"]["AIRFLOW_CONN_AWS_DEFAULT"]
    found: dict[str, Any] = json.loads(substituted(text, values))
    return found


@each_service
def test_ports_are_published_on_loopback_only(name: str) -> None:
    assert SERVICES[name].get("network_mode") is None
    assert all(port.startswith("127.0.0.1:") for port in SERVICES[name].get("ports", []))


@each_service
def test_no_service_has_more_privileges_than_it_needs(name: str) -> None:
    service = SERVICES[name]
    assert service["cap_drop"] == ["ALL"]
    assert "no-new-privileges:true" in service["security_opt"]
    assert "privileged" not in service
    assert not any("docker.sock" in volume for volume in service["volumes"])


def test_no_image_runs_as_root() -> None:
    """The PostgreSQL image switches to its own user; tests/devtools checks the value of AIRFLOW_UID."""
    assert "\nUSER localaws\n" in (ROOT / "docker/localaws/Dockerfile").read_text()
    airflow = [
        service for service in SERVICES.values() if service["image"] == "${COMPOSE_PROJECT_NAME}-airflow"
    ]
    assert {service["user"] for service in airflow} == {"${AIRFLOW_UID:-50000}:0"}


@each_service
def test_memory_and_logs_are_limited_and_services_are_restarted(name: str) -> None:
    service = SERVICES[name]
    assert service["logging"]["options"].keys() == {"max-size", "max-file"}
    assert service["mem_limit"]
    assert service["restart"] == ("no" if name in ONE_SHOT else "unless-stopped")
    assert ("healthcheck" in service) == (name not in ONE_SHOT)


def test_the_services_together_fit_into_8_gib() -> None:
    """The one-shot services end before the DAG can run; 2 GiB remain for the system and a browser."""
    limits = [service["mem_limit"] for name, service in SERVICES.items() if name not in ONE_SHOT]
    assert sum(int(limit[:-1]) * UNITS[limit[-1]] for limit in limits) <= 6 * GIB


@each_service
def test_a_service_waits_until_its_dependencies_are_ready(name: str) -> None:
    for other, dependency in SERVICES[name].get("depends_on", {}).items():
        ready = "service_completed_successfully" if other in ONE_SHOT else "service_healthy"
        assert dependency["condition"] == ready
        assert dependency.get("required", True) != ("profiles" in SERVICES[other])


def test_with_a_real_account_only_the_local_aws_is_not_started() -> None:
    assert {name for name, service in SERVICES.items() if "profiles" in service} == {
        "localaws",
        "sample-data",
    }


def test_every_variable_is_explained_in_the_example() -> None:
    assert set(re.findall(r"(?<!\$)\$\{(\w+)", TEXT)) <= EXAMPLE.keys()


def test_an_idle_dag_processor_logs_no_statistics() -> None:
    assert SERVICES["dag-processor"]["environment"]["AIRFLOW__DAG_PROCESSOR__PRINT_STATS_INTERVAL"] == "0"


def test_keys_are_in_no_file_and_are_required() -> None:
    for name in SECRETS:
        assert EXAMPLE[name] == ""
        assert set(re.findall(rf"\$\{{{name}\b(..)", TEXT)) == {":?"}
    for service in SERVICES.values():
        for variable, value in service.get("environment", {}).items():
            if re.search("PASSWORD$|SECRET|KEY|SQL_ALCHEMY_CONN", variable):
                assert value.partition("${")[2].split(":?")[0] in SECRETS, variable


def test_every_setting_of_the_pipeline_can_be_set_in_env() -> None:
    fixed = {"EMR_PIPELINE_AWS_CONN_ID", "EMR_PIPELINE_JOBS_FOLDER"}
    names = {PREFIX + field.name.upper() for field in fields(Settings)} - fixed
    assert names <= SERVICES["scheduler"]["environment"].keys()
    assert names <= EXAMPLE.keys()


def test_by_default_the_connection_uses_the_local_aws() -> None:
    local = connection(**EXAMPLE)
    assert (local["login"], local["password"]) == ("local", "any-secret-key")
    assert local["extra"] == {"endpoint_url": "http://localaws:4566", "region_name": "eu-central-1"}


def test_the_local_aws_accepts_the_host_name_in_the_connection() -> None:
    options = parser().parse_args(SERVICES["localaws"]["command"])
    host = urlsplit(connection(**EXAMPLE)["extra"]["endpoint_url"]).netloc
    assert Allowlist(options.allow_host, options.allow_origin).rejection({"HTTP_HOST": host}) == ""
    assert options.allow_origin == []


def test_empty_values_are_left_out_of_the_connection() -> None:
    """boto3 refuses an empty endpoint (``Invalid endpoint``) and an empty profile."""
    assert connection() == {"conn_type": "aws", "extra": {"region_name": "eu-central-1"}}


def test_a_profile_a_token_and_a_role_reach_the_connection() -> None:
    aws = connection(
        AIRFLOW_AWS_PROFILE="work",
        AIRFLOW_AWS_SESSION_TOKEN="t",
        AIRFLOW_AWS_ROLE_ARN="r",
        AIRFLOW_AWS_REGION="us-east-1",
    )
    assert aws["extra"] == {
        "profile_name": "work",
        "aws_session_token": "t",
        "role_arn": "r",
        "region_name": "us-east-1",
    }


def test_code_is_mounted_read_only_where_the_dag_expects_it() -> None:
    """``sales_segmentation/jobs.py`` expects the jobs in a folder next to ``dags/``."""
    for service in SERVICES.values():
        if service["image"] == "${COMPOSE_PROJECT_NAME}-airflow":
            for folder in ("dags", "plugins", "spark"):
                assert f"./{folder}:/opt/airflow/{folder}:ro" in service["volumes"]


def test_the_image_has_the_airflow_of_the_lock() -> None:
    dockerfile = (ROOT / "docker/airflow/Dockerfile").read_text()
    version = re.search(r"^apache-airflow==(\S+)$", (ROOT / "requirements.in").read_text(), re.MULTILINE)
    assert version
    assert f"FROM apache/airflow:slim-{version[1]}-python3.11\n" in dockerfile


@pytest.mark.parametrize("lock", ["requirements-localaws", "requirements-postgres"])
def test_an_image_has_the_pinned_versions_that_the_tests_use(lock: str) -> None:
    def pins(name: str) -> dict[str, str]:
        return dict(re.findall(r"^([a-z0-9._-]+)==(\S+)$", (ROOT / f"{name}.txt").read_text(), re.MULTILINE))

    tested = pins("requirements") | pins("requirements-dev")
    assert pins(lock)
    assert {name: tested.get(name, pin) for name, pin in pins(lock).items()} == pins(lock)


def test_only_code_and_locks_are_sent_to_the_engine() -> None:
    ignored = (ROOT / ".dockerignore").read_text().splitlines()
    assert "*" in ignored
    assert not any(line.startswith("!.") for line in ignored)
    assert ".env" in (ROOT / ".gitignore").read_text().splitlines()
