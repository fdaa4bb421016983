"""Athena's API: one method for each operation. It takes the members of the request and returns those of the response.

Source: https://docs.aws.amazon.com/athena/latest/APIReference/API_Operations.html
"""

from __future__ import annotations

import re
from contextlib import AbstractContextManager, suppress
from dataclasses import replace
from itertools import islice
from pathlib import Path
from threading import Lock
from typing import IO, Any
from urllib.parse import urlsplit

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

from localaws.athena.api import serializers
from localaws.athena.api.errors import entity_not_found, invalid_request, unsupported_request
from localaws.athena.api.named_queries import NamedQueries, NamedQuery
from localaws.athena.api.query_executions import QueryExecutions
from localaws.athena.api.workgroups import (
    ENGINE_VERSION,
    PRIMARY,
    WorkGroup,
    WorkGroups,
    checked_result_configuration,
    checked_reuse,
)
from localaws.athena.errors import MalformedQuery
from localaws.athena.execution.engine import Body, Engine
from localaws.athena.execution.prepared_statements import PreparedStatement
from localaws.athena.execution.query_execution import QueryExecution
from localaws.athena.execution.runner import Runner
from localaws.athena.sql.parsing.statements import CreateTableAs
from localaws.athena.tables.catalog import AlreadyExists, Catalog
from localaws.faults.plan import FaultPlan
from localaws.moto_services import CATALOG_REGION
from localaws.protocol import JSON, OWN_USER_AGENT, AwsError
from localaws.s3.store import Store

CATALOG = "AwsDataCatalog"
_ROWS_PER_PAGE = 1000
_ITEMS_PER_PAGE = 50
_WAIT_SECONDS = 0.3
"""How long GetQueryExecution waits for the end of a query. Without it, a client that polls each second would notice the
end of a query of some milliseconds after a second."""
_QUERY_BYTES = 262_144  # https://docs.aws.amazon.com/athena/latest/ug/service-limits.html
_RESULT_GONE = (
    "You do not seem to have access to the S3 location of your query results. Please confirm your account has "
    "access to the S3 location where your query results are saved and try again."
)


def build(endpoint: str, store: Store, plan: FaultPlan, memory: str, spill: Path) -> AthenaApi:
    """Return an Athena that uses the Glue at ``endpoint`` and the objects in ``store``.

    ``memory`` limits the memory of all running queries, such as ``2GB``. DuckDB writes what does not fit to the folder
    ``spill``. The database ``default`` is created, as by the first use of Athena in an account.
    """
    glue, s3 = (_client(service, endpoint) for service in ("glue", "s3"))

    def writing(uri: str) -> AbstractContextManager[IO[bytes]]:
        address = urlsplit(uri)
        return store.writing(address.netloc, address.path.lstrip("/"))

    def remove(uri: str) -> None:
        address = urlsplit(uri)
        store.remove(address.netloc, address.path.lstrip("/"))

    engine = Engine(glue, store.path, memory=memory, spill=spill, writing=writing, remove=remove)
    catalog = Catalog(glue)
    with suppress(AlreadyExists):
        catalog.create_database({"Name": "default", "Description": "Default Hive database"})
    return AthenaApi(engine, catalog, s3, Runner(engine, store, plan))


def _client(service: str, endpoint: str) -> Any:
    return boto3.client(
        service,
        endpoint_url=endpoint,
        region_name=CATALOG_REGION,
        aws_access_key_id="localaws",
        aws_secret_access_key="localaws",
        config=Config(
            s3={"addressing_style": "path"}, retries={"total_max_attempts": 1}, user_agent=OWN_USER_AGENT
        ),
    )


class AthenaApi:
    def __init__(self, engine: Engine, catalog: Catalog, s3: Any, runner: Runner) -> None:
        self.engine, self._catalog, self._s3, self.runner = engine, catalog, s3, runner
        self.executions, self.workgroups = QueryExecutions(), WorkGroups()
        self.named_queries = NamedQueries()
        self._lock = Lock()

    # ---------------------------------------------------------------- queries
    def start_query_execution(self, params: JSON) -> JSON:
        token = params.pop("ClientRequestToken", None)
        with self._lock:
            if earlier := self.executions.find(token, params):
                return {"QueryExecutionId": earlier}
            execution = self._execution(params)
            earlier_query = self.executions.reusable(execution)
            self.executions.add(execution, token, params)
        if earlier_query:
            execution.reuse(earlier_query)
        else:
            self.runner.submit(execution)
        return {"QueryExecutionId": execution.id}

    def _execution(self, params: JSON) -> QueryExecution:
        group = self.workgroups.get_enabled(params.get("WorkGroup", PRIMARY))
        context = params.get("QueryExecutionContext", {})
        catalog = context.get("Catalog", CATALOG)
        if catalog.lower() != CATALOG.lower():
            raise invalid_request(f"Catalog {catalog} is not found; the only catalog is {CATALOG}")
        configuration = checked_result_configuration(params.get("ResultConfiguration", {}))
        reuse = checked_reuse(params.get("ResultReuseConfiguration", {}))
        if "EngineConfiguration" in params:
            raise unsupported_request("EngineConfiguration")
        folder = group.output_folder(configuration.get("OutputLocation"))
        parameters = tuple(params.get("ExecutionParameters", ()))
        if len(params["QueryString"].encode()) > _QUERY_BYTES:
            raise invalid_request(f"The query string is longer than {_QUERY_BYTES} bytes")
        try:
            prepared = self.engine.prepare(params["QueryString"], parameters, group.name)
        except MalformedQuery as error:
            raise invalid_request(str(error), "MALFORMED_QUERY") from None
        _check_external_location(prepared.body, group)
        self._check_bucket(folder)
        return QueryExecution(
            text=params["QueryString"],
            prepared=prepared,
            database=context.get("Database", "default"),
            catalog=catalog,
            workgroup=group.name,
            output_folder=folder,
            result_configuration=configuration,
            result_reuse=reuse,
            parameters=parameters,
            scan_limit=group.configuration.get("BytesScannedCutoffPerQuery"),
        )

    def _check_bucket(self, folder: str) -> None:
        bucket = urlsplit(folder).netloc
        try:
            self._s3.head_bucket(Bucket=bucket)
        except ClientError:
            raise invalid_request(f"Unable to verify/create output bucket {bucket}") from None

    def get_query_execution(self, params: JSON) -> JSON:
        execution = self.executions.get(params["QueryExecutionId"])
        self.runner.wait(execution, _WAIT_SECONDS)
        return {"QueryExecution": serializers.query_execution(execution)}

    def batch_get_query_execution(self, params: JSON) -> JSON:
        found, missing = [], []
        for execution_id in params["QueryExecutionIds"]:
            try:
                found.append(serializers.query_execution(self.executions.get(execution_id)))
            except AwsError as error:
                missing.append(
                    {"QueryExecutionId": execution_id, "ErrorCode": error.code, "ErrorMessage": error.message}
                )
        return {"QueryExecutions": found, "UnprocessedQueryExecutionIds": missing}

    def get_query_results(self, params: JSON) -> JSON:
        execution = self.executions.get(params["QueryExecutionId"])
        if not execution.is_final:
            raise invalid_request(f"Query has not yet finished. Current state: {execution.state}")
        if execution.result is None:
            raise invalid_request(f"Query did not finish successfully. Final query state: {execution.state}")
        count = params.get("MaxResults", _ROWS_PER_PAGE)
        if not 1 <= count <= _ROWS_PER_PAGE:
            raise invalid_request(f"MaxResults is more than maximum allowed length {_ROWS_PER_PAGE}.")
        try:
            return serializers.result_page(execution.result, _offset(params), count)
        except OSError:
            raise invalid_request(_RESULT_GONE) from None

    def get_query_runtime_statistics(self, params: JSON) -> JSON:
        execution = self.executions.get(params["QueryExecutionId"])
        return {"QueryRuntimeStatistics": serializers.runtime_statistics(execution)}

    def sql(self, execution_id: str) -> str:
        """Return the SQL text of a query execution, or an empty string if the id is unknown."""
        try:
            return self.executions.get(execution_id).text
        except AwsError:
            return ""

    def workgroup_and_output(self, execution_id: str) -> tuple[str, str]:
        """Return the workgroup of a query execution and the URI of its result. Raises AwsError for an unknown id."""
        execution = self.executions.get(execution_id)
        return execution.workgroup, execution.output

    def stop_query_execution(self, params: JSON) -> JSON:
        self.runner.stop(self.executions.get(params["QueryExecutionId"]))
        return {}

    def list_query_executions(self, params: JSON) -> JSON:
        group = self.workgroups.get(params.get("WorkGroup", PRIMARY))
        ids = [execution.id for execution in self.executions if execution.workgroup == group.name]
        return _page("QueryExecutionIds", ids[::-1], params)

    # ---------------------------------------------------------------- workgroups
    def create_work_group(self, params: JSON) -> JSON:
        tags = {tag["Key"]: tag.get("Value", "") for tag in params.get("Tags", [])}
        with self._lock:
            self.workgroups.create(
                params["Name"], params.get("Description", ""), params.get("Configuration", {}), tags
            )
        return {}

    def get_work_group(self, params: JSON) -> JSON:
        return {"WorkGroup": serializers.workgroup(self.workgroups.get(params["WorkGroup"]))}

    def list_work_groups(self, params: JSON) -> JSON:
        summaries = [serializers.workgroup_summary(group) for group in self.workgroups]
        return _page("WorkGroups", summaries, params)

    def list_engine_versions(self, params: JSON) -> JSON:
        versions = [
            {"SelectedEngineVersion": selected, "EffectiveEngineVersion": ENGINE_VERSION}
            for selected in ("AUTO", ENGINE_VERSION)
        ]
        return _page("EngineVersions", versions, params)

    def update_work_group(self, params: JSON) -> JSON:
        group = self.workgroups.get(params["WorkGroup"])
        group.update(params.get("Description"), params.get("State"), params.get("ConfigurationUpdates", {}))
        return {}

    def delete_work_group(self, params: JSON) -> JSON:
        name = params["WorkGroup"]
        with self._lock:
            named = self.named_queries.of_workgroup(name)
            prepared = self.engine.prepared_statements.of_workgroup(name)
            used = any(execution.workgroup == name for execution in self.executions)
            if (used or named or prepared) and not params.get("RecursiveDeleteOption"):
                raise invalid_request(f"WorkGroup {name} is not empty")
            self.workgroups.delete(name)
            self.executions.drop_workgroup(name)
            for query in named:
                self.named_queries.delete(query.id)
            for statement in prepared:
                self.engine.prepared_statements.remove(name, statement.name)
        return {}

    # ---------------------------------------------------------------- named queries
    def create_named_query(self, params: JSON) -> JSON:
        token = params.pop("ClientRequestToken", None)
        group = self.workgroups.get(params.get("WorkGroup", PRIMARY))
        query = NamedQuery(
            params["Name"], params["Database"], params["QueryString"], group.name, params.get("Description")
        )
        with self._lock:
            return {"NamedQueryId": self.named_queries.create(query, token, params)}

    def get_named_query(self, params: JSON) -> JSON:
        return {"NamedQuery": serializers.named_query(self.named_queries.get(params["NamedQueryId"]))}

    def batch_get_named_query(self, params: JSON) -> JSON:
        found, missing = [], []
        for query_id in params["NamedQueryIds"]:
            try:
                found.append(serializers.named_query(self.named_queries.get(query_id)))
            except AwsError as error:
                missing.append(
                    {"NamedQueryId": query_id, "ErrorCode": error.code, "ErrorMessage": error.message}
                )
        return {"NamedQueries": found, "UnprocessedNamedQueryIds": missing}

    def list_named_queries(self, params: JSON) -> JSON:
        group = self.workgroups.get(params.get("WorkGroup", PRIMARY))
        return _page(
            "NamedQueryIds", [query.id for query in self.named_queries.of_workgroup(group.name)], params
        )

    def update_named_query(self, params: JSON) -> JSON:
        self.named_queries.update(
            params["NamedQueryId"], params["Name"], params["QueryString"], params.get("Description")
        )
        return {}

    def delete_named_query(self, params: JSON) -> JSON:
        self.named_queries.delete(params["NamedQueryId"])
        return {}

    # ---------------------------------------------------------------- prepared statements
    def create_prepared_statement(self, params: JSON) -> JSON:
        statement = self._prepared_statement(params)
        with self._lock:
            if self.engine.prepared_statements.find(statement.workgroup, statement.name):
                raise invalid_request(
                    f"PreparedStatement {statement.name} already exists in workGroup {statement.workgroup}"
                )
            self.engine.prepared_statements.put(statement)
        return {}

    def update_prepared_statement(self, params: JSON) -> JSON:
        found = self._existing_statement(params["StatementName"], params["WorkGroup"])
        description = params.get("Description", found.description)
        self.engine.prepared_statements.put(
            replace(self._prepared_statement(params), description=description)
        )
        return {}

    def get_prepared_statement(self, params: JSON) -> JSON:
        found = self._existing_statement(params["StatementName"], params["WorkGroup"])
        return {"PreparedStatement": serializers.prepared_statement(found)}

    def batch_get_prepared_statement(self, params: JSON) -> JSON:
        found, missing = [], []
        for name in params["PreparedStatementNames"]:
            try:
                found.append(
                    serializers.prepared_statement(self._existing_statement(name, params["WorkGroup"]))
                )
            except AwsError as error:
                missing.append(
                    {"StatementName": name, "ErrorCode": error.code, "ErrorMessage": error.message}
                )
        return {"PreparedStatements": found, "UnprocessedPreparedStatementNames": missing}

    def list_prepared_statements(self, params: JSON) -> JSON:
        group = self.workgroups.get(params["WorkGroup"])
        found = self.engine.prepared_statements.of_workgroup(group.name)
        summaries = [{"StatementName": each.name, "LastModifiedTime": each.modified} for each in found]
        return _page("PreparedStatements", summaries, params)

    def delete_prepared_statement(self, params: JSON) -> JSON:
        found = self._existing_statement(params["StatementName"], params["WorkGroup"])
        self.engine.prepared_statements.remove(found.workgroup, found.name)
        return {}

    def _prepared_statement(self, params: JSON) -> PreparedStatement:
        group = self.workgroups.get(params["WorkGroup"])
        try:
            self.engine.prepare(params["QueryStatement"], None)
        except MalformedQuery as error:
            raise invalid_request(str(error), "MALFORMED_QUERY") from None
        return PreparedStatement(
            group.name, params["StatementName"], params["QueryStatement"], params.get("Description")
        )

    def _existing_statement(self, name: str, workgroup: str) -> PreparedStatement:
        group = self.workgroups.get(workgroup)
        found = self.engine.prepared_statements.find(group.name, name)
        if found is None:
            raise AwsError(
                "ResourceNotFoundException",
                f"PreparedStatement {name} was not found in workGroup {group.name}",
            )
        return found

    # ---------------------------------------------------------------- tags of workgroups
    def tag_resource(self, params: JSON) -> JSON:
        self._workgroup(params).tags.update({tag["Key"]: tag.get("Value", "") for tag in params["Tags"]})
        return {}

    def untag_resource(self, params: JSON) -> JSON:
        tags = self._workgroup(params).tags
        for key in params["TagKeys"]:
            tags.pop(key, None)
        return {}

    def list_tags_for_resource(self, params: JSON) -> JSON:
        return {"Tags": [{"Key": key, "Value": value} for key, value in self._workgroup(params).tags.items()]}

    def _workgroup(self, params: JSON) -> WorkGroup:
        name = re.fullmatch(r"arn:aws[\w-]*:athena:[^:]*:[^:]*:workgroup/(.+)", params["ResourceARN"])
        if name is None:
            raise AwsError(
                "ResourceNotFoundException", f"{params['ResourceARN']} is not the ARN of a workgroup"
            )
        return self.workgroups.get(name.group(1))

    # ---------------------------------------------------------------- the catalog
    def get_data_catalog(self, params: JSON) -> JSON:
        _check_catalog(params["Name"])
        return {"DataCatalog": {"Name": CATALOG, "Type": "GLUE", "Description": "", "Parameters": {}}}

    def list_data_catalogs(self, params: JSON) -> JSON:
        return {"DataCatalogsSummary": [{"CatalogName": CATALOG, "Type": "GLUE"}]}

    def list_databases(self, params: JSON) -> JSON:
        _check_catalog(params["CatalogName"])
        return _page("DatabaseList", [serializers.database(db) for db in self._catalog.databases()], params)

    def get_database(self, params: JSON) -> JSON:
        _check_catalog(params["CatalogName"])
        return {"Database": serializers.database(self._database(params["DatabaseName"]))}

    def list_table_metadata(self, params: JSON) -> JSON:
        _check_catalog(params["CatalogName"])
        self._database(params["DatabaseName"])
        expression = params.get("Expression", ".*")
        try:
            wanted = re.compile(expression)
        except re.error:
            raise invalid_request(f"Expression {expression} is not a regular expression") from None
        tables = [
            table for table in self._catalog.tables(params["DatabaseName"]) if wanted.fullmatch(table["Name"])
        ]
        return _page("TableMetadataList", [serializers.table_metadata(table) for table in tables], params)

    def get_table_metadata(self, params: JSON) -> JSON:
        _check_catalog(params["CatalogName"])
        database, name = params["DatabaseName"], params["TableName"]
        self._database(database)
        table = self._catalog.table(database, name)
        if table is None:
            raise entity_not_found("Entity Not Found")
        return {"TableMetadata": serializers.table_metadata(table.glue)}

    def _database(self, name: str) -> dict[str, Any]:
        database = self._catalog.database(name)
        if database is None:
            raise entity_not_found(f"Database {name} not found.")
        return database


def _check_external_location(body: Body, group: WorkGroup) -> None:
    """Raise AwsError if a CREATE TABLE AS has a location although the workgroup enforces its own."""
    if (
        isinstance(body, CreateTableAs)
        and "external_location" in body.properties
        and group.configuration["EnforceWorkGroupConfiguration"]
        and group.configuration.get("ResultConfiguration", {}).get("OutputLocation")
    ):
        raise invalid_request(
            "The Create Table As Select query failed because it was submitted with an 'external_location' property "
            "to an Athena Workgroup that enforces a centralized output location for all queries. Please remove the "
            "'external_location' property and resubmit the query."
        )


def _check_catalog(name: str) -> None:
    if name.lower() != CATALOG.lower():
        raise invalid_request(f"Data catalog {name} was not found; the only catalog is {CATALOG}")


def _offset(params: JSON) -> int:
    token = params.get("NextToken", "0")
    if re.fullmatch("[0-9]{1,18}", token) is None:
        raise invalid_request(f"NextToken {token} is not valid")
    return int(token)


def _page(member: str, items: list[Any], params: JSON) -> JSON:
    start, count = _offset(params), params.get("MaxResults", _ITEMS_PER_PAGE)
    response: JSON = {member: list(islice(items, start, start + count))}
    if start + count < len(items):
        response["NextToken"] = str(start + count)
    return response
