"""Feature schema: rows of features are as the feature view declares them, or they are refused."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import ibis
import pandas as pd

from .errors import RefusedError

DTYPES = ("int64", "float64")


def frame(table: ibis.Table, view: dict[str, Any], names: Sequence[str]) -> pd.DataFrame:
    """Return the table's rows, held to the feature view; ``names`` are those that code makes."""
    found = table.execute()
    # Spark gives moments by the nanosecond, DuckDB as they are kept.
    fine = found.select_dtypes("datetime64[ns]").columns
    found = found.astype(dict.fromkeys(fine, "datetime64[us]"))
    check(found, view, names)
    return found


def check(found: pd.DataFrame, view: dict[str, Any], names: Sequence[str]) -> None:
    """Refuse features that are not as their schema says: names, types, nulls, ranges."""
    declared = [each["name"] for each in view["features"]]
    if sorted(declared) != sorted(names):
        raise RefusedError(
            f"features/{view['id']}.yaml declares {', '.join(declared)}; "
            f"the code makes {', '.join(names)}"
        )
    for feature in view["features"]:
        name, column = feature["name"], found[feature["name"]]
        low, high = feature.get("range", (None, None))
        if feature["dtype"] not in DTYPES or str(column.dtype) != feature["dtype"]:
            raise RefusedError(f"the feature {name} is {column.dtype}, not {feature['dtype']}")
        if feature["nulls"] == "forbidden" and column.isna().any():
            raise RefusedError(f"the feature {name} is missing in {column.isna().sum()} rows")
        if (low is not None and (column < low).any()) or (
            high is not None and (column > high).any()
        ):
            raise RefusedError(f"the feature {name} is out of its range [{low}, {high}]")
