"""Evaluation: how far predictions are off, beside what somebody would say without a model.

Metrics. ``error``: mean absolute error, in the unit of the target. ``error_improvement`` against
``naive``: by which share the error is smaller than that of the mean of all earlier days.
``error_change`` against ``champion``: by which share it is larger than that of what is in force.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from .. import evaluate
from ..statistics import Estimate
from .features import TARGET, TIME
from .rules import Rule


def split(frame: pd.DataFrame, data: dict[str, Any]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the rows to learn from and the rows to judge on, which come later.

    What is not known yet is neither learned from nor judged on.
    """
    return evaluate.split_by_day(frame[frame[TARGET].notna()], TIME, data)


class Evaluation(evaluate.Evaluation):
    """The predictions of all parties on the test days."""

    RULE = Rule
    TARGET = TARGET
    REPORTED = ("error",)

    def clusters(self, name: str) -> np.ndarray:
        """Return the day of each row, or the column that the policy names."""
        if name == "day":
            return self.test[TIME].dt.strftime("%Y-%m-%d").to_numpy(dtype=str)
        return super().clusters(name)

    def estimate(self, metric: str, rows: np.ndarray, against: str | None) -> Estimate | None:
        """Return a metric on the chosen rows."""
        n = int(rows.sum())
        error = self._error(self.answers, rows)
        match metric, against:
            case "error", None:
                return self.draws.estimate(error, n)
            case "error_improvement", str() if against in self.baselines:
                naive = self._error(self.baselines[against], rows)
                return self.draws.estimate(1 - error / naive, n)
            case "error_change", "champion" if self.champion is not None:
                return self.draws.estimate(error / self._error(self.champion, rows) - 1, n)
        return None

    def impossible(self, answers: np.ndarray) -> np.ndarray:
        """Return which answers are none: not finite, or far outside of all that was ever seen."""
        seen = self.data.training[TARGET]
        low, high = float(seen.min()), float(seen.max())
        reach = high - low
        with np.errstate(invalid="ignore"):
            return ~((answers >= low - reach) & (answers <= high + reach))

    def missed(self, answers: np.ndarray, expected: np.ndarray, tolerance: float) -> np.ndarray:
        """Return which golden rows are off by more than this share of the range of the target."""
        seen = self.data.training[TARGET]
        reach = float(seen.max() - seen.min())
        return ~(np.abs(answers - expected) <= tolerance * reach)

    def _error(self, answers: np.ndarray, rows: np.ndarray) -> np.ndarray:
        return self.draws.mean(np.abs(answers - self.truth), rows)
