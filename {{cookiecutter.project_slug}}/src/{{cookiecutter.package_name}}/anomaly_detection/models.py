"""Candidates: genuinely different ways to tell what is unusual, each frozen with its threshold.

None of them learns while it serves: what was approved is what answers, and a restart changes
nothing. What normal looks like today is learned by the next run of the pipeline, through the gates.

Stored models name these classes. Whoever renames or changes one keeps the old one too, or the
releases that were made with it cannot be loaded any more.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, Self

import numpy as np
import pandas as pd
from river.anomaly import HalfSpaceTrees
from sklearn.base import BaseEstimator, clone
from sklearn.ensemble import IsolationForest

from ..errors import RefusedError
from .features import NAMES
from .rules import ALERT

DEFAULT = "half_space_trees"

# The last labelled readings set the threshold, the readings before them the idea of normal.
LABELLED = 5_000
# So many normal readings may be taken for anomalies: seven a day, at one reading a minute.
FALSE_ALERTS = 0.005
# Single spikes reach a hundred times beyond the rest; what lies outside counts as the edge. Chosen
# on the training days: farther out it is left to the seed what is found, closer in less is found.
_EDGES = (0.005, 0.995)


class Detector(Protocol):
    """Whatever learns from readings without labels, and scores readings from 0 to 1."""

    def fit(self, readings: np.ndarray) -> Self:
        """Learn from readings, in their order."""

    def score(self, readings: np.ndarray) -> np.ndarray:
        """Return one number for each reading; the more unusual, the higher."""


class FrozenDetector(BaseEstimator):
    """A detector with the threshold that labelled readings gave it, both part of the model."""

    def __init__(
        self, detector: Detector, labelled: int = LABELLED, false_alerts: float = FALSE_ALERTS
    ) -> None:
        self.detector = detector
        self.labelled = labelled
        self.false_alerts = false_alerts

    def fit(self, features: pd.DataFrame, anomaly: pd.Series) -> Self:
        """Learn what is normal, then set the threshold on the last labelled readings."""
        known = np.flatnonzero(anomaly.notna())[-self.labelled :]
        normal = known[anomaly.to_numpy()[known] == 0]
        if len(known) < self.labelled or len(normal) * self.false_alerts < 1:
            raise RefusedError(
                f"{len(known):,} labelled readings, {len(normal):,} of them normal, are too few "
                f"for a threshold: it takes the last {self.labelled:,}"
            )
        values = features[[*NAMES]].to_numpy(dtype=float)
        self.feature_names_in_ = np.array(NAMES, dtype=object)
        self.low_, self.high_ = np.nanquantile(values[: known[0]], _EDGES, axis=0)
        whole = ~np.isnan(values).any(axis=1)
        learned = values[: known[0]][whole[: known[0]]]
        self.detector_ = clone(self.detector).fit(self._scaled(learned))
        scores = self.detector_.score(self._scaled(values[normal[whole[normal]]]))
        self.threshold_ = float(np.quantile(scores, 1 - self.false_alerts, method="higher"))
        if not 0 < self.threshold_ < 1:
            raise RefusedError(f"the threshold {self.threshold_} tells nothing apart")
        return self

    def predict(self, features: pd.DataFrame) -> np.ndarray:
        """Return the score of each row; none where a channel is missing."""
        values = features[[*NAMES]].to_numpy(dtype=float)
        whole = np.isfinite(values).all(axis=1)
        scores = np.full(len(values), np.nan)
        if whole.any():
            raw = self.detector_.score(self._scaled(values[whole]))
            # Beyond the frozen threshold, and nowhere else, it is an alert.
            scores[whole] = np.where(
                raw > self.threshold_,
                np.interp(raw, (self.threshold_, 1), (ALERT, 1)),
                np.interp(raw, (0, self.threshold_), (0, np.nextafter(ALERT, 0))),
            )
        return scores

    def _scaled(self, values: np.ndarray) -> np.ndarray:
        """Return each channel on its way from one edge to the other."""
        spans = np.where(self.high_ > self.low_, self.high_ - self.low_, 1)
        return np.clip((values - self.low_) / spans, 0, 1)


class HalfSpaceTreesDetector(BaseEstimator):
    """Half-space trees (Tan, Ting and Liu, 2011): how few readings fell where this one falls.

    Trees are grown blindly, then one window of the stream is counted into them.
    """

    def __init__(self, n_trees: int, height: int, window: int, seed: int) -> None:
        self.n_trees = n_trees
        self.height = height
        self.window = window
        self.seed = seed

    def fit(self, readings: np.ndarray) -> Self:
        """Count the last whole window; the trees would forget what came before it."""
        if len(readings) < self.window:
            raise RefusedError(f"{len(readings):,} readings; a window takes {self.window:,}")
        self.trees_ = HalfSpaceTrees(
            n_trees=self.n_trees, height=self.height, window_size=self.window, seed=self.seed
        )
        for reading in _named(readings[-self.window :]):
            self.trees_.learn_one(reading)
        return self

    def score(self, readings: np.ndarray) -> np.ndarray:
        """Return one number from 0 to 1 for each reading."""
        return np.array([self.trees_.score_one(reading) for reading in _named(readings)])


class IsolationForestDetector(BaseEstimator):
    """Isolation forest (Liu, Ting and Zhou, 2008): how few cuts set this reading apart."""

    def __init__(self, n_trees: int, sample: int, seed: int) -> None:
        self.n_trees = n_trees
        self.sample = sample
        self.seed = seed

    def fit(self, readings: np.ndarray) -> Self:
        """Grow each tree on a sample of the readings."""
        self.forest_ = IsolationForest(
            n_estimators=self.n_trees, max_samples=self.sample, random_state=self.seed
        ).fit(readings)
        return self

    def score(self, readings: np.ndarray) -> np.ndarray:
        """Return one number from 0 to 1 for each reading."""
        return -self.forest_.score_samples(readings)


def _named(readings: np.ndarray) -> list[dict[str, float]]:
    return [dict(zip(NAMES, reading, strict=True)) for reading in readings.tolist()]


def _half_space_trees(seed: int) -> Detector:
    return HalfSpaceTreesDetector(n_trees=50, height=8, window=5_000, seed=seed)


def _isolation_forest(seed: int) -> Detector:
    return IsolationForestDetector(n_trees=100, sample=256, seed=seed)


CANDIDATES: dict[str, Callable[[int], Detector]] = {
    "half_space_trees": _half_space_trees,
    "isolation_forest": _isolation_forest,
}


def untrained(candidate: str, seed: int) -> FrozenDetector:
    """Return a candidate that has learned nothing yet."""
    return FrozenDetector(CANDIDATES[candidate](seed))
