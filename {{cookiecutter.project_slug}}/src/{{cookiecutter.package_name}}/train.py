"""Train: a candidate learns from the training rows, the same way on every run."""

from __future__ import annotations

import pandas as pd

from .predictor import Predictor
from .repeatable import repeatable
from .use_case import features, models, rules

CHOICES = (*models.CANDIDATES,)
DEFAULT = models.DEFAULT


def train(candidate: str, training: pd.DataFrame, seed: int) -> Predictor:
    """Return a candidate that learned from these rows; a rule has nothing to learn."""
    if rules.is_rule(candidate):
        return rules.Rule(candidate)
    with repeatable():
        return models.untrained(candidate, seed).fit(training, training[features.TARGET])
