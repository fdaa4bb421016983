"""Corrects pyiceberg 0.12.0, which reads and writes a NULL array or map as an empty one if it contains rows."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyiceberg.io.pyarrow
from pyiceberg.io.pyarrow import ArrowProjectionVisitor
from pyiceberg.types import ListType, MapType


class _WithNulls(ArrowProjectionVisitor):
    def list(self, list_type: ListType, list_array: Any, value_array: Any) -> Any:
        return _with_nulls_of(list_array, super().list(list_type, list_array, value_array))

    def map(self, map_type: MapType, map_array: Any, key_result: Any, value_result: Any) -> Any:
        return _with_nulls_of(map_array, super().map(map_type, map_array, key_result, value_result))


def _with_nulls_of(original: pa.Array | None, projected: pa.Array | None) -> pa.Array | None:
    if original is None or projected is None or original.null_count == projected.null_count:
        return projected
    masked = pc.if_else(original.is_valid(), projected, pa.scalar(None, projected.type))
    return masked.cast(projected.type)  # with the ids of the fields


def install() -> None:
    """Use the correction in all of pyiceberg."""
    pyiceberg.io.pyarrow.ArrowProjectionVisitor = _WithNulls  # type: ignore[misc]
