"""Evaluation: how good a forecast of the demand is.

Metrics. ``mae`` and ``mape``: mean absolute (percentage) error. ``mae_improvement`` against
``best_naive``: by which share the error is smaller than that of the better naive forecast (the
better one in each resample, so that the choice cannot favour the model). ``mae_change`` against
``champion``: by which share it is larger than that of the release in force.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from .. import evaluate
from ..errors import RefusedError
from ..statistics import Estimate
from .features import TARGET, TIME
from .rules import Rule

# More than this many times the highest demand ever seen is no forecast but an accident.
PLAUSIBLE = 1.5
SHIFTS = ["early", "late"]


def split(frame: pd.DataFrame, data: dict[str, Any]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the hours to learn from and the hours to judge on, which come later."""
    return evaluate.split_by_day(frame, TIME, data)


class Evaluation(evaluate.Evaluation):
    """The forecasts of all parties on the test days."""

    RULE = Rule
    TARGET = TARGET
    REPORTED = ("mae", "mape")
    INTERVAL_BY = "hour"

    def clusters(self, name: str) -> np.ndarray:
        """Return the day of each hour: hours of one day are drawn together."""
        if name != "day":
            raise RefusedError(f"policies/evaluation.yaml clusters by {name}; hours have a day")
        return self.test[TIME].dt.strftime("%Y-%m-%d").to_numpy(dtype=str)

    def estimate(self, metric: str, rows: np.ndarray, against: str | None) -> Estimate | None:
        """Return a metric on the chosen hours."""
        n = int(rows.sum())
        match metric, against:
            case "mae", None:
                return self.draws.estimate(self._mae(self.answers, rows), n)
            case "mape", None:
                return self.draws.estimate(self.draws.mean(self.errors(), rows), n)
            case "mae_improvement", _ if against in ("best_naive", *self.baselines):
                rules = self.baselines if against == "best_naive" else (against,)
                naive = np.min([self._mae(self.baselines[rule], rows) for rule in rules], axis=0)
                return self.draws.estimate(1 - self._mae(self.answers, rows) / naive, n)
            case "mae_change", "champion" if self.champion is not None:
                ratio = self._mae(self.answers, rows) / self._mae(self.champion, rows)
                return self.draws.estimate(ratio - 1, n)
        return None

    def impossible(self, answers: np.ndarray) -> np.ndarray:
        """Return which forecasts are no demand: not finite, negative, or absurdly high."""
        highest = float(self.data.training[TARGET].max())
        with np.errstate(invalid="ignore"):
            return ~(np.isfinite(answers) & (answers >= 0) & (answers <= PLAUSIBLE * highest))

    def group(self, attribute: str) -> np.ndarray:
        """Return the shift of each hour: early from 6, late from 14, night from 22 o'clock."""
        if attribute != "shift":
            return super().group(attribute)
        hour = self.test["hour"].to_numpy()
        return np.select([(hour >= 6) & (hour < 14), (hour >= 14) & (hour < 22)], SHIFTS, "night")

    def errors(self) -> np.ndarray:
        """Return the absolute percentage error of each forecast."""
        return np.abs(self.answers - self.truth) / np.abs(self.truth)

    def _mae(self, answers: np.ndarray, rows: np.ndarray) -> np.ndarray:
        return self.draws.mean(np.abs(answers - self.truth), rows)
