"""The permissions that a statement of Athena needs: Athena uses the caller's permissions for Glue and S3.

https://docs.aws.amazon.com/athena/latest/ug/fine-grained-access-to-glue-resources.html (Glue, by statement),
https://docs.aws.amazon.com/athena/latest/ug/msck-repair-table.html (MSCK REPAIR TABLE), and for partitions and the
results on S3 the policy AmazonAthenaFullAccess: https://docs.aws.amazon.com/athena/latest/ug/managed-policies.html
"""

from __future__ import annotations

from collections.abc import Iterator

from sqlglot import exp

from localaws.athena.ddl import commands
from localaws.athena.ddl.parser import parse_ddl
from localaws.athena.errors import MalformedQuery, QueryFailed
from localaws.athena.execution.statements import one_statement
from localaws.athena.sql.parsing.parser import parse_query
from localaws.iam.permissions import Call, Permission, Resources, bucket_arn, glue_permissions, object_arn

# Partitions are read as a list, in batches or one at a time.
READ_PARTITIONS = ["GetPartition", "GetPartitions", "BatchGetPartition"]
# The pipeline uses none of these; their permission is in no policy, so that a new one is noticed.
_CONTAINING_QUERY = {
    *(
        "CREATE_TABLE_AS_SELECT",
        "CREATE_VIEW",
        "INSERT",
        "UNLOAD",
        "PREPARE",
        "EXECUTE",
        "DEALLOCATE_PREPARE",
    ),
    "EXPLAIN",
}
FILE = "file"
"""The name of an object in the permissions, in place of names that only Athena knows."""


def statement_permissions(call: Call, resources: Resources) -> Iterator[Permission]:
    """Yield what the statement of a StartQueryExecution needs beyond that action; nothing if it cannot be parsed."""
    text, region = call.members.get("QueryString", ""), call.region
    context = call.members.get("QueryExecutionContext", {}).get("Database", "default")
    output = call.members.get("ResultConfiguration", {}).get("OutputLocation")
    if output:
        yield from _results(output)
    # Every statement needs these two on the database ``default``.
    yield from glue_permissions(["GetDatabase", "CreateDatabase"], region, "default")
    try:
        statement = one_statement(text)
        if statement.substatement == "SELECT":
            for database, table in _tables(statement.text, context):
                location = resources.table_location(database, table)
                yield from glue_permissions(["GetDatabase"], region, database)
                yield from glue_permissions(["GetTable", *READ_PARTITIONS], region, database, table)
                yield from _reads(location)
            return
        if statement.substatement in _CONTAINING_QUERY:
            yield Permission(f"athena:statement/{statement.substatement}")
            return
        command = parse_ddl(text)
    except (MalformedQuery, QueryFailed):
        return
    match command:
        case commands.CreateDatabase(name=name):
            yield from glue_permissions(["GetDatabase", "CreateDatabase"], region, name)
        case commands.CreateTable(name=name, location=location):
            database = name.database or context
            yield from glue_permissions(["GetDatabase"], region, database)
            yield from glue_permissions(["GetTable", "CreateTable"], region, database, name.table)
            yield Permission("s3:GetBucketLocation", bucket_arn(location))
        case commands.RepairTable(name=name):
            database = name.database or context
            yield from glue_permissions(["GetDatabase"], region, database)
            operations = ["GetTable", "GetPartitions", "BatchCreatePartition"]
            yield from glue_permissions(operations, region, database, name.table)
            yield from _lists(resources.table_location(database, name.table))
        case _:
            # The pipeline uses no other statement; this permission is in no policy, so that a new one is noticed.
            yield Permission(f"athena:statement/{statement.substatement}")


def _tables(query: str, context: str) -> list[tuple[str, str]]:
    """Return the databases and tables that the query reads."""
    tree = parse_query(query)
    named = {cte.alias.lower() for cte in tree.find_all(exp.CTE)}
    tables = [table for table in tree.find_all(exp.Table) if table.db or table.name.lower() not in named]
    return sorted({((table.db or context).lower(), table.name.lower()) for table in tables})


def _results(output: str) -> Iterator[Permission]:
    folder = output.rstrip("/")
    for action in ("GetBucketLocation", "ListBucket", "ListBucketMultipartUploads"):
        yield Permission(f"s3:{action}", bucket_arn(folder))
    for action in ("GetObject", "PutObject", "AbortMultipartUpload", "ListMultipartUploadParts"):
        yield Permission(f"s3:{action}", object_arn(f"{folder}/{FILE}"))


def _lists(location: str) -> Iterator[Permission]:
    if location:
        yield Permission("s3:GetBucketLocation", bucket_arn(location))
        yield Permission("s3:ListBucket", bucket_arn(location))


def _reads(location: str) -> Iterator[Permission]:
    yield from _lists(location)
    if location:
        yield Permission("s3:GetObject", object_arn(f"{location.rstrip('/')}/{FILE}"))
