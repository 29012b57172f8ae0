"""Inputs: what a caller may send, as the feature view and the contract declare it.

The models below are made from `features/`, so that a request is held to the same names, types,
ranges and nulls to which `feature_schema` holds the training data.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any

import numpy as np
import pandas as pd
from pydantic import BaseModel, ConfigDict, Field, create_model, model_validator

from . import privacy
from .settings import Settings

MAX_ROWS = 1000

_TYPES = {
    "boolean": bool,
    "int64": int,
    "float64": float,
    "string": str,
    "date": date,
    "timestamp": datetime,
}
_COLUMNS = {"boolean": "bool", "int64": "int64", "float64": "float64"}
_LONGEST = 1000
# A number that a column of 64 bits cannot hold would change the type of the column.
_BOUNDS = {"int64": {"ge": -(2**63), "le": 2**63 - 1}}


class _Strict(BaseModel):
    """Nothing is guessed: no text for a number, no unknown name, no infinity."""

    model_config = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)


def request_model(settings: Settings) -> type[BaseModel]:
    """Return what a body holds: ``rows`` of features, or ``keys`` to look them up by."""
    key = Annotated[str, Field(min_length=1, max_length=_LONGEST)] | int
    keys: dict[str, Any] = dict.fromkeys(settings.keys, (key, ...))
    declared = {each["name"]: _field(each) for each in settings.features["features"]}
    # A row may say what it is about, so that the trace does.
    about: dict[str, Any] = {name: (key | None, None) for name in keys if name not in declared}
    row = create_model("Row", __base__=_Strict, **about, **declared)
    entity = create_model("Entity", __base__=_Strict, **keys)
    kinds = {each["id"] for each in settings.oversight["decision_types"]}
    needs_names = privacy.named_by(settings) is not None

    class Request(_Strict):
        """Rows to answer, or the keys of rows in the feature store."""

        rows: Annotated[list[row] | None, Field(min_length=1, max_length=MAX_ROWS)] = None  # type: ignore[valid-type]
        keys: Annotated[list[entity] | None, Field(min_length=1, max_length=MAX_ROWS)] = None  # type: ignore[valid-type]
        decision_type: str | None = None

        @model_validator(mode="after")
        def one_of_both(self) -> Request:
            """Refuse a body with both or none, and a kind of decision that no policy knows.

            Where consent is needed, refuse rows that do not say whom they are about, too.
            """
            if (self.rows is None) == (self.keys is None):
                raise ValueError("give either rows or keys")
            nameless = [
                place
                for place, each in enumerate(self.rows or ())
                if needs_names and any(getattr(each, key) is None for key in about)
            ]
            if nameless:
                raise ValueError(
                    f"row {nameless[0]} does not name its {' and '.join(about)}: only people who "
                    "consented are scored, and without a name nobody knows whether they did"
                )
            if self.decision_type is not None and self.decision_type not in kinds:
                raise ValueError(f"decision_type is one of {', '.join(sorted(kinds))}")
            return self

    return Request


def frame(rows: list[BaseModel], settings: Settings) -> pd.DataFrame:
    """Return rows as a frame with the types of the feature view, and the keys that all have."""
    declared = {each["name"]: _COLUMNS.get(each["dtype"]) for each in settings.features["features"]}
    given = {
        name: np.array([getattr(row, name) for row in rows], dtype=declared.get(name, object))
        for name in dict.fromkeys([*settings.keys, *declared])
    }
    # One frame at once: adding columns one by one takes as long as the model.
    return pd.DataFrame(
        {name: values for name, values in given.items() if name in declared or None not in values}
    )


def _field(feature: dict[str, Any]) -> Any:
    limits = dict(_BOUNDS.get(feature["dtype"], {}))
    low, high = feature.get("range") or (None, None)
    if low is not None:
        limits["ge"] = low
    if high is not None:
        limits["le"] = high
    if feature["dtype"] == "string":
        limits["max_length"] = _LONGEST
    kind = _TYPES[feature["dtype"]]
    described = Field(description=feature["description"], **limits)
    if feature["nulls"] == "forbidden":
        return (Annotated[kind, described], ...)
    return (Annotated[kind, described] | None, ...)
