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
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import QuantileTransformer

from .features import NAMES

DEFAULT = "gradient_boosting"


class ReturnModel(RegressorMixin, BaseEstimator):
    """Learns the probability that a customer orders within 90 days.

    A regressor to its callers: what it predicts is one number a row, the probability.
    """

    def __init__(self, classifier: Any) -> None:
        self.classifier = classifier

    def fit(self, features: pd.DataFrame, returned: pd.Series) -> Self:
        """Learn from features and whether the customer came back (1) or not (0)."""
        self.feature_names_in_ = np.array(NAMES, dtype=object)
        self.classifier_ = clone(self.classifier)
        self.classifier_.fit(features[[*NAMES]], returned)
        return self

    def predict(self, features: pd.DataFrame) -> np.ndarray:
        """Return the probability for each row."""
        return self.classifier_.predict_proba(features[[*NAMES]])[:, 1]


def _gradient_boosting(seed: int) -> Any:
    return HistGradientBoostingClassifier(
        max_iter=150, learning_rate=0.05, max_leaf_nodes=8, l2_regularization=5.0,
        early_stopping=False, random_state=seed,
    )  # fmt: skip


def _logistic_regression(seed: int) -> Any:
    # Amounts and counts have long tails: their ranks are what can be added up.
    ranks = QuantileTransformer(n_quantiles=200, random_state=seed)
    # Where something is missing, the customer in the middle stands in for it.
    middle = SimpleImputer(strategy="median", keep_empty_features=True)
    return make_pipeline(middle, ranks, LogisticRegression(max_iter=500, random_state=seed))


CANDIDATES: dict[str, Callable[[int], Any]] = {
    "gradient_boosting": _gradient_boosting,
    "logistic_regression": _logistic_regression,
}


def untrained(candidate: str, seed: int) -> ReturnModel:
    """Return a candidate that has learned nothing yet."""
    return ReturnModel(CANDIDATES[candidate](seed))
