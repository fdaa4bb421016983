"""The state machine submits the same cluster, steps and statements as the DAG for the same params."""

from __future__ import annotations

import json
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import jsonata
import pytest
from cfnlint.rules.resources.stepfunctions.StateMachineDefinition import StateMachineDefinition
from jsonschema import Draft7Validator

from devtools.paths import PROJECT
from devtools.state_machine.__main__ import FILES, text
from devtools.state_machine.definition import pipeline, reaper
from emr_pipeline.specs import ClusterSpec, StepSpec
from emr_pipeline.tags import run_tags
from emr_pipeline.targets.emr_ec2.cluster import run_job_flow_request
from emr_pipeline.targets.emr_ec2.step import spark_step
from sales_segmentation.datasets import DATASETS, QUESTIONS

EXECUTION = "arn:aws:states:us-east-1:123456789012:execution:sales-segmentation:first"
STATES = {"input": {}, "context": {"Execution": {"Id": EXECUTION, "StartTime": "2026-02-28T23:59:59.123Z"}}}

PARAMS: dict[str, dict[str, Any]] = {
    "the defaults": {"run_date": "2026-02-28"},
    "all others": {
        "run_date": "2026-01-31",
        "input": "s3://other/it's \\ here/2026-0[12].csv",
        "k": 4,
        "k_min": 3,
        "variance_to_keep": 1,
        "max_rejected_share": 0.001,
        "core_nodes": 7,
        "spot_share": 0.5,
        "task_nodes": 4,
        "release_label": "emr-spark-8.0.0",
    },
    "scoring": {"run_date": "2026-02-28", "score_with": "2025-12-31", "core_nodes": 3, "spot_share": 1},
}


def evaluated(value: Any, variables: dict[str, Any]) -> Any:
    """Return a field of a state as Step Functions evaluates it."""
    match value:
        case str() if value.startswith("{%"):
            declared = "".join(f"${name} := {json.dumps(known)}; " for name, known in variables.items())
            expression = value.removeprefix("{%").removesuffix("%}")
            return json.loads(json.dumps(jsonata.Jsonata(f"({declared}{expression})").evaluate(None)))
        case dict():
            return {key: evaluated(child, variables) for key, child in value.items()}
        case list():
            return [evaluated(child, variables) for child in value]
        case _:
            return value


def variables_of(states: dict[str, Any], given: dict[str, Any]) -> dict[str, Any]:
    """Return the variables of an execution with this input."""
    variables: dict[str, Any] = {"states": STATES | {"input": given}}
    for name in ("read_params", "validate_params", "set_variables"):
        variables |= evaluated(states[name]["Assign"], variables)
    return variables


@pytest.fixture(scope="module")
def states(dag: Any) -> dict[str, Any]:
    definition = pipeline(dag.get_task("create_cluster").settings, "v1")
    result: dict[str, Any] = definition["States"]
    return result


@pytest.fixture(params=PARAMS.values(), ids=PARAMS)
def both(request: pytest.FixtureRequest, dag: Any, states: dict[str, Any]) -> Any:
    """Two functions: one evaluates a value of a state, the other renders a value of a task, for the same params."""
    variables = variables_of(states, request.param)
    assert variables["invalid"] == []
    params = {name: param.value for name, param in dag.params.items()} | request.param
    context = {
        "dag_run": None,
        "ti": SimpleNamespace(xcom_pull=lambda task_id, key=None: "" if key else "v1"),
    }
    environment = dag.get_template_env()

    def of_dag(value: Any, **mapped: Any) -> Any:
        values = context | {"params": params | mapped}
        if isinstance(value, str) and value.startswith("sql/"):
            return environment.get_template(value).render(values)
        return dag.get_task("create_cluster").render_template(value, values, environment)

    return lambda value: evaluated(value, variables), of_dag, params


def test_the_cluster_is_that_of_the_dag(dag: Any, states: dict[str, Any], both: Any) -> None:
    of_machine, of_dag, _ = both
    task = dag.get_task("create_cluster")
    tags = {"execution": EXECUTION} | run_tags(dag.dag_id, "", task.settings)
    for key in ("dag_id", "run_id"):
        del tags[key]
    cluster = ClusterSpec(**of_dag(task.cluster))
    expected = run_job_flow_request(f"sales_segmentation {EXECUTION}", cluster, task.settings, tags)
    assert of_machine(states["create_cluster"]["Arguments"]) == expected


def test_the_steps_are_those_of_the_dag(dag: Any, states: dict[str, Any], both: Any) -> None:
    of_machine, of_dag, params = both
    steps, name = [], "preprocess"
    while "addStep" in states[name].get("Resource", "addStep"):
        if states[name]["Type"] == "Choice":
            chosen = of_machine(states[name]["Choices"][0]["Condition"])
            name = states[name]["Choices"][0]["Next"] if chosen else states[name]["Default"]
        elif states[name]["Type"] == "Task":
            steps.append(of_machine(states[name]["Arguments"]["Step"]))
            name = states[name]["Next"]
        else:
            break
    task = dag.get_task("add_steps")
    plan = task.plan({"params": params})
    assert steps == [spark_step(StepSpec(**of_dag(step))) for step in task.steps if step["name"] in plan]


def test_the_statements_are_those_of_the_dag(states: dict[str, Any], both: Any) -> None:
    of_machine, of_dag, _ = both
    for name in ("create_database", "count_rows"):
        sql = {"count_rows": "verify_row_counts"}.get(name, name)
        assert of_machine(states[name]["Arguments"]["QueryString"]) == of_dag(f"sql/{sql}.sql")
    for name in ("create_tables", "repair_tables"):
        queries = [item["query"] for item in of_machine(states[name]["Items"])]
        assert queries == [of_dag(f"sql/{name}.sql", **dataset.params) for dataset in DATASETS]
    queries = {item["name"]: item["query"] for item in of_machine(states["queries"]["Items"])}
    assert queries == {name: of_dag(f"sql/{name}.sql", question=name) for name in QUESTIONS}


def test_the_context_of_a_statement_is_that_of_the_dag(dag: Any, states: dict[str, Any], both: Any) -> None:
    of_machine, of_dag, _ = both
    for name, task_id in (("create_database",) * 2, ("count_rows", "verify_row_counts")):
        task = dag.get_task(task_id)
        same_query = {"QueryString": ""}
        assert of_machine(states[name]["Arguments"] | same_query) == of_dag(task._request() | same_query)


@pytest.mark.parametrize(
    ("params", "invalid"),
    [
        ({"k_min": 11}, ["k_min"]),
        ({"k_min": 11, "score_with": "2026-01-31"}, []),
        ({"k": "4", "core_nodes": 2.5, "spot_share": 1.5}, ["k", "core_nodes", "spot_share"]),
        ({"run_date": "2026-1-1", "feature_set": "all"}, ["run_date", "feature_set"]),
        ({"kmin": 3, "seeds": 1}, ["kmin", "seeds"]),
        ({"input": None, "variance_to_keep": 0}, ["input", "variance_to_keep"]),
    ],
    ids=["empty range", "range not used", "numbers", "texts", "unknown", "null and zero"],
)
def test_invalid_params_are_named(states: dict[str, Any], params: dict[str, Any], invalid: list[str]) -> None:
    variables: dict[str, Any] = {"states": STATES | {"input": params}}
    for name in ("read_params", "validate_params"):
        variables |= evaluated(states[name]["Assign"], variables)
    assert sorted(variables["invalid"]) == sorted(invalid)


def test_without_a_run_date_it_is_the_day_on_which_the_execution_has_started(states: dict[str, Any]) -> None:
    variables = variables_of(states, {"score_with": "2026-01-31"})
    assert (variables["run_date"], variables["model_date"]) == ("2026-02-28", "2026-01-31")


def test_each_failure_between_the_cluster_and_its_end_leads_to_its_end(states: dict[str, Any]) -> None:
    names = [*states]
    while_it_lives = names[names.index("create_cluster") : names.index("verify_row_counts")]
    for name in while_it_lives:
        if states[name]["Type"] != "Choice":
            (catch,) = states[name]["Catch"]
            assert (catch["ErrorEquals"], catch["Next"]) == (["States.ALL"], "find_clusters")


@pytest.mark.parametrize("machine", [pipeline, reaper])
def test_the_clusters_of_the_execution_are_found_on_all_pages(machine: Callable[[], dict[str, Any]]) -> None:
    states = machine()["States"]
    variables = {"states": STATES | {"input": {"detail": {"executionArn": EXECUTION}}}}
    variables |= evaluated(states[machine()["StartAt"]]["Assign"], variables)
    mine, other = f"sales_segmentation {EXECUTION}", f"sales_segmentation {EXECUTION}-2"
    pages = [
        {"Clusters": [{"Id": "j-1", "Name": mine}, {"Id": "j-2", "Name": other}], "Marker": "2"},
        {"Clusters": [{"Id": "j-3", "Name": other}], "Marker": "3"},
        {"Clusters": [{"Id": "j-4", "Name": mine}]},
    ]
    find, is_last = states["find_clusters"], states[states["find_clusters"]["Next"]]
    assert (is_last["Choices"][0]["Next"], is_last["Default"]) == ("find_clusters", "terminate_clusters")
    markers = []
    for page in pages:
        markers.append(evaluated(find["Arguments"], variables).get("Marker"))
        variables["states"] = STATES | {"result": page}
        variables |= evaluated(find["Assign"], variables)
        assert evaluated(is_last["Choices"][0]["Condition"], variables) == ("Marker" in page)
    assert markers == [None, "2", "3"]
    assert evaluated(states["terminate_clusters"]["Items"], variables) == ["j-1", "j-4"]


def tasks(states: dict[str, Any]) -> list[dict[str, Any]]:
    inner = [state["ItemProcessor"]["States"] for state in states.values() if state["Type"] == "Map"]
    return [s for group in [states, *inner] for s in group.values() if s["Type"] == "Task"]


@pytest.mark.parametrize("name", FILES)
def test_a_definition_is_current_and_valid(name: str) -> None:
    """Valid by the schema of Amazon States Language that cfn-lint has."""
    definition = FILES[name]()
    assert (PROJECT / "infra" / name).read_text() == text(definition), "run make state-machine"
    assert all(task["TimeoutSeconds"] > 0 for task in tasks(definition["States"]))
    schema = StateMachineDefinition()._convert_schema_to_jsonata()
    assert [error.message for error in Draft7Validator(schema).iter_errors(definition)] == []
    names = definition["States"].keys()
    assert {state.get("Next", definition["StartAt"]) for state in definition["States"].values()} <= names
