"""Serving: the day that begins when the data ends."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import ibis
import numpy as np
import pandas as pd

from .. import feature_schema
from ..errors import RefusedError
from .features import DATASET, HISTORY, NAMES, TARGET, TIME, build


def current(tables: dict[str, ibis.Table], view: dict[str, Any]) -> pd.DataFrame:
    """Return the features of the 24 hours after the data ends."""
    history = tables[DATASET].order_by(ibis.desc(TIME)).limit(HISTORY).execute()
    return day_ahead(history.sort_values(TIME), view)


def day_ahead(history: pd.DataFrame, view: dict[str, Any]) -> pd.DataFrame:
    """Return the features of each of the 24 hours after the history, which ends at midnight."""
    _require_whole_days(history)
    begins = history[TIME].max() + timedelta(hours=1)
    coming = pd.DataFrame({TIME: pd.date_range(begins, periods=24, freq="h"), TARGET: None})
    hours = pd.concat([history, coming.astype(history.dtypes)], ignore_index=True)
    built = build({DATASET: ibis.memtable(hours)}).filter(ibis._[TARGET].isnull())
    return feature_schema.frame(built, view, NAMES)


def present(rows: pd.DataFrame, answers: np.ndarray) -> pd.DataFrame:
    """Return the forecast as people read it: the hour, and its demand in kW."""
    return pd.DataFrame({TIME: rows[TIME], TARGET: np.round(answers, 1)})


def sources(hours: pd.DataFrame, row: pd.Series) -> pd.DataFrame:
    """Return the hours that a forecast was made from: those of the eight days before its own."""
    times, midnight = pd.to_datetime(hours[TIME]), row[TIME].normalize()
    return hours[(times < midnight) & (times >= midnight - pd.Timedelta(hours=HISTORY))]


def _require_whole_days(history: pd.DataFrame) -> None:
    """Refuse a history with gaps, or one that is too short or does not end with a day."""
    times = history[TIME]
    steps = times.diff().iloc[1:]
    if len(history) < HISTORY or (steps != pd.Timedelta(hours=1)).any() or times.max().hour != 23:
        raise RefusedError(
            f"a forecast needs the last {HISTORY} hours without a gap, up to 23:00 of a day"
        )
