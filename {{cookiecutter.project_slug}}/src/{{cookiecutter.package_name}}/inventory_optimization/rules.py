"""Rules: what a buyer would do without a model, and what answers when none may."""

from __future__ import annotations

from statistics import NormalDist

import numpy as np
import pandas as pd

from ..errors import RefusedError
from ..explain import Explanation
from . import costs

_RULES = ("reorder_point", "mean_of_eight_weeks", "last_week")


class Rule:
    """A rule without anything learned.

    ``reorder_point`` is mean + z * standard deviation of the last eight weeks, where z is the
    normal quantile that the stated costs ask for. The two others are what a naive buyer does.
    """

    def __init__(self, rule: str) -> None:
        if rule not in _RULES:
            raise RefusedError(f"there is no rule {rule}; the rules are {', '.join(_RULES)}")
        self.rule = rule
        self.z = NormalDist().inv_cdf(costs.stated().ratio) if rule == "reorder_point" else 0.0

    def predict(self, features: pd.DataFrame) -> np.ndarray:
        """Return the quantity for each row, in units."""
        if self.rule == "last_week":
            return features["last_week"].to_numpy(dtype=float)
        quantity = features["mean_8"] + self.z * features["deviation_8"]
        return np.maximum(quantity.to_numpy(dtype=float), 0.0)

    def explain(self, features: pd.DataFrame) -> Explanation:
        """Return what the quantity adds up from, in units."""
        parts = {"last_week": 1.0} if self.rule == "last_week" else {"mean_8": 1.0}
        if self.z:
            parts["deviation_8"] = self.z
        return Explanation(
            base=np.zeros(len(features)),
            terms=pd.DataFrame({name: features[name] * part for name, part in parts.items()}),
        )


def is_rule(name: str) -> bool:
    """Tell whether a candidate is a rule and not a model."""
    return name in _RULES
