"""Rules: what a buyer would do without a model, and what answers when none may."""

from __future__ import annotations

from statistics import NormalDist

import numpy as np
import pandas as pd

from ..errors import RefusedError
from ..explain import Explanation
from . import costs

# What says how much is usual: where one is missing or no amount, the next one does.
_USUAL = ("mean_8", "mean_4", "median_8", "high_8", "last_week")

_RULES = ("reorder_point", "mean_of_eight_weeks", "last_week")


class Rule:
    """A rule without anything learned.

    ``reorder_point`` is mean + z * standard deviation of the last eight weeks, where z is the
    normal quantile that the stated costs ask for. The two others are what a naive buyer does. A
    rule steps in where a model cannot answer, so it makes do with what is there.
    """

    def __init__(self, rule: str) -> None:
        if rule not in _RULES:
            raise RefusedError(f"there is no rule {rule}; the rules are {', '.join(_RULES)}")
        self.rule = rule
        self.z = NormalDist().inv_cdf(costs.stated().ratio) if rule == "reorder_point" else 0.0

    def predict(self, features: pd.DataFrame) -> np.ndarray:
        """Return the quantity for each row, in units."""
        return self.explain(features).sums

    def explain(self, features: pd.DataFrame) -> Explanation:
        """Return what the quantity adds up from, in units."""
        first = "last_week" if self.rule == "last_week" else "mean_8"
        terms = {first: _amount(features, first, *_USUAL)}
        if self.z:
            terms["deviation_8"] = self.z * _amount(features, "deviation_8")
        return Explanation(
            base=np.zeros(len(features)), terms=pd.DataFrame(terms, index=features.index)
        )


def _amount(features: pd.DataFrame, *names: str) -> pd.Series:
    """Return the first of these features that is an amount in each row, nothing if none is."""
    found = pd.Series(np.nan, index=features.index)
    for name in names:
        values = pd.to_numeric(features[name], errors="coerce").astype(float)
        found = found.fillna(values.where(np.isfinite(values) & (values >= 0)))
    return found.fillna(0.0)


def is_rule(name: str) -> bool:
    """Tell whether a candidate is a rule and not a model."""
    return name in _RULES
