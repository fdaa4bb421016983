"""The logs of a step and its drivers are found where EMR puts them."""

from __future__ import annotations

import pytest

from emr_pipeline.failure import most_specific_cause
from emr_pipeline.targets.emr_ec2.logs import read_logs, step_folder
from tests.plugins.emr_pipeline.test_logs import FOLDER, STEP, Objects

TRACEBACK = b'Traceback (most recent call last):\n  File "pca.py", line 9\nValueError: no variance\n'


@pytest.mark.parametrize("log_uri", ["s3://lake/logs/", "s3n://lake/logs", "s3a://lake/logs/"])
def test_the_folder_of_the_logs_is_the_one_that_emr_uses(log_uri: str) -> None:
    assert step_folder(log_uri, "j-1", "s-1") == FOLDER


def test_a_cluster_without_a_log_uri_has_no_folder() -> None:
    assert step_folder("", "j-1", "s-1") == ""


def test_only_the_output_of_an_applications_driver_is_read() -> None:
    folder = "logs/j-1/containers/application_1_1"
    contents = {
        f"{STEP}/stderr": b"Submitted application_1_1\n",
        f"{folder}/container_1_1_01_000001/launch_container.sh": b"export SECRET=1",
        f"{folder}/container_1_1_01_000001/stdout": b"driver",
        f"{folder}/container_1_1_01_000002/stdout": b"executor",
    }
    logs = read_logs(Objects(contents), FOLDER)
    assert [(log.name, log.text) for log in logs[1:]] == [("driver stdout", "driver")]


def test_in_cluster_mode_the_cause_is_in_the_drivers_log() -> None:
    folder = "logs/j-1/containers/application_1_1"
    contents = {
        f"{STEP}/stderr": b"Submitted application_1_1\nfailed\n",
        f"{folder}/container_1_1_01_000001/stderr": TRACEBACK,
        f"{folder}/container_1_1_01_000002/stderr": b"executor",
    }
    cause = most_specific_cause(read_logs(Objects(contents), FOLDER))
    assert cause is not None
    assert cause.sentence == "ValueError: no variance"
    assert cause.address.endswith("container_1_1_01_000001/stderr")


def test_there_is_no_cause_before_emr_has_uploaded_the_output_of_the_job() -> None:
    assert most_specific_cause(read_logs(Objects({}), FOLDER)) is None
    controller = Objects({f"{STEP}/controller": b"INFO startExec"})
    assert most_specific_cause(read_logs(controller, FOLDER)) is None
