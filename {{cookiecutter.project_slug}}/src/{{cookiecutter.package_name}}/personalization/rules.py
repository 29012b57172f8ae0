"""Rules: what somebody would do without a model, and what answers when none may."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd

from ..errors import RefusedError

# After this many days without an order a customer counts as half gone.
HALF_GONE = 60

_SCORES: dict[str, Callable[[pd.DataFrame], pd.Series]] = {
    "recency_alone": lambda rows: 0.5 ** (rows["recency_days"] / HALF_GONE),
    "frequency_alone": lambda rows: rows["frequency"] / (rows["frequency"] + 2),
}


class Rule:
    """A rule without anything learned: the later, or the more often, the likelier."""

    def __init__(self, rule: str) -> None:
        if rule not in _SCORES:
            raise RefusedError(f"there is no rule {rule}; the rules are {', '.join(_SCORES)}")
        self.rule = rule

    def predict(self, features: pd.DataFrame) -> np.ndarray:
        """Return a score between 0 and 1 for each row; only its order means anything."""
        return _SCORES[self.rule](features).to_numpy(dtype=float)


def is_rule(name: str) -> bool:
    """Tell whether a candidate is a rule and not a model."""
    return name in _SCORES
