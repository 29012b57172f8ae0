"""Predictors that know the answer: what they are told to get wrong is all that is wrong."""

from __future__ import annotations

import numpy as np
import pandas as pd

from {{ cookiecutter.package_name }}.use_case import features


class Truth:
    """A predictor that knows the answer, off by a factor."""

    def __init__(self, factor: float = 1.0) -> None:
        self.factor = factor

    def predict(self, rows: pd.DataFrame) -> np.ndarray:
        return rows[features.TARGET].to_numpy() * self.factor


class Sum:
    """A model without learning: the sum of the features, plus something to tell two apart."""

    def __init__(self, plus: float = 0.0) -> None:
        self.plus = plus

    def predict(self, rows: pd.DataFrame) -> np.ndarray:
        return rows[[*features.NAMES]].fillna(0).sum(axis="columns").to_numpy() + self.plus


class Broken:
    """A model that answers so many times after it was loaded, and then no more."""

    def __init__(self, after: int, answer: float | None = None) -> None:
        self.left = after
        self.answer = answer

    def predict(self, rows: pd.DataFrame) -> np.ndarray:
        self.left -= 1
        if self.left >= 0:
            return np.zeros(len(rows))
        if self.answer is None:
            raise ValueError("there is nothing left to say")
        return np.full(len(rows), self.answer)
