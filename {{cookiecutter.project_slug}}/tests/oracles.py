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
