"""The definition of the state machines in Amazon States Language, with JSONata as the query language.

Params, cluster, steps and statements are those of the DAG: their templates become expressions.
https://docs.aws.amazon.com/step-functions/latest/dg/concepts-amazon-states-language.html
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import sales_segmentation
from devtools.state_machine.expressions import Expression, Fields, Templates, jsonata, source
from emr_pipeline.settings import Settings
from emr_pipeline.specs import StepSpec
from emr_pipeline.tags import run_tags
from emr_pipeline.targets.emr_ec2.cluster import LIVE_STATES, run_job_flow_request
from emr_pipeline.targets.emr_ec2.step import spark_step
from sales_segmentation import params
from sales_segmentation.datasets import DATASETS, QUESTIONS
from sales_segmentation.jobs import KMEANS, PCA, PREPROCESS, SCORE, Job, cluster
from sales_segmentation.run import jobs

State = dict[str, Any]
States = dict[str, State]

NAME = "sales_segmentation"
FIT, SCORE_ONLY = jobs({"score_with": None}), jobs({"score_with": "2026-01-31"})
"""The jobs of a run: without and with ``score_with``."""

PLACEHOLDERS = Settings(
    bucket="${Bucket}",
    project="${Project}",
    workgroup="${WorkGroup}",
    database="${Database}",
    service_role="${ServiceRole}",
    instance_profile="${InstanceProfile}",
    subnet_ids="${SubnetIds}",
    primary_security_group="${PrimarySecurityGroup}",
    core_security_group="${CoreSecurityGroup}",
    service_security_group="${ServiceSecurityGroup}",
    security_configuration="${SecurityConfiguration}",
)
CODE_VERSION = "${CodeVersion}"
"""With PLACEHOLDERS: the DefinitionSubstitutions of ``infra/state-machine.yaml``."""

STATEMENT_SECONDS, STEP_SECONDS, CLUSTER_SECONDS, CALL_SECONDS = 1800, 7200, 3600, 60
RETRY_CALL = [
    {"ErrorEquals": ["States.TaskFailed"], "IntervalSeconds": 10, "MaxAttempts": 2, "BackoffRate": 2}
]
"""For tasks that may run twice: the DAG has the same number of retries."""
NOT_PARAMS = ("budget", "over_budget", "mapping", "max_scanned_gb", "target")
"""The state machine does not estimate its cost, and runs on EMR on EC2 only. It does not watch a query; the byte limit
of the workgroup applies. It cannot read the YAML of a mapping."""


def pipeline(settings: Settings = PLACEHOLDERS, code_version: str = CODE_VERSION) -> State:
    """Return the state machine that does what the DAG does, from ``create_database`` to ``queries``."""
    form = {name: param for name, param in params.form(settings).items() if name not in NOT_PARAMS}
    defaults = {name: param.value for name, param in form.items()}
    render = _Renderer(settings, code_version)
    states: States = {
        "read_params": {
            "Type": "Pass",
            "Assign": {
                "params": jsonata(f"$merge([{_json(defaults)}, $states.input])"),
                "execution": jsonata("$states.context.Execution.Id"),
                "failed": False,
                **_NO_CLUSTERS,
            },
        },
        "validate_params": {"Type": "Pass", "Assign": {"invalid": jsonata(_invalid(form))}},
        "check_params": _choice("$count($invalid) > 0", "invalid_params"),
        "set_variables": {
            "Type": "Pass",
            "Assign": {
                "run_date": jsonata(_RUN_DATE),
                "model_date": jsonata(f"$params.score_with ? $params.score_with : {_RUN_DATE}"),
                "spot_nodes": jsonata("$round($params.core_nodes * $params.spot_share)"),
            },
        },
        "create_database": render.statement(_sql("create_database"), database=False),
        "create_tables": render.statements(
            {dataset.name: (_sql("create_tables"), dataset.params) for dataset in DATASETS}
        ),
        "create_cluster": {
            "Type": "Task",
            "Resource": "arn:aws:states:::elasticmapreduce:createCluster.sync",
            "Arguments": render.cluster(),
            "Assign": {"cluster_id": jsonata("$states.result.ClusterId")},
            "TimeoutSeconds": CLUSTER_SECONDS,
        },
        "preprocess": render.step(PREPROCESS),
        "fit_or_score": _choice("$boolean($params.score_with)", "score"),
        "pca": render.step(PCA),
        "kmeans": render.step(KMEANS) | {"Next": "repair_tables"},
        "score": render.step(SCORE),
        "repair_tables": render.statements(
            {dataset.name: (_sql("repair_tables"), dataset.params) for dataset in DATASETS}
        ),
        "count_rows": render.row_counts(),
        "read_row_counts": {
            "Type": "Task",
            "Resource": "arn:aws:states:::athena:getQueryResults",
            "Arguments": {"QueryExecutionId": jsonata("$states.input.QueryExecution.QueryExecutionId")},
            "Assign": {"counted": jsonata(_COUNTED)},
            "TimeoutSeconds": CALL_SECONDS,
            "Retry": RETRY_CALL,
        },
        "read_metrics": render.metrics(),
        "verify_row_counts": _choice("$counted != $written", "row_counts_differ"),
        "find_clusters": _find_clusters(),
        "is_last_page": _choice('$marker != ""', "find_clusters"),
        "terminate_clusters": _terminate_clusters(),
        "is_failed": _choice("$failed", "fail"),
        "queries": render.statements({name: (_sql(name), {"question": name}) for name in QUESTIONS})
        | {"End": True},
        "row_counts_differ": {
            "Type": "Pass",
            "Assign": {
                "failed": True,
                "failure": {
                    "Error": "RowCountsDiffer",
                    "Cause": jsonata('"Athena counts " & $string($counted) & ", the jobs wrote " & $string($written)'),
                },
            },
            "Next": "find_clusters",
        },
        "invalid_params": {
            "Type": "Fail",
            "Error": "InvalidParams",
            "Cause": jsonata('"invalid or unknown params: " & $join($invalid, ", ")'),
        },
        "fail": {
            "Type": "Fail",
            "Error": "PipelineFailed",  # the names that begin with States. are reserved
            "Cause": jsonata('$failure.Error & ": " & $failure.Cause'),
        },
    }  # fmt: skip
    _chain(states)
    for name in _between(states, "create_cluster", "read_metrics"):
        if states[name]["Type"] in ("Task", "Map"):
            states[name]["Catch"] = [_TO_TERMINATION]
    return {
        "Comment": "The DAG sales_segmentation; written by make state-machine",
        "QueryLanguage": "JSONata",
        "StartAt": "read_params",
        "TimeoutSeconds": 8 * 3600,
        "States": states,
    }


def reaper() -> State:
    """Return the state machine that ends the clusters of an execution that did not end them.

    Its input is EventBridge's event about the end of the execution.
    """
    states = {
        "read_event": {
            "Type": "Pass",
            "Assign": {"execution": jsonata("$states.input.detail.executionArn"), **_NO_CLUSTERS},
        },
        "find_clusters": _find_clusters(),
        "is_last_page": _choice('$marker != ""', "find_clusters"),
        "terminate_clusters": _terminate_clusters() | {"End": True},
    }
    _chain(states)
    return {
        "Comment": "Ends the clusters of an aborted execution; written by make state-machine",
        "QueryLanguage": "JSONata",
        "StartAt": "read_event",
        "TimeoutSeconds": 2 * 3600,
        "States": states,
    }


class _Renderer:
    """The parts of the DAG as states."""

    def __init__(self, settings: Settings, code_version: str) -> None:
        self.settings = settings
        self.templates = Templates(
            {
                "settings": settings,
                "params": Fields("$params"),
                "dag_run": None,
                "ti": SimpleNamespace(xcom_pull={"stage_jobs": code_version}.get),
                "mapping": lambda ti: "none",
                "run_date": lambda dag_run, params: Expression("$run_date"),
                "model_date": lambda dag_run, params: Expression("$model_date"),
            }
        )

    def cluster(self) -> str:
        """Return the RunJobFlow request; the fleets of core and task nodes and their scaling depend on the params."""
        spec = replace(cluster(self.settings), core_nodes=2, spot_share=0.5, task_nodes=1)
        spec = replace(spec, **self.templates.render(vars(spec)))
        tags = run_tags(NAME, "", self.settings)
        # Not the tags of a DAG run: the DAG emr_reaper ends clusters whose DAG run does not exist.
        tags = {"execution": jsonata("$execution")} | {
            key: value for key, value in tags.items() if key not in ("dag_id", "run_id")
        }
        request = run_job_flow_request(jsonata(f'"{NAME} " & $execution'), spec, self.settings, tags)
        instances = request["Instances"]
        primary, core, task = instances["InstanceFleets"]
        instances["InstanceFleets"] = [primary, _core_fleet(core), _task_fleet(task)]
        if "$" in self.settings.subnet_ids:
            instances["Ec2SubnetIds"] = jsonata(f'$split("{self.settings.subnet_ids}", ",")')
        limits = request.pop("ManagedScalingPolicy")["ComputeLimits"] | {
            "MinimumCapacityUnits": jsonata("$params.core_nodes"),
            "MaximumCapacityUnits": jsonata("$params.core_nodes + $params.task_nodes"),
            "MaximumOnDemandCapacityUnits": jsonata("$params.core_nodes - $spot_nodes"),
            "MaximumCoreCapacityUnits": jsonata("$params.core_nodes"),
        }
        scaling = source({"ManagedScalingPolicy": {"ComputeLimits": limits}})
        return jsonata(f"$merge([{source(request)}, $params.task_nodes > 0 ? {scaling} : {{}}])")

    def step(self, job: Job) -> State:
        spec = job.step(self.settings)
        step = spark_step(StepSpec(**self.templates.render(vars(spec))))
        return {
            "Type": "Task",
            "Resource": "arn:aws:states:::elasticmapreduce:addStep.sync",
            "Arguments": {"ClusterId": jsonata("$cluster_id"), "Step": step},
            "TimeoutSeconds": STEP_SECONDS,
        }

    def statement(self, sql: str, database: bool = True) -> State:
        return _statement(self.request(self.templates.render(sql), database))

    def request(self, query: str, database: bool = True) -> dict[str, Any]:
        return {
            "QueryString": query,
            "QueryExecutionContext": {"Catalog": "AwsDataCatalog"}
            | ({"Database": self.settings.database} if database else {}),
            "ResultConfiguration": {
                "OutputLocation": self.templates.render(
                    self.settings.s3("athena-results", "run_date={{ run_date(dag_run, params) }}", "")
                )
            },
            "WorkGroup": self.settings.workgroup,
        }

    def statements(self, queries: Mapping[str, tuple[str, Mapping[str, Any]]]) -> State:
        """Return a Map state that runs the statements, five at a time; each has its own ``params`` as in the DAG."""
        items = [
            {"name": name, "query": self.templates.render(sql, params=values)}
            for name, (sql, values) in queries.items()
        ]
        run = _statement(self.request(jsonata("$states.input.query"))) | {"Output": {}, "End": True}
        return {
            "Type": "Map",
            "Items": items,
            "MaxConcurrency": 5,
            "ItemProcessor": {
                "ProcessorConfig": {"Mode": "INLINE"},
                "StartAt": "run_statement",
                "States": {"run_statement": run},
            },
            "Output": {},
        }

    def row_counts(self) -> State:
        """Return the state that counts the rows of the tables that the run has written."""
        score, fit = (
            self.templates.text(_sql("verify_row_counts"), jobs=lambda params, plan=plan: plan)
            for plan in (SCORE_ONLY, FIT)
        )
        return _statement(self.request(jsonata(f"$params.score_with ? {score} : {fit}")))

    def metrics(self) -> State:
        """Return the state that reads the row numbers in the metrics files of the run's jobs."""
        score, fit = (_json([job.name for job in plan]) for plan in (SCORE_ONLY, FIT))
        read = {
            "Type": "Task",
            "Resource": "arn:aws:states:::aws-sdk:s3:getObject",
            "Arguments": {
                "Bucket": self.settings.bucket,
                "Key": jsonata('"metrics/run_date=" & $run_date & "/" & $states.input & ".json"'),
            },
            "Output": jsonata("$parse($states.result.Body).rows"),
            "TimeoutSeconds": CALL_SECONDS,
            "Retry": RETRY_CALL,
            "End": True,
        }
        return {
            "Type": "Map",
            "Items": jsonata(f"$params.score_with ? {score} : {fit}"),
            "ItemProcessor": {
                "ProcessorConfig": {"Mode": "INLINE"},
                "StartAt": "read_metrics_file",
                "States": {"read_metrics_file": read},
            },
            "Assign": {"written": jsonata("$merge($states.result)")},
            "Output": {},
        }


_RUN_DATE = (
    '($params.run_date ? $params.run_date : $substringBefore($states.context.Execution.StartTime, "T"))'
)


_COUNTED = (
    '$states.result.ResultSet.Rows[Data[0].VarCharValue != "dataset"]'
    "{Data[0].VarCharValue: $number(Data[1].VarCharValue)}"
)
"""The result of ``verify_row_counts.sql`` as an object: the number of rows by dataset."""
_TO_TERMINATION = {
    "ErrorEquals": ["States.ALL"],
    "Assign": {"failed": True, "failure": jsonata("$states.errorOutput")},
    "Next": "find_clusters",
}


def _sql(name: str) -> str:
    return (Path(sales_segmentation.__file__).parent / f"sql/{name}.sql").read_text("utf-8")


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def _statement(request: dict[str, Any]) -> State:
    return {
        "Type": "Task",
        "Resource": "arn:aws:states:::athena:startQueryExecution.sync",
        "Arguments": request,
        "TimeoutSeconds": STATEMENT_SECONDS,
        "Retry": RETRY_CALL,
    }


def _core_fleet(fleet: dict[str, Any]) -> str:
    """Return the fleet of core nodes of the request with the size that the params give it."""
    spot_only = {"LaunchSpecifications": fleet["LaunchSpecifications"]}
    capacity = {"TargetOnDemandCapacity", "TargetSpotCapacity", *spot_only}
    rest = {name: value for name, value in fleet.items() if name not in capacity}
    sizes = '{"TargetOnDemandCapacity": $params.core_nodes - $spot_nodes, "TargetSpotCapacity": $spot_nodes}'
    return jsonata(f"$merge([{_json(rest)}, {sizes}, $spot_nodes > 0 ? {_json(spot_only)} : {{}}])")


def _task_fleet(fleet: dict[str, Any]) -> str:
    """Return the fleet of task nodes; without task nodes an empty array, which adds nothing to the array of fleets."""
    sized = source(fleet | {"TargetSpotCapacity": jsonata("$params.task_nodes")})
    return jsonata(f"$params.task_nodes > 0 ? {sized} : []")


_NO_CLUSTERS = {"cluster_ids": [], "marker": ""}
"""The variables of ``find_clusters`` before it has read a page."""


def _find_clusters() -> State:
    """Return the state that reads a page of the live clusters, for those with the name of the execution.

    The name is unique. A page has 50 clusters in no order, and the ``Marker`` of the next page.
    https://docs.aws.amazon.com/emr/latest/APIReference/API_ListClusters.html
    """
    clusters = f'$states.result.Clusters[Name = ("{NAME} " & $execution)]'
    request = source({"ClusterStates": list(LIVE_STATES)})
    return {
        "Type": "Task",
        "Resource": "arn:aws:states:::aws-sdk:emr:listClusters",
        "Arguments": jsonata(f'$merge([{request}, $marker != "" ? {{"Marker": $marker}} : {{}}])'),
        "Assign": {
            "cluster_ids": jsonata(f"[$cluster_ids, {clusters}.Id]"),
            "marker": jsonata('$states.result.Marker ? $states.result.Marker : ""'),
        },
        "Output": {},
        "TimeoutSeconds": CALL_SECONDS,
        "Retry": RETRY_CALL,
    }


def _terminate_clusters() -> State:
    terminate = {
        "Type": "Task",
        "Resource": "arn:aws:states:::elasticmapreduce:terminateCluster.sync",
        "Arguments": {"ClusterId": jsonata("$states.input")},
        "TimeoutSeconds": CLUSTER_SECONDS,
        "Retry": RETRY_CALL,
        "End": True,
    }
    return {
        "Type": "Map",
        "Items": jsonata("$cluster_ids"),
        "ItemProcessor": {
            "ProcessorConfig": {"Mode": "INLINE"},
            "StartAt": "terminate_cluster",
            "States": {"terminate_cluster": terminate},
        },
        "Output": {},
    }


def _choice(condition: str, target: str) -> State:
    """Return a Choice state that goes to ``target`` if the condition is true, else to the next state."""
    return {"Type": "Choice", "Choices": [{"Condition": jsonata(condition), "Next": target}], "Default": ""}


def _chain(states: States) -> None:
    """Let each state without a successor be followed by the next state."""
    for name, following in zip(states, [*states][1:], strict=False):
        if states[name].get("Default") == "":
            states[name]["Default"] = following
        elif states[name]["Type"] not in ("Fail", "Choice") and not states[name].keys() & {"Next", "End"}:
            states[name]["Next"] = following


def _invalid(form: Mapping[str, Any]) -> str:
    """Return an expression for the names of the params that are unknown or break a rule of the form."""
    known = _json(list(form))
    checks = [f'{_valid(f"$params.{name}", param.schema)} ? [] : "{name}"' for name, param in form.items()]
    checks.append('$params.k_min > $params.k_max and $not($boolean($params.score_with)) ? "k_min" : []')
    unknown = f"$filter($keys($params), function($name) {{ $not($name in {known}) }})"
    return f"[{', '.join(checks)}, {unknown}]"


def _valid(value: str, schema: Mapping[str, Any]) -> str:
    """Return the condition that a value is valid. A number must not be text; patterns are left to the jobs."""
    *others, name = [schema["type"]] if isinstance(schema["type"], str) else schema["type"]
    signs = {"minimum": ">=", "maximum": "<=", "exclusiveMinimum": ">"}
    bounds = [
        (sign, rule[bound])
        for rule in schema.get("allOf", ())
        for bound, sign in signs.items()
        if bound in rule
    ]
    rules = [f"{value} {sign} {bound}" for sign, bound in bounds]
    if name == "integer":
        rules.append(f"$floor({value}) = {value}")
    if "enum" in schema:
        rules.append(f"{value} in {_json(schema['enum'])}")
    if schema.get("format") == "date":
        rules.append(f"$contains({value}, /^[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}$/)")
    # A comparison of values of different types is an error, so the type is checked first.
    condition = (
        f'$type({value}) = "{name.replace("integer", "number")}" ? {" and ".join(rules) or "true"} : false'
    )
    return f"({value} = null ? true : {condition})" if "null" in others else f"({condition})"


def _between(states: States, first: str, last: str) -> list[str]:
    names = [*states]
    return names[names.index(first) : names.index(last) + 1]
