"""Evaluation: what the quantities would have cost, at the costs that the policy states.

Metrics. ``cost``: what a week and article cost on average, for units short and units left over, in
the currency of the policy. ``roi``: the margin of what was sold less what was left over, for the
money that the stock tied up. ``service_level``: the share of weeks for which the quantity was
enough. ``cost_saving`` against ``reorder_point``: by which share the cost is lower than that of the
rule. ``cost_change`` against ``champion``: by which share it is higher than that of the release in
force. ``value_cap_violations``: orders above the value cap that what is served would let through
without a person's approval.

Each week stands for itself: what is left over costs holding once and is not carried over.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from .. import evaluate
from ..statistics import Estimate
from . import costs, serving
from .features import NAMES, TARGET, TIME
from .rules import Rule

# More than this many times the best week that any article ever had is no order but an accident.
PLAUSIBLE = 1.5


def split(frame: pd.DataFrame, data: dict[str, Any]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the weeks to learn from and the weeks to judge on, which come later."""
    return evaluate.split_by_day(frame, TIME, data)


class Evaluation(evaluate.Evaluation):
    """The quantities of all parties in the test weeks."""

    RULE = Rule
    TARGET = TARGET
    NAMES = NAMES
    REPORTED = ("cost", "roi", "service_level")

    def clusters(self, name: str) -> np.ndarray:
        """Return the cluster of each row: a week or an article."""
        return super().clusters(TIME if name == "week" else name).astype(str)

    def estimate(self, metric: str, rows: np.ndarray, against: str | None) -> Estimate | None:
        """Return a metric on the chosen rows."""
        n = int(rows.sum())
        match metric, against:
            case "cost", None:
                return self.draws.estimate(self._cost(self.answers, rows), n)
            case "roi", None:
                return self.draws.estimate(self._roi(rows), n)
            case "service_level", None:
                enough = (self.answers >= self.truth).astype(float)
                return self.draws.estimate(self.draws.mean(enough, rows), n)
            case "value_cap_violations", None:
                return evaluate.counted(self._let_through() & rows, n)
        return self._comparison(metric, rows, against)

    def _comparison(self, metric: str, rows: np.ndarray, against: str | None) -> Estimate | None:
        match metric, against:
            case "cost_saving", _ if against in self.baselines:
                sign, other = -1, self.baselines[against]
            case "cost_change", "champion" if self.champion is not None:
                sign, other = 1, self.champion
            case _:
                return None
        ratio = self._cost(self.answers, rows) / self._cost(other, rows)
        return self.draws.estimate(sign * (ratio - 1), int(rows.sum()))

    def impossible(self, answers: np.ndarray) -> np.ndarray:
        """Return which quantities are no order: not finite, negative, or absurdly high."""
        highest = float(self.data.training[TARGET].max())
        with np.errstate(invalid="ignore"):
            return ~(np.isfinite(answers) & (answers >= 0) & (answers <= PLAUSIBLE * highest))

    def _let_through(self) -> np.ndarray:
        """Return which orders are worth more than the cap and not held back for approval."""
        shown = serving.present(self.test, self.answers)
        value = shown["quantity"] * self.test["price"].to_numpy()
        return (value.to_numpy() > serving.cap()) & (shown["needs_approval"] == "").to_numpy()

    def _roi(self, rows: np.ndarray) -> np.ndarray:
        stated = costs.stated(self.policy)
        earned = stated.earned(self.test, self.answers, self.truth)
        tied = stated.in_stock(self.test, self.answers)
        with np.errstate(invalid="ignore", divide="ignore"):
            return self.draws.sums(earned, rows) / self.draws.sums(tied, rows)

    def _cost(self, answers: np.ndarray, rows: np.ndarray) -> np.ndarray:
        stated = costs.stated(self.policy)
        return self.draws.mean(stated.of(self.test, answers, self.truth), rows)
