"""Forecast: what the release in force says about the day that begins now.

This is serving, in its smallest form: recent history goes through the one definition of the
features, and whatever is in force answers, model or fallback.
"""

from __future__ import annotations

from datetime import timedelta

import ibis
import pandas as pd

from . import features, ingest, naive, record, releases
from .artifacts import Store
from .errors import RefusedError
from .features import HISTORY, TARGET, TIME
from .models import Forecaster
from .settings import Settings


def tomorrow(settings: Settings) -> tuple[str, pd.DataFrame]:
    """Return what answers, and its forecast for the 24 hours after the data ends."""
    ingest.verify(settings)
    history = ingest.table(settings).order_by(ibis.desc(TIME)).limit(HISTORY).execute()
    name, model = answering(settings)
    return name, day_ahead(model, history.sort_values(TIME), settings)


def answering(settings: Settings) -> tuple[str, Forecaster]:
    """Return whatever is in force; before the first release that is the fallback."""
    current = releases.in_force(settings)
    if current is None:
        return settings.fallback, naive.NaiveForecaster(settings.fallback)
    artifact = record.require_servable(settings, Store(settings.store), current["version"])
    return current["version"], artifact.model()


def day_ahead(model: Forecaster, history: pd.DataFrame, settings: Settings) -> pd.DataFrame:
    """Return a forecast for each of the 24 hours after the history, which ends at midnight."""
    _require_whole_days(history)
    begins = history[TIME].max() + timedelta(hours=1)
    coming = pd.DataFrame({TIME: pd.date_range(begins, periods=24, freq="h"), TARGET: None})
    hours = pd.concat([history, coming.astype(history.dtypes)], ignore_index=True)
    built = features.build(ibis.memtable(hours)).filter(ibis._[TARGET].isnull())
    rows = features.frame(built, settings.features)
    return pd.DataFrame({TIME: rows[TIME], TARGET: model.predict(rows).round(1)})


def _require_whole_days(history: pd.DataFrame) -> None:
    """Refuse a history with gaps, or one that is too short or does not end with a day."""
    times = history[TIME]
    steps = times.diff().iloc[1:]
    if len(history) < HISTORY or (steps != pd.Timedelta(hours=1)).any() or times.max().hour != 23:
        raise RefusedError(
            f"a forecast needs the last {HISTORY} hours without a gap, up to 23:00 of a day"
        )
