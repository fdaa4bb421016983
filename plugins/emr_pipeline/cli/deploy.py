"""``emr-pipeline deploy``: create or update the AWS resources, and write the settings file."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any

import typer
from botocore.exceptions import ClientError
from rich.console import Console
from rich.table import Table

from emr_pipeline.cli import certificates, console, settings_file, wheels
from emr_pipeline.cli.aws import Aws
from emr_pipeline.cli.checks.roles import services_without_role
from emr_pipeline.cli.console import CommandError
from emr_pipeline.cli.stacks import Change, Plan, Stack
from emr_pipeline.settings import PREFIX, Settings

STACKS = ("storage", "emr")
"""The stacks in the order of their creation; each is the template ``<name>.yaml``."""

COMPOSE_LOCAL_AWS = (
    "COMPOSE_PROFILES",
    "AIRFLOW_AWS_ENDPOINT_URL",
    "AIRFLOW_AWS_ACCESS_KEY_ID",
    "AIRFLOW_AWS_SECRET_ACCESS_KEY",
)
"""The variables of ``.env`` that select the local AWS of docker-compose.yaml."""

CERTIFICATES_KEY = "certificates/in-transit.zip"
WHEELS_FOLDER = "wheels/"

Templates = Annotated[Path, typer.Option(help="Folder with the templates storage.yaml and emr.yaml")]
Project = Annotated[
    str,
    typer.Option(
        help="Value of the tag project and first part of all names; empty for the template's default"
    ),
]


def deploy(
    project: Project = "",
    vpc_id: Annotated[str, typer.Option(help="Your VPC; empty to create one without internet access")] = "",
    subnet_ids: Annotated[str, typer.Option(help="Your private subnets in the VPC, comma-separated")] = "",
    caller_role: Annotated[
        str, typer.Option(help="IAM role of Airflow's workers, which gets the permissions of the pipeline")
    ] = "",
    alert_email: Annotated[str, typer.Option(help="Address that is notified of failed and late runs")] = "",
    monthly_budget: Annotated[
        int, typer.Option(min=0, help="US dollars a month before an alert; 0 for none")
    ] = 0,
    parameter: Annotated[
        list[str], typer.Option(help="Another parameter of the templates, as NAME=VALUE; repeatable")
    ] = [],  # noqa: B006 - typer does not change it
    in_transit: Annotated[
        bool | None,
        typer.Option("--encrypt-in-transit/--no-encrypt-in-transit", help="Encrypt between the nodes"),
    ] = None,
    renew_certificate: Annotated[bool, typer.Option(help="Replace the certificate of the nodes")] = False,
    with_wheels: Annotated[
        bool,
        typer.Option(
            "--stage-wheels/--no-wheels",
            help="Stage numpy for nodes without internet access and for EMR Serverless",
        ),
    ] = True,
    wheels_folder: Annotated[
        Path | None, typer.Option("--wheels", help="Folder with the wheels, instead of a download")
    ] = None,
    templates: Templates = Path("infra"),
    settings: console.SettingsFile = console.DEFAULT_SETTINGS_FILE,
    yes: console.Yes = False,
    json_output: console.Json = False,
) -> None:
    """Create or update the stacks, stage files in the bucket, and write the settings file.

    The plan of each stack is shown before anything is changed. Options that are not given keep their earlier values.
    """
    given = {
        "Project": project,
        "VpcId": vpc_id,
        "SubnetIds": subnet_ids,
        "CallerRoleName": caller_role,
        "AlertEmail": alert_email,
        "MonthlyBudget": str(monthly_budget or ""),
    }
    values = {name: value for name, value in given.items() if value} | _parse(parameter)
    deployment = _Deployment(Aws(), templates, values, console.console(json_output), yes)
    storage = deployment.apply("storage", deployment.kept_bucket())
    outputs = {name: output["OutputValue"] for name, output in storage.outputs.items()}
    files = _Files(deployment.aws, outputs["Bucket"])
    if in_transit is None:
        in_transit = bool(deployment.stack("emr").parameters.get("CertificatesKey", CERTIFICATES_KEY))
    archive = wheels.archive_key(
        settings_file.read(settings).get(f"{PREFIX}ARCHITECTURE", Settings.architecture)
    )
    additions = _Additions(
        files,
        certificate=in_transit and (renew_certificate or not files.exists(CERTIFICATES_KEY)),
        wheels=with_wheels and (wheels_folder is not None or not files.exists(archive)),
        wheels_folder=wheels_folder,
        services=services_without_role(deployment.aws),
    )
    emr = deployment.apply(
        "emr", outputs | {"CertificatesKey": CERTIFICATES_KEY if in_transit else ""}, additions
    )
    variables = _variables(deployment.aws, deployment.project, storage, emr)
    own = settings_file.variables(settings).get(f"{PREFIX}PYTHON_ARCHIVE", "")
    if files.exists(archive) and (not own or own.startswith(files.uri(WHEELS_FOLDER))):
        variables[f"{PREFIX}PYTHON_ARCHIVE"] = files.uri(archive)
    settings_file.write(settings, variables)
    deployment.console.print(f"Settings: {settings}")
    if json_output:
        console.print_json(
            {
                "account": deployment.aws.account,
                "region": deployment.aws.region,
                "stacks": deployment.results,
                "files": files.staged,
                "service_linked_roles": additions.services,
                "settings": variables,
                "settings_file": str(settings),
            }
        )


class _Deployment:
    """The stacks of one project; ``results`` has the status and the changes of each by its name."""

    def __init__(
        self, aws: Aws, templates: Path, values: Mapping[str, str], output: Console, yes: bool
    ) -> None:
        self.aws, self.console, self.results = aws, output, dict[str, Any]()
        self._templates, self._yes = templates, yes
        declared = {stack: _declared(aws, template_file(templates, stack)) for stack in STACKS}
        valid = dict.fromkeys(name for names in declared.values() for name in names)
        if unknown := sorted(values.keys() - valid.keys()):
            raise CommandError(f"Unknown parameter {unknown[0]}; valid parameters: {', '.join(valid)}")
        self._values = {"Project": declared["storage"]["Project"], **values}
        self.project = self._values["Project"]
        output.print(f"Project {self.project} in {aws}")

    def stack(self, name: str) -> Stack:
        return Stack(self.aws.client("cloudformation"), stack_name(self.project, name))

    def kept_bucket(self) -> dict[str, str]:
        """Return the parameters for the bucket that an earlier stack has kept, {} if there is none."""
        name, s3 = f"{self.project}-{self.aws.account}-{self.aws.region}", self.aws.client("s3")
        if self.stack("storage").describe() or "ExistingBucket" in self._values or not self._exists(name):
            return {}
        encryption = s3.get_bucket_encryption(Bucket=name)["ServerSideEncryptionConfiguration"]["Rules"][0]
        key = encryption["ApplyServerSideEncryptionByDefault"].get("KMSMasterKeyID", "")
        self.console.print(
            f"s3://{name} exists from an earlier deployment: it is used with its data and its key"
        )
        return {"ExistingBucket": name, "ExistingKeyArn": key}

    def _exists(self, bucket: str) -> bool:
        try:
            self.aws.client("s3").head_bucket(Bucket=bucket)
        except ClientError as error:
            if error.response["Error"]["Code"] == "404":
                return False
            raise
        return True

    def apply(self, name: str, values: Mapping[str, str], additions: _Additions | None = None) -> Stack:
        """Show the plan of a stack and the additions, ask, make the additions and execute the plan."""
        stack = self.stack(name)
        plan = stack.plan(
            template_file(self._templates, name), {**self._values, **values}, {"project": self.project}
        )
        others = additions.names if additions else []
        self._show(stack, plan, others)
        self.results[stack.name] = {
            "status": "created" if plan.creates else "updated" if plan.change_set else "unchanged",
            "changes": [asdict(change) for change in plan.changes],
        }
        if not plan.change_set and not others:
            return stack
        try:
            action = (
                f"{'Create' if plan.creates else 'Update'} {stack.name}"
                if plan.change_set
                else f"Add {', '.join(others)}"
            )
            console.confirm(f"{action}?", yes=self._yes)
            if additions:
                additions.make()
        except BaseException:
            stack.discard(plan)
            raise
        if plan.change_set:
            stack.execute(plan, lambda line: self.console.print(f"  {line}"))
        return stack

    def _show(self, stack: Stack, plan: Plan, others: Sequence[str]) -> None:
        if not plan.change_set:
            self.console.print(f"{stack.name}: no changes")
        elif not plan.changes:
            self.console.print(f"{stack.name}: only outputs or tags are changed")
        else:
            self.console.print(change_table(stack.name, plan.changes))
        for other in others:
            self.console.print(f" added  {other}")


class _Files:
    """The files that a cluster needs from the bucket before its first step; ``staged`` has the URIs of new ones."""

    def __init__(self, aws: Aws, bucket: str) -> None:
        self.aws, self._s3, self._bucket = aws, aws.client("s3"), bucket
        self.staged: list[str] = []

    def uri(self, key: str) -> str:
        return f"s3://{self._bucket}/{key}"

    def exists(self, prefix: str) -> bool:
        return bool(self._s3.list_objects_v2(Bucket=self._bucket, Prefix=prefix, MaxKeys=1)["KeyCount"])

    def stage_certificate(self) -> None:
        """Upload a new certificate."""
        self._put(CERTIFICATES_KEY, certificates.zip_file(self.aws.region))

    def stage_wheels(self, folder: Path | None) -> None:
        """Upload the wheels from ``folder``, or from a download if it is None."""
        with tempfile.TemporaryDirectory() as temporary:
            found = sorted(folder.glob("*.whl")) if folder else wheels.download(Path(temporary))
            if not found:
                raise CommandError(f"There is no wheel (*.whl) in {folder}")
            staged = {f"{WHEELS_FOLDER}{wheel.name}": wheel for wheel in found} | wheels.archives(found)
            for key, wheel in staged.items():
                self._put(key, wheel.read_bytes())

    def _put(self, key: str, content: bytes) -> None:
        self._s3.put_object(Bucket=self._bucket, Key=key, Body=content)
        self.staged.append(self.uri(key))


@dataclass(frozen=True)
class _Additions:
    """What the cluster needs and no template has: files, and the service-linked roles of ``services``."""

    files: _Files
    certificate: bool
    wheels: bool
    wheels_folder: Path | None
    services: list[str]

    @property
    def names(self) -> list[str]:
        keys = [CERTIFICATES_KEY] * self.certificate + [f"{WHEELS_FOLDER}*"] * self.wheels
        roles = [f"service-linked role of {service}" for service in self.services]
        return [*map(self.files.uri, keys), *roles]

    def make(self) -> None:
        if self.certificate:
            self.files.stage_certificate()
        if self.wheels:
            self.files.stage_wheels(self.wheels_folder)
        for service in self.services:
            self.files.aws.client("iam").create_service_linked_role(AWSServiceName=service)


def change_table(stack: str, changes: Sequence[Change]) -> Table:
    """Return the table of the changes of a stack, for the console."""
    table = Table(title=stack, title_justify="left", box=None)
    for column in ("Change", "Resource", "Type"):
        table.add_column(column)
    for change in changes:
        table.add_row(change.action, change.logical_id, change.type_name)
    return table


def stack_name(project: str, stack: str) -> str:
    return f"{project}-{stack}"


def template_file(templates: Path, stack: str) -> Path:
    """Return the path of a template. Raises CommandError if it does not exist."""
    file = templates / f"{stack}.yaml"
    if not file.is_file():
        raise CommandError(f"{file} does not exist: use --templates with the folder infra of the repository")
    return file


def default_project(aws: Aws, templates: Path) -> str:
    """Return the default of the parameter Project."""
    return _declared(aws, template_file(templates, "storage"))["Project"]


def _declared(aws: Aws, template: Path) -> dict[str, str]:
    """Return the default of each parameter of a template; '' for a parameter without a default."""
    try:
        summary = aws.client("cloudformation").get_template_summary(TemplateBody=template.read_text())
    except ClientError as error:
        raise CommandError(f"{template}: {error.response['Error'].get('Message', error)}") from None
    return {p["ParameterKey"]: p.get("DefaultValue", "") for p in summary["Parameters"]}


def _parse(parameters: list[str]) -> dict[str, str]:
    pairs = [parameter.partition("=") for parameter in parameters]
    if wrong := [name for name, equals, _ in pairs if not equals]:
        raise CommandError(f"--parameter {wrong[0]} is not NAME=VALUE")
    return {name: value for name, _, value in pairs}


def _variables(aws: Aws, project: str, *stacks: Stack) -> dict[str, str]:
    """Return variables of the settings file: the outputs whose description is the name of a setting."""
    outputs = [output for stack in stacks for output in stack.outputs.values()]
    profile = os.environ.get("AWS_PROFILE", "")
    return {
        f"{PREFIX}PROJECT": project,
        f"{PREFIX}LOG_GROUP": "",  # without live logs the stack has no such output
        **{o["Description"]: o["OutputValue"] for o in outputs if o["Description"].startswith(PREFIX)},
        # A local AWS has no console.
        f"{PREFIX}CONSOLE_URL": "" if aws.endpoint else "https://console.aws.amazon.com",
        "AWS_DEFAULT_REGION": aws.region,
        # For docker-compose.yaml: they replace the local AWS and its keys in .env.
        "AIRFLOW_AWS_REGION": aws.region,
        **({} if aws.endpoint else dict.fromkeys(COMPOSE_LOCAL_AWS, "")),
        **({"AIRFLOW_AWS_FOLDER": "~/.aws", "AIRFLOW_AWS_PROFILE": profile} if profile else {}),
    }
