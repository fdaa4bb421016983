"""dbt with dbt-athena and Iceberg tables: merges, snapshots, and tables that are replaced by a rename."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.peers.test_dbt import dbt, new_project, rows

pytestmark = pytest.mark.peers

FILES = {
    "dbt_project.yml": """
name: stock
version: "1.0"
profile: shop
models: {stock: {+table_type: iceberg}}
snapshots: {stock: {+table_type: iceberg}}
""",
    "models/replaced.sql": """
{{ config(materialized='table', s3_data_naming='schema_table_unique', partitioned_by=['day(sold_at)', 'region'],
          table_properties={'optimize_rewrite_data_file_threshold': '2'}) }}
select {{ var('version') }} as version, 'north' as region, cast('2024-01-31 10:00:00' as timestamp(6)) as sold_at
""",
    "models/merged.sql": """
{{ config(materialized='incremental', incremental_strategy='merge', unique_key='id',
          merge_exclude_columns=['first_seen'], delete_condition="src.amount = 0",
          on_schema_change='append_new_columns',
          post_hook=['OPTIMIZE {{ this.render_pure() }} REWRITE DATA USING BIN_PACK',
                     'VACUUM {{ this.render_hive() }}']) }}
{% if is_incremental() %}
select id, amount, 2 as first_seen, 'new' as note from (values (1, 11), (2, 0), (3, 30)) as t (id, amount)
{% else %}
select id, amount, 1 as first_seen from (values (1, 10), (2, 20)) as t (id, amount)
{% endif %}
""",
    "models/appended.sql": """
{{ config(materialized='incremental', incremental_strategy='append') }}
select {{ var('version') }} as version
""",
    "snapshots/prices.sql": """
{% snapshot prices %}
{{ config(unique_key='id', strategy='check', check_cols=['price'], target_schema=schema,
          invalidate_hard_deletes=True) }}
select id, price from (values (1, {{ var('version') }}), (2, 5)) as t (id, price)
{% if var('version') == 2 %} where id = 1 {% endif %}
{% endsnapshot %}
""",
}


@pytest.fixture(scope="module")
def project(lake: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return new_project(lake, tmp_path_factory.mktemp("stock"), FILES)


def test_models_are_replaced_merged_and_appended(project: Path, lake: Any) -> None:
    for version in (1, 2):
        assert dbt(project, "run", "--vars", f"version: {version}") == ["success"]
    assert rows(lake, "SELECT version FROM replaced") == [(2,)]
    partitions = rows(lake, "SELECT \"$path\" LIKE '%/sold_at_day=2024-01-31/region=north/%' FROM replaced")
    assert partitions == [(True,)]
    assert rows(lake, "SELECT id, amount, first_seen, note FROM merged ORDER BY id") == [
        (1, 11, 1, "new"),
        (3, 30, 2, "new"),
    ]
    assert rows(lake, "SELECT version FROM appended ORDER BY 1") == [(1,), (2,)]
    assert dbt(project, "run", "--full-refresh", "--select", "merged", "--vars", "version: 3") == ["success"]
    assert rows(lake, "SELECT id, amount, first_seen FROM merged ORDER BY id") == [(1, 10, 1), (2, 20, 1)]


def test_a_snapshot_keeps_the_old_values(project: Path, lake: Any) -> None:
    for version in (1, 2):
        assert dbt(project, "snapshot", "--vars", f"version: {version}") == ["success"]
    sql = "SELECT id, price, dbt_valid_to IS NULL FROM prices ORDER BY id, price"
    assert rows(lake, sql) == [(1, 1, False), (1, 2, True), (2, 5, False)]
