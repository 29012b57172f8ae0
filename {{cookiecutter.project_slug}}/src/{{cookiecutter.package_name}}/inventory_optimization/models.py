"""Candidates: two ways to learn the quantity that the costs ask for.

With a cost for each unit short and each unit left over, the best quantity is a quantile of the
demand: shortage / (shortage + holding), the newsvendor's. Both candidates learn that quantile.

Stored models name these classes. Whoever renames or changes one keeps the old one too, or the
releases that were made with it cannot be loaded any more.
"""

from __future__ import annotations

from typing import Any, Self

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.ensemble import HistGradientBoostingRegressor

from ..explain import Explanation, occlusion, usual
from . import costs
from .features import LEVEL, NAMES

DEFAULT = "explainable_boosting"

# Demands that are learned relative to the level; the level itself is learned as a size.
_RELATIVE = ("last_week", "mean_4", "median_8", "high_8", "deviation_8")
# Added to the level, so that articles that hardly sell divide by something.
_FLOOR = 5.0
# A week of more than this many levels was one buyer's order. It says nothing about the next week.
_HIGHEST = 20.0


class _Relative(RegressorMixin, BaseEstimator):
    """Learns quantities relative to the level of the eight weeks before.

    A best-seller and a slow one then have the same shape, so that 50 articles teach one model.
    """

    def __init__(self, quantile: float, seed: int) -> None:
        self.quantile = quantile
        self.seed = seed

    def fit(self, features: pd.DataFrame, units: pd.Series) -> Self:
        """Learn from features and the units that were sold."""
        self.feature_names_in_ = np.array(NAMES, dtype=object)
        self.usual_ = usual(features, NAMES)
        share = (units / _level(features)).clip(upper=_HIGHEST).to_numpy(dtype=float)
        self._learn(_shape(features), share)
        return self

    def predict(self, features: pd.DataFrame) -> np.ndarray:
        """Return the quantity for each row, in units."""
        level = _level(features).to_numpy(dtype=float)
        return np.maximum(self._share(_shape(features)) * level, 0.0)

    def _learn(self, shape: pd.DataFrame, share: np.ndarray) -> None:
        raise NotImplementedError

    def _share(self, shape: pd.DataFrame) -> np.ndarray:
        raise NotImplementedError


class QuantileBoosting(_Relative):
    """Boosted trees with the loss of the quantile."""

    def _learn(self, shape: pd.DataFrame, share: np.ndarray) -> None:
        self.trees_ = HistGradientBoostingRegressor(
            loss="quantile", quantile=self.quantile, max_iter=200, learning_rate=0.04,
            max_leaf_nodes=6, min_samples_leaf=30, max_features=0.5, early_stopping=False,
            random_state=self.seed,
        ).fit(shape, share)  # fmt: skip

    def _share(self, shape: pd.DataFrame) -> np.ndarray:
        return self.trees_.predict(shape)

    def explain(self, features: pd.DataFrame) -> Explanation:
        """Return what each quantity loses where a feature is unknown, in units."""
        return occlusion(self, features, NAMES, self.usual_)


class ExplainableBoosting(_Relative):
    """An explainable boosting machine (Nori et al., 2019) for the quantile.

    Its answer is a sum with one term for each feature, so the explanation is the model itself. It
    learns means; weighted again and again by how far and on which side it was off, it learns the
    quantile (iteratively reweighted least squares, Schlossmacher 1973).
    """

    _ROUNDS = 4
    _NEAREST = 0.05  # of the level; nearer than this counts as this near

    def _learn(self, shape: pd.DataFrame, share: np.ndarray) -> None:
        from interpret.glassbox import ExplainableBoostingRegressor

        weight = np.ones(len(share))
        for _ in range(self._ROUNDS):
            machine = ExplainableBoostingRegressor(
                feature_names=list(shape), interactions=0, outer_bags=4, max_rounds=300,
                learning_rate=0.05, max_bins=24, early_stopping_rounds=30, n_jobs=1,
                random_state=self.seed,
            ).fit(shape, share, sample_weight=weight)  # fmt: skip
            off = share - machine.predict(shape)
            side = np.where(off > 0, self.quantile, 1 - self.quantile)
            weight = side / np.maximum(np.abs(off), self._NEAREST)
        self.machine_ = machine

    def _share(self, shape: pd.DataFrame) -> np.ndarray:
        return self.machine_.predict(shape)

    def explain(self, features: pd.DataFrame) -> Explanation:
        """Return the exact terms of each quantity, in units; a quantity below zero is zero."""
        level = _level(features).to_numpy(dtype=float)
        terms = self.machine_.eval_terms(_shape(features)) * level[:, None]
        return Explanation(
            base=float(self.machine_.intercept_) * level,
            terms=pd.DataFrame(terms, columns=list(NAMES)),
        )


def _level(features: pd.DataFrame) -> pd.Series:
    return features[LEVEL] + _FLOOR


def _shape(features: pd.DataFrame) -> pd.DataFrame:
    """Return the features with demands divided by the level and sizes on a log scale."""
    shape = features[[*NAMES]].astype(float)
    shape[[*_RELATIVE]] = shape[[*_RELATIVE]].div(_level(features), axis=0)
    with np.errstate(invalid="ignore"):  # what cannot be is missing
        for name in (LEVEL, "price", "units_per_order"):
            shape[name] = np.log1p(shape[name])
    return shape


CANDIDATES: dict[str, Any] = {
    "explainable_boosting": ExplainableBoosting,
    "quantile_boosting": QuantileBoosting,
}


def untrained(candidate: str, seed: int) -> _Relative:
    """Return a candidate that has learned nothing yet."""
    return CANDIDATES[candidate](costs.stated().ratio, seed)
