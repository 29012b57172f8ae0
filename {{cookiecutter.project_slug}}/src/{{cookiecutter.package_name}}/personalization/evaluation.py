"""Evaluation: how well the score tells who comes back, and what the offers are worth.

Metrics. ``auc``: the chance that of two customers the one who came back has the higher score.
``auc_gain`` against a rule, or ``best_naive`` (the best one in each resample): by how much it is
higher than that of the rule. ``auc_change`` against ``champion``: by how much it is higher than
that of the release in force. ``ctr``: the click-through rate of the most popular offers, estimated
off-policy; ``ctr_random``: the measured one of offers drawn at random, on the same rows.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import numpy as np
import pandas as pd

from .. import evaluate
from ..errors import RefusedError
from ..statistics import Draws, Estimate
from . import offers
from .features import HORIZON, TARGET, TIME
from .rules import Rule

# Whoever is less likely than this to come back by themselves is written to.
WRITTEN_TO_BELOW = 0.5


def split(frame: pd.DataFrame, data: dict[str, Any]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the snapshots to learn from, whose future ended before those to judge on begin."""
    known = date.fromisoformat(data["train_until"]) + timedelta(days=HORIZON)
    if known > date.fromisoformat(data["test_from"]):
        raise RefusedError(
            f"policies/evaluation.yaml: what customers of {data['train_until']} did is known on "
            f"{known}, and the test begins on {data['test_from']}: it would be learned from"
        )
    return evaluate.split_by_day(frame, TIME, data)


def written_to(answers: np.ndarray) -> np.ndarray:
    """Return who gets a reminder: those who would not come back by themselves."""
    return answers < WRITTEN_TO_BELOW


class Evaluation(evaluate.Evaluation):
    """The scores of all parties on the test snapshots."""

    RULE = Rule
    TARGET = TARGET
    REPORTED = ("auc",)
    KPIS = ("ctr", "ctr_random")

    def estimate(self, metric: str, rows: np.ndarray, against: str | None) -> Estimate | None:
        """Return a metric on the chosen customers; clicks are of the whole log."""
        n = int(rows.sum())
        match metric, against:
            case "auc", None:
                return self.draws.estimate(self._auc(self.answers, rows), n)
            case "auc_gain", _ if against in ("best_naive", *self.baselines):
                rules = self.baselines if against == "best_naive" else (against,)
                naive = np.max([self._auc(self.baselines[rule], rows) for rule in rules], axis=0)
                return self.draws.estimate(self._auc(self.answers, rows) - naive, n)
            case "auc_change", "champion" if self.champion is not None:
                change = self._auc(self.answers, rows) - self._auc(self.champion, rows)
                return self.draws.estimate(change, n)
            case "ctr" | "ctr_random", None:
                return self._clicks(weighted=metric == "ctr")
        return None

    def impossible(self, answers: np.ndarray) -> np.ndarray:
        """Return which scores are no probability."""
        with np.errstate(invalid="ignore"):
            return ~((answers >= 0) & (answers <= 1))

    def missed(self, answers: np.ndarray, expected: np.ndarray, tolerance: float) -> np.ndarray:
        """Return which golden customers have a score too far from what they did."""
        return ~(np.abs(answers - expected) <= tolerance)

    def selected(self) -> np.ndarray:
        """Return who is written to."""
        return written_to(self.answers)

    def errors(self) -> np.ndarray:
        """Return who is written to though they come back by themselves, or the other way round."""
        return self.selected() == (self.truth == 1)

    def _auc(self, answers: np.ndarray, rows: np.ndarray) -> np.ndarray:
        return self.draws.auc(answers, self.truth == 1, rows)

    def _clicks(self, *, weighted: bool) -> Estimate:
        log = offers.judged(self.data.tables)
        statistics = self.policy["statistics"]
        draws = Draws(
            log.hour,
            seed=statistics["seed"],
            resamples=statistics["resamples"],
            confidence=statistics["confidence"],
        )
        weight = log.weight if weighted else np.ones_like(log.weight)
        every = np.ones(len(weight), dtype=bool)
        rate = draws.sums(weight * log.clicked, every) / draws.sums(weight, every)
        return draws.estimate(rate, int((weight > 0).sum()))
