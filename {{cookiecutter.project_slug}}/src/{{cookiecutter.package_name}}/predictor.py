"""Predictors: whatever answers, model or rule."""

from __future__ import annotations

from typing import Protocol

import numpy as np
import pandas as pd


class Predictor(Protocol):
    """Whatever answers rows of features."""

    def predict(self, features: pd.DataFrame) -> np.ndarray:
        """Return one number for each row, in the unit of the target."""
