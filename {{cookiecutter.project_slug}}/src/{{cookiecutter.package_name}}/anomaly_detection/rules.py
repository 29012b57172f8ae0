"""Rules: what a plant does without a model, and what answers when no model may.

An answer is a score from 0 to 1. From `ALERT` on it calls somebody, whoever gave it.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd

from ..errors import RefusedError
from .features import NAMES

ALERT = 0.5

# Mean and standard deviation of each channel on the first 20 days, as whoever sets alarm limits
# would note them: without labels, spikes and all.
USUAL = {
    "f1": (46.92, 12.94),
    "f2": (-0.38, 83.44),
    "f3": (85.12, 8.90),
    "f4": (0.10, 42.04),
    "f5": (36.87, 20.11),
    "f6": (1.97, 182.13),
    "f7": (38.21, 13.51),
    "f8": (48.28, 20.74),
    "f9": (10.25, 23.83),
}
DEVIATIONS = 3
# Above this value of channel 1 no normal reading was ever seen. It takes labels to know that.
CHANNEL_1 = 68


class Rule:
    """A rule without anything learned: fixed limits on single channels."""

    def __init__(self, rule: str) -> None:
        if rule not in _RULES:
            raise RefusedError(f"there is no rule {rule}; the rules are {', '.join(_RULES)}")
        self.rule = rule

    def predict(self, features: pd.DataFrame) -> np.ndarray:
        """Return the score of each row; a reading without any value is an alert."""
        values = features[[*NAMES]].to_numpy(dtype=float)
        silent = np.isnan(values).all(axis=1)
        return np.where(silent, 1.0, _RULES[self.rule](values))


def impossible(scores: np.ndarray) -> np.ndarray:
    """Return which answers are no score: not finite, or not from 0 to 1."""
    with np.errstate(invalid="ignore"):
        return ~((scores >= 0) & (scores <= 1))


def is_rule(name: str) -> bool:
    """Tell whether a candidate is a rule and not a model."""
    return name in _RULES


def _static_threshold(values: np.ndarray) -> np.ndarray:
    """Return how far the farthest channel is from its mean; three deviations are an alert."""
    means, deviations = np.array([USUAL[name] for name in NAMES]).T
    distances = np.abs(values - means) / deviations
    farthest = np.max(distances, axis=1, initial=0, where=~np.isnan(distances))
    return np.minimum(ALERT * farthest / DEVIATIONS, 1.0)


def _channel_1_limit(values: np.ndarray) -> np.ndarray:
    """Return where channel 1 stands between nothing and twice its limit; unknown is an alert."""
    scores = np.clip(ALERT * values[:, 0] / (CHANNEL_1 + 1), 0.0, 1.0)
    return np.where(np.isnan(scores), ALERT, scores)


_RULES: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "static_threshold": _static_threshold,
    "channel_1_limit": _channel_1_limit,
}
