"""Rules: what somebody would do without a model, and what answers when none may."""

from __future__ import annotations

import numpy as np
import pandas as pd

from ..errors import RefusedError

_COLUMNS = {
    "yesterday_same_hour": "lag_24",
    "last_week_same_hour": "lag_168",
}


class Rule:
    """A rule without anything learned: the demand of an earlier hour, once more."""

    def __init__(self, rule: str) -> None:
        if rule not in _COLUMNS:
            raise RefusedError(f"there is no rule {rule}; the rules are {', '.join(_COLUMNS)}")
        self.rule = rule

    def predict(self, features: pd.DataFrame) -> np.ndarray:
        """Return the forecast for each row."""
        return features[_COLUMNS[self.rule]].to_numpy(dtype=float)


def is_rule(name: str) -> bool:
    """Tell whether a candidate is a rule and not a model."""
    return name in _COLUMNS
