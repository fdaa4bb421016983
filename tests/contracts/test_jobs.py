"""Each EMR step has exactly the flags that the parser of its job requires."""

from __future__ import annotations

import importlib.util
import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

import jinja2
import pytest

from emr_pipeline import package
from emr_pipeline.failure import REFUSAL, cause_in
from emr_pipeline.settings import Settings
from emr_pipeline.targets.emr_ec2.step import spark_step
from sales_segmentation.jobs import BOOTSTRAP, CODE_VERSION, FOLDER, JOBS, Job
from sales_segmentation.params import form
from sales_segmentation.run import int_if_whole

SETTINGS = Settings(bucket="lake")


def parser_of(script: Path) -> ArgumentParser:
    spec = importlib.util.spec_from_file_location(f"job_{script.stem}", script)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    parser: ArgumentParser = module.parser()
    return parser


def rendered(argument: str, **changed: Any) -> str:
    """Render an argument like Airflow, with the defaults of the form."""
    values = {name: param.value for name, param in form(SETTINGS).items()} | changed
    # If it is empty, the step that needs it is not queued.
    values["score_with"] = values["score_with"] or "2025-12-31"
    environment = jinja2.Environment(undefined=jinja2.StrictUndefined, finalize=int_if_whole)
    return environment.from_string(argument).render(
        params=values,
        dag_run=None,
        run_date=lambda *_: "2026-01-31",
        mapping=lambda ti: "none",
        ti=type("", (), {"xcom_pull": lambda _: "v1"}),
    )


def flags_of(job: Job) -> list[str]:
    arguments: list[str] = spark_step(job.step(SETTINGS))["HadoopJarStep"]["Args"]
    return arguments[
        next(i for i, argument in enumerate(arguments) if argument.endswith(f"{job.name}.py")) + 1 :
    ]


@pytest.mark.parametrize("job", JOBS, ids=lambda job: job.name)
def test_the_defaults_of_the_form_are_accepted_by_the_job(job: Job) -> None:
    script = FOLDER / f"{job.name}.py"
    namespace = parser_of(script).parse_args([rendered(flag) for flag in flags_of(job)])
    assert namespace.run_date == "2026-01-31"


@pytest.mark.parametrize("job", JOBS, ids=lambda job: job.name)
def test_the_step_has_every_flag_of_the_job(job: Job) -> None:
    actions = parser_of(FOLDER / f"{job.name}.py")._actions
    asked = {option for action in actions for option in action.option_strings} - {"-h", "--help"}
    assert asked == set(flags_of(job)[::2])


@pytest.mark.parametrize("job", JOBS, ids=lambda job: job.name)
def test_no_flag_of_a_job_has_a_default(job: Job) -> None:
    assert all(
        action.required for action in parser_of(FOLDER / f"{job.name}.py")._actions if action.dest != "help"
    )


def test_a_fixed_k_reaches_the_job() -> None:
    kmeans = next(job for job in JOBS if job.name == "kmeans")
    arguments = [rendered(flag, k=4) for flag in flags_of(kmeans)]
    assert arguments[arguments.index("--k") + 1] == "4"


@pytest.mark.parametrize("job", JOBS, ids=lambda job: job.name)
def test_whole_numbers_that_are_given_as_floats_are_accepted_by_the_job(job: Job) -> None:
    """JSON schema, and so the form, accepts 4.0 for an integer."""
    names = [name for name, param in form(SETTINGS).items() if "integer" in param.schema["type"]]
    floats = {name: float(form(SETTINGS)[name].value or 4) for name in names}
    for name, value in floats.items():
        form(SETTINGS)[name].resolve(value)
    flags = [rendered(flag, **floats) for flag in flags_of(job)]
    parser_of(FOLDER / f"{job.name}.py").parse_args(flags)
    assert not {text for text in flags if text.endswith(".0")}


def test_the_package_contains_the_files_of_steps_and_nodes() -> None:
    files = package.build(FOLDER).files
    assert {f"{job.name}.py" for job in JOBS} | {"segmentation.zip", Path(BOOTSTRAP).name} <= set(files)
    assert CODE_VERSION in BOOTSTRAP


def test_the_operator_recognises_a_refusal_in_the_log_of_a_job(capsys: pytest.CaptureFixture[str]) -> None:
    """The last line of the job matches the pattern with which the operator searches the log."""
    with pytest.raises(SystemExit):
        parser_of(FOLDER / "preprocess.py").parse_args(["--run-date", "today"])
    assert cause_in(capsys.readouterr().err, "here").kind == REFUSAL

    source = (FOLDER / "segmentation" / "job.py").read_text()
    written = next(line for line in source.splitlines() if "error: {problem}" in line)
    line = written.split('f"')[1].split("\\n")[0].format(name="pca", problem="fewer than 2 customers")
    assert cause_in(line, "here").sentence == "fewer than 2 customers"
