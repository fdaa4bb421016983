"""dbt with dbt-athena, and a small project. It has its own environment, because it pins an older PyAthena."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pyathena
import pytest

pytestmark = pytest.mark.peers

DBT = Path(__file__).parents[2] / ".venv-dbt" / "bin" / "dbt"
FILES = {
    "dbt_project.yml": """
name: shop
version: "1.0"
profile: shop
models: {shop: {+materialized: view}}
""",
    "seeds/orders.csv": """
id,day,region,amount
1,2024-01-30,north,10.5
2,2024-01-31,"south, far",20
3,2024-01-31,,5
""",
    "models/priced.sql": "select id, day, region, amount from {{ ref('orders') }} where amount > 5",
    "models/by_day.sql": """
{{ config(materialized='table', partitioned_by=['day']) }}
select count(*) as orders, sum(amount) as amount, day from {{ ref('orders') }} group by day
""",
    "models/appended.sql": """
{{ config(materialized='incremental', incremental_strategy='append') }}
select id, amount from {{ ref('orders') }}
{% if is_incremental() %} where id > (select max(id) - 1 from {{ this }}) {% endif %}
""",
    "models/overwritten.sql": """
{{ config(materialized='incremental', incremental_strategy='insert_overwrite', partitioned_by=['day']) }}
select id, '{{ var("run") }}' as run, day from {{ ref('orders') }}
{% if is_incremental() %} where day = date '2024-01-31' {% endif %}
""",
    "models/schema.yml": """
version: 2
models:
  - name: priced
    description: The orders that have a price
    columns:
      - name: id
        description: The number of the order
        data_tests: [unique, not_null]
""",
}


@pytest.fixture(scope="module")
def project(lake: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return new_project(lake, tmp_path_factory.mktemp("shop"), FILES)


def new_project(lake: Any, folder: Path, files: dict[str, str]) -> Path:
    """Write the files of a project, and the profile of its target, into a folder."""
    target = {
        "type": "athena",
        "region_name": lake.aws.region,
        "database": "awsdatacatalog",
        "schema": lake.database,
        "s3_staging_dir": lake.output,
        "s3_data_dir": f"s3://{lake.bucket}/tables/",
        "poll_interval": 0.05,
    }
    profile = {"shop": {"target": "local", "outputs": {"local": target}}}
    for name, text in {**files, "profiles.yml": json.dumps(profile)}.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text.lstrip())
    return folder


def dbt(project: Path, *arguments: str) -> list[str]:
    """Run a command of dbt and return the status of each node, such as ``success`` or ``pass``."""
    environment = {**os.environ, "DBT_SEND_ANONYMOUS_USAGE_STATS": "false"}
    command = [str(DBT), *arguments, "--profiles-dir", str(project), "--project-dir", str(project)]
    ended = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stdout[-3000:] + ended.stderr[-1000:]
    results = json.loads((project / "target" / "run_results.json").read_text())["results"]
    return sorted({str(result["status"]) for result in results})


def rows(lake: Any, sql: str) -> list[tuple[Any, ...]]:
    connection = pyathena.connect(s3_staging_dir=lake.output, schema_name=lake.database, poll_interval=0.05)
    return list(connection.cursor().execute(sql).fetchall())


def test_a_project_is_built_tested_and_documented(project: Path, lake: Any) -> None:
    assert dbt(project, "seed") == ["success"]
    assert rows(lake, "SELECT region FROM orders ORDER BY id") == [("north",), ("south, far",), (None,)]
    assert dbt(project, "run", "--vars", "run: first") == ["success"]
    assert rows(lake, "SELECT id FROM priced ORDER BY id") == [(1,), (2,)]
    assert [(orders, day.isoformat()) for orders, day in rows(lake, "SELECT orders, day FROM by_day ORDER BY day")] == [
        (1, "2024-01-30"), (2, "2024-01-31"),
    ]  # fmt: skip
    assert dbt(project, "run", "--vars", "run: second") == ["success"]
    assert rows(lake, "SELECT id FROM appended ORDER BY id") == [(1,), (2,), (3,), (3,)]
    assert rows(lake, "SELECT id, run FROM overwritten ORDER BY id") == [
        (1, "first"), (2, "second"), (3, "second"),
    ]  # fmt: skip
    assert dbt(project, "test") == ["pass"]
    dbt(project, "docs", "generate", "--vars", "run: second")
    catalog = json.loads((project / "target" / "catalog.json").read_text())["nodes"]
    assert set(catalog["model.shop.priced"]["columns"]) == {"id", "day", "region", "amount"}
    assert catalog["model.shop.priced"]["metadata"]["type"] == "view"
