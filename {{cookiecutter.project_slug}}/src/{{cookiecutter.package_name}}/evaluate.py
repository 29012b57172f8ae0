"""Evaluate: measure a model on the test rows, as the gates of the policy ask.

A use case derives its own `Evaluation` and says there how each of its metrics is measured. What all
use cases share stands here: who answers, the draws that make intervals, the slices, and the two
counts that allow no error at all. ``invariant_violations``: answers that cannot be right, whatever
the truth is. ``golden_violations``: known rows that were missed by more than the tolerance.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import pandas as pd

from .errors import RefusedError
from .golden import Golden
from .predictor import Predictor
from .repeatable import repeatable
from .statistics import Draws, Estimate

_WHERE = re.compile(r"([a-z][a-z0-9_]*) in (?:(-?[0-9.]+?)\.\.(-?[0-9.]+)|\[([^\[\]]+)\])")


@dataclass(frozen=True, slots=True)
class Data:
    """The rows to learn from and to judge on, made from the bytes with this digest."""

    digest: str
    training: pd.DataFrame
    test: pd.DataFrame
    golden: Golden


class Evaluation:
    """The answers of all parties on the test, and what can be said about them."""

    RULE: ClassVar[Callable[[str], Predictor]]
    TARGET: ClassVar[str]
    # Reported for every slice, whether a gate asks for it or not.
    REPORTED: ClassVar[tuple[str, ...]]

    def __init__(
        self,
        data: Data,
        model: Predictor,
        champion: Predictor | None,
        policy: dict[str, Any],
    ) -> None:
        self.data = data
        self.test = data.test
        self.policy = policy
        self.truth = data.test[self.TARGET].to_numpy(dtype=float)
        statistics = policy["statistics"]
        self.draws = Draws(
            self.clusters(statistics["cluster"]),
            seed=statistics["seed"],
            resamples=statistics["resamples"],
            confidence=statistics["confidence"],
        )
        with repeatable():
            self.answers = np.asarray(model.predict(self.test), dtype=float)
            self.champion = None if champion is None else np.asarray(champion.predict(self.test))
            self.baselines = {
                rule: np.asarray(type(self).RULE(rule).predict(self.test), dtype=float)
                for rule in policy["baselines"]
            }
        self.slices = {None: np.ones(len(self.test), dtype=bool)} | {
            each["id"]: rows_where(self.test, each["where"]) for each in policy["slices"]
        }

    # What a use case says for itself.

    def clusters(self, name: str) -> np.ndarray:
        """Return for each row the cluster that it is drawn with: a column, unless overridden."""
        if name in self.test:
            return self.test[name].to_numpy()
        raise RefusedError(
            f"policies/evaluation.yaml clusters by {name}, which no row of the test has"
        )

    def estimate(self, metric: str, rows: np.ndarray, against: str | None) -> Estimate | None:
        """Return a metric of the use case on the chosen rows, None if it is not one of them."""
        raise NotImplementedError

    def impossible(self, answers: np.ndarray) -> np.ndarray:
        """Return which answers cannot be right, whatever the truth is."""
        return ~np.isfinite(answers)

    def missed(self, answers: np.ndarray, expected: np.ndarray, tolerance: float) -> np.ndarray:
        """Return which golden rows are off by more than this share of what is known."""
        return ~(np.abs(answers - expected) <= tolerance * np.abs(expected))

    # What is the same for all.

    def measurements(self) -> list[dict[str, Any]]:
        """Return each measurement once, in the order of the gates, then those of each slice."""
        wanted = [(g["metric"], g["slice"], g["compare_with"]) for g in self.policy["gates"]]
        wanted += [(metric, part, None) for part in self.slices for metric in self.REPORTED]
        found = []
        for metric, part, against in dict.fromkeys(wanted):
            if against == "champion" and self.champion is None:
                continue
            estimate = self._measure(metric, part, against)
            if not estimate.is_finite:
                continue  # no JSON holds it, and a gate fails for what was not measured
            found.append(
                {
                    "metric": metric,
                    "slice": part,
                    "compare_with": against,
                    "value": estimate.value,
                    "low": estimate.low,
                    "high": estimate.high,
                    "n": estimate.n,
                }
            )
        return found

    def _measure(self, metric: str, part: str | None, against: str | None) -> Estimate:
        rows = self.slices[part]
        match metric, against:
            case "invariant_violations", None:
                return counted(self.impossible(self.answers) & rows, int(rows.sum()))
            case "golden_violations", None:
                golden = self.data.golden
                answers = self.answers[golden.positions]
                wrong = self.missed(answers, golden.expected, self.policy["golden"]["tolerance"])
                return counted(wrong, len(wrong))
        estimate = self.estimate(metric, rows, against)
        if estimate is None:
            raise RefusedError(
                f"policies/evaluation.yaml asks for {metric} against {against}, "
                "which this evaluation cannot measure: add it to the evaluation of the use case"
            )
        return estimate


def rows_where(test: pd.DataFrame, where: str) -> np.ndarray:
    """Return which rows belong to a slice: ``column in 5..6`` or ``column in [1, 3]``."""
    found = _WHERE.fullmatch(where)
    if found is None or found[1] not in test:
        raise RefusedError(f"the slice {where!r} names no column of the test, or no values of it")
    column, low, high, listed = found.groups()
    if listed is None:
        return test[column].between(float(low), float(high)).to_numpy()
    values = [each.strip() for each in listed.split(",")]
    if pd.api.types.is_numeric_dtype(test[column]):
        return test[column].isin([float(each) for each in values]).to_numpy()
    return test[column].isin(values).to_numpy()


def split_by_day(
    frame: pd.DataFrame, time: str, data: dict[str, Any]
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the rows up to ``train_until`` and those of the test days, which come later."""
    day = frame[time].dt.strftime("%Y-%m-%d")
    training = frame[day <= data["train_until"]]
    test = frame[(day >= data["test_from"]) & (day <= data["test_until"])]
    if training.empty or test.empty or data["test_from"] <= data["train_until"]:
        raise RefusedError(
            f"policies/evaluation.yaml leaves nothing to judge on: training until "
            f"{data['train_until']}, test from {data['test_from']} to {data['test_until']}"
        )
    return training.reset_index(drop=True), test.reset_index(drop=True)


def counted(wrong: np.ndarray, n: int) -> Estimate:
    """Return how many are wrong, of n; a count has no interval."""
    number = int(wrong.sum())
    return Estimate(number, number, number, n)
