"""The params of ``make run`` are checked like those of the trigger form, before the run."""

from __future__ import annotations

from typing import Any

import pytest
from airflow.sdk import DAG

from devtools.dag_run import validate_conf
from emr_pipeline.settings import Settings
from sales_segmentation.params import form


@pytest.mark.parametrize(
    ("conf", "message"),
    [
        ({"colour": "red"}, "^unknown param colour; valid params: input, "),
        ({"k_max": 700}, "^k_max: .*700 is greater than the maximum of "),
    ],
)
def test_an_unknown_param_or_an_invalid_value_is_named(conf: dict[str, Any], message: str) -> None:
    dag = DAG("pipeline", schedule=None, params=form(Settings(bucket="lake")))
    validate_conf(dag, {"k": 4})
    with pytest.raises(ValueError, match=message):
        validate_conf(dag, conf)
