"""Distribution: what a model learned from, in bins, and how far other rows are from it.

The distance is the population stability index (PSI): the sum over all bins of (p - q) ln(p / q),
where q is the share of the bin in training and p its share in what is compared. Two things keep it
away from zero although nothing has drifted:

- chance: small samples of the very same distribution are apart. `noise` says how far.
- the season: a month is never like three years. `usual` says how far the windows of training
  itself were from the whole of it; a window that is nearer is nothing new to the model.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from . import windows
from .settings import Settings
from .statistics import rounded
from .use_case import features

PARTS = 10  # of about the same size in training
DRAWS = 2000
CONFIDENCE = 0.99
FEWEST = 10  # windows of training that say what is usual


def describe(settings: Settings, training: pd.DataFrame) -> dict[str, Any]:
    """Return what training looked like; it goes into the provenance of the model.

    For each feature that can drift: the edges of its bins, how many rows each of them has, and how
    far windows of the length that the policy watches were from that, at most (null: too few of
    them). A bin reaches to its edge and includes it. The first bin is below all of training and the
    last but one above it, so that what leaves the known range shows; the last has the rows without
    a value.
    """
    watched = _watched(settings)
    parts = _windows(training, watched)
    described = {}
    for name in drifting(settings):
        values = training[name].to_numpy(dtype=float)
        known = values[~np.isnan(values)]
        below = np.nextafter(known.min(), -np.inf)
        quantiles = np.quantile(known, np.linspace(0, 1, PARTS + 1)[1:], method="inverted_cdf")
        edges = [float(each) for each in np.unique([below, *quantiles])]
        rows = counted(values, edges)
        apart = [
            float(psi(rows, counted(part[name].to_numpy(dtype=float), edges))) for part in parts
        ]
        usual = rounded(max(apart)) if len(apart) >= FEWEST else None
        described[name] = {"edges": edges, "rows": rows.tolist(), "usual": usual}
    return {"window": watched["window"], "features": described}


def _watched(settings: Settings) -> dict[str, Any]:
    """Return the monitor that watches the features."""
    return next(each for each in settings.monitoring["monitors"] if each["kind"] == "data_drift")


def _windows(training: pd.DataFrame, monitor: dict[str, Any]) -> list[pd.DataFrame]:
    """Return training in windows as the monitor has them, those with enough rows."""
    length, times = windows.length(monitor["window"]), pd.to_datetime(training[features.TIME])
    numbers = (times.max() - times) // length
    parts = [part for _, part in training.groupby(numbers)]
    return [part for part in parts if len(part) >= monitor["min_rows"]]


def drifting(settings: Settings) -> list[str]:
    """Return the features that can drift; what follows from the date alone only moves with it."""
    kinds = {
        each["name"]: each["logicalType"]
        for schema in settings.contract["schema"]
        for each in schema["properties"]
    }
    dates = {key for key in settings.keys if kinds.get(key) in ("timestamp", "date")}
    return [
        str(each["name"]) for each in settings.features["features"] if set(each["inputs"]) - dates
    ]


def distance(values: np.ndarray, trained: dict[str, Any]) -> float:
    """Return how far values are from a feature as it was described."""
    return float(psi(np.array(trained["rows"]), counted(values, trained["edges"])))


def counted(values: np.ndarray, edges: list[float]) -> np.ndarray:
    """Return how many values each bin has: up to each edge, larger ones, missing ones."""
    missing = np.isnan(values)
    bins = np.searchsorted(edges, values[~missing], side="left")
    return np.append(np.bincount(bins, minlength=len(edges) + 1), missing.sum())


def psi(expected: np.ndarray, seen: np.ndarray) -> np.ndarray:
    """Return the index of two lists of counts, or of each row of two tables of them.

    Half a row more in every bin keeps an empty one from making the index infinite.
    """
    q, p = (_shares(np.asarray(each, dtype=float)) for each in (expected, seen))
    return ((p - q) * np.log(p / q)).sum(axis=-1)


def _shares(counts: np.ndarray) -> np.ndarray:
    more = counts + 0.5
    return more / more.sum(axis=-1, keepdims=True)


def noise(expected: np.ndarray, rows: int, *, seed: int, features: int = 1) -> float:
    """Return what the index of so many rows stays below when nothing has drifted.

    That holds in 99 of 100 windows for all features together: each of them has its part of the
    chance to be wrong.
    """
    draws = np.random.default_rng([seed, rows])
    shares = expected / expected.sum()
    trained = draws.multinomial(int(expected.sum()), shares, size=DRAWS)
    seen = draws.multinomial(rows, shares, size=DRAWS)
    return float(np.quantile(psi(trained, seen), 1 - (1 - CONFIDENCE) / max(1, features)))
