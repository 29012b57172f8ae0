"""Candidates: genuinely different ways to learn the same thing.

Stored models name these classes. Whoever renames or changes one keeps the old one too, or the
releases that were made with it cannot be loaded any more.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Self

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, RegressorMixin, clone
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.impute import SimpleImputer
from sklearn.linear_model import Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from .features import NAMES

DEFAULT = "gradient_boosting"


class DeclaredFeatures(RegressorMixin, BaseEstimator):
    """Learns from the declared features, in their order, whatever else stands in the rows."""

    def __init__(self, regressor: Any) -> None:
        self.regressor = regressor

    def fit(self, features: pd.DataFrame, target: pd.Series) -> Self:
        """Learn from the rows whose outcome is known."""
        known = target.notna()
        self.feature_names_in_ = np.array(NAMES, dtype=object)
        self.regressor_ = clone(self.regressor)
        self.regressor_.fit(features.loc[known, [*NAMES]], target[known])
        return self

    def predict(self, features: pd.DataFrame) -> np.ndarray:
        """Return the prediction for each row, in the unit of the target."""
        return self.regressor_.predict(features[[*NAMES]])


def _gradient_boosting(seed: int) -> Any:
    return HistGradientBoostingRegressor(max_iter=200, learning_rate=0.06, random_state=seed)


def _linear(seed: int) -> Any:
    return make_pipeline(
        SimpleImputer(strategy="median", keep_empty_features=True),
        StandardScaler(),
        Ridge(alpha=1.0, random_state=seed),
    )


CANDIDATES: dict[str, Callable[[int], Any]] = {
    "gradient_boosting": _gradient_boosting,
    "linear": _linear,
}


def untrained(candidate: str, seed: int) -> DeclaredFeatures:
    """Return a candidate that has learned nothing yet."""
    return DeclaredFeatures(CANDIDATES[candidate](seed))
