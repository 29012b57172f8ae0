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
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import ExtraTreesRegressor, HistGradientBoostingRegressor
from sklearn.linear_model import Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, StandardScaler

from .features import LEVEL, NAMES

DEFAULT = "gradient_boosting"

_CALENDAR = ["hour", "day_of_week", "month", "holiday", "holiday_before", "days_to_christmas"]
_DEMANDS = [name for name in NAMES if name not in _CALENDAR]


class LevelForecaster(RegressorMixin, BaseEstimator):
    """Learns the demand relative to the level of the week before.

    The level of this grid tripled within three years; what a day looks like changed little. Trees
    cannot extrapolate a level, and need not when it is divided away.
    """

    def __init__(self, regressor: Any) -> None:
        self.regressor = regressor

    def fit(self, features: pd.DataFrame, demand: pd.Series) -> Self:
        """Learn from features and demand in kW."""
        self.feature_names_in_ = np.array(NAMES, dtype=object)
        self.regressor_ = clone(self.regressor)
        self.regressor_.fit(_relative(features), demand / features[LEVEL])
        return self

    def predict(self, features: pd.DataFrame) -> np.ndarray:
        """Return the forecast for each row, in kW."""
        return self.regressor_.predict(_relative(features)) * features[LEVEL].to_numpy()


def _relative(features: pd.DataFrame) -> pd.DataFrame:
    """Return the features with each demand divided by the level."""
    relative = features[[*NAMES]].copy()
    relative[_DEMANDS] = relative[_DEMANDS].div(features[LEVEL], axis=0)
    return relative.drop(columns=LEVEL)


def _gradient_boosting(seed: int) -> Any:
    return HistGradientBoostingRegressor(
        max_iter=250, learning_rate=0.05, max_features=0.5, early_stopping=False, random_state=seed
    )


def _extra_trees(seed: int) -> Any:
    # One job: several would add the trees' answers in any order, and sums would differ.
    return ExtraTreesRegressor(
        n_estimators=60, max_leaf_nodes=1500, max_features=0.6, random_state=seed, n_jobs=1
    )


def _ridge(seed: int) -> Any:
    hours = ["hour", "day_of_week"]
    single = ["month", "holiday", "holiday_before", "days_to_christmas"]
    encode = OneHotEncoder(handle_unknown="ignore", sparse_output=False)
    columns = ColumnTransformer(
        [
            ("week", make_pipeline(FunctionTransformer(_hour_of_week), clone(encode)), hours),
            ("calendar", encode, single),
            ("demand", StandardScaler(), [name for name in _DEMANDS if name != LEVEL]),
        ]
    )
    return make_pipeline(columns, Ridge(alpha=1.0, random_state=seed))


def _hour_of_week(columns: pd.DataFrame) -> pd.DataFrame:
    """Return one number from 0 to 167 for hour and weekday together."""
    return (columns["hour"] + 24 * columns["day_of_week"]).to_frame("hour_of_week")


CANDIDATES: dict[str, Callable[[int], Any]] = {
    "gradient_boosting": _gradient_boosting,
    "extra_trees": _extra_trees,
    "ridge": _ridge,
}


def untrained(candidate: str, seed: int) -> LevelForecaster:
    """Return a candidate that has learned nothing yet."""
    return LevelForecaster(CANDIDATES[candidate](seed))
