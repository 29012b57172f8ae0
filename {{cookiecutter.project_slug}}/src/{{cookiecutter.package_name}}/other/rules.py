"""Rules: what somebody would say without a model, and what answers when none may."""

from __future__ import annotations

import numpy as np
import pandas as pd

from ..errors import RefusedError
from .features import BEFORE

NAIVE = "naive"


class Rule:
    """The mean of all earlier days."""

    def __init__(self, rule: str) -> None:
        if rule != NAIVE:
            raise RefusedError(f"there is no rule {rule}; the rule is {NAIVE}")
        self.rule = rule

    def predict(self, features: pd.DataFrame) -> np.ndarray:
        """Return the mean of the target before the day of each row."""
        return features[BEFORE].to_numpy(dtype=float)


def is_rule(name: str) -> bool:
    """Tell whether a candidate is a rule and not a model."""
    return name == NAIVE
