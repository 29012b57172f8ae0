"""Evaluate: measure a model on the test rows, as the gates of the policy ask.

A use case derives its own `Evaluation` and says there how each of its metrics is measured. What all
use cases share stands here: who answers, the draws that make intervals, the slices, the groups
that are compared, what is measured of inputs that are off (see `robustness`), and the counts that
allow no error at all. ``invariant_violations``: answers that cannot be right, whatever the truth
is. ``golden_violations``: known rows that were missed by more than the tolerance.
``opt_out_violations``: rows of people who did not consent, among those that were learned from or
judged on. Where a gate asks for it, ``explainability_score`` says how far the answers can be
explained, as `explain` defines it.

Between groups of the attributes under ``fairness`` of the policy. ``selection_ratio``: the smallest
share of a group that is selected, over the largest. ``error_ratio``: the largest mean error of a
group, over the smallest. Of several attributes the worst one counts, in each resample.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any, ClassVar

import ibis
import numpy as np
import pandas as pd

from . import explain, robustness
from .errors import RefusedError
from .golden import Golden
from .predictor import Predictor
from .privacy import Barred
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
    promise: robustness.Promise
    # What else a metric may be made of: the tables that the features were made of.
    tables: dict[str, ibis.Table] = field(default_factory=dict)
    barred: Barred | None = None


class Evaluation:
    """The answers of all parties on the test, and what can be said about them."""

    RULE: ClassVar[Callable[[str], Predictor]]
    TARGET: ClassVar[str]
    # The inputs that explain an answer; only who asks for the explainability score needs them.
    NAMES: ClassVar[tuple[str, ...]] = ()
    # The column whose groups have an interval of their own; None if an answer has no interval.
    INTERVAL_BY: ClassVar[str | None] = None
    # Reported for every slice, whether a gate asks for it or not.
    REPORTED: ClassVar[tuple[str, ...]]
    # Reported once, because a KPI is made of them.
    KPIS: ClassVar[tuple[str, ...]] = ()

    def __init__(
        self,
        data: Data,
        model: Predictor,
        champion: Predictor | None,
        policy: dict[str, Any],
        twin: Callable[[], Predictor] | None = None,
    ) -> None:
        """Ask all parties; ``twin`` trains the model once more, with another seed."""
        self.data = data
        self.model = model
        self.twin = twin
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

    def group(self, attribute: str) -> np.ndarray:
        """Return for each row the group that it belongs to: a column, unless overridden."""
        if attribute in self.test:
            return self.test[attribute].to_numpy(dtype=str)
        raise RefusedError(
            f"policies/evaluation.yaml compares groups of {attribute}, which no row of the test has"
        )

    def selected(self) -> np.ndarray:
        """Return which rows the answers select for something."""
        raise RefusedError("this evaluation selects nobody, so it has no selection_ratio")

    def errors(self) -> np.ndarray:
        """Return how wrong the answer to each row is, whatever the size of what is answered."""
        raise RefusedError("this evaluation does not say what an error is: it has no error_ratio")

    # What is the same for all.

    def measurements(self) -> list[dict[str, Any]]:
        """Return each measurement once, in the order of the gates, then those of each slice."""
        wanted = [(g["metric"], g["slice"], g["compare_with"]) for g in self.policy["gates"]]
        wanted += [(metric, part, None) for part in self.slices for metric in self.REPORTED]
        wanted += [(metric, None, None) for metric in self.KPIS]
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
        common = {
            "invariant_violations": self._invariant_violations,
            "golden_violations": self._golden_violations,
            "opt_out_violations": self._opt_out_violations,
            "selection_ratio": self._selection_ratio,
            "error_ratio": self._error_ratio,
            "perturbation_change": self._perturbation_change,
            "unanswered_inputs": self._unanswered_inputs,
        }
        if against is None and metric in common:
            return common[metric](rows)
        if (metric, against) == ("explainability_score", None):
            estimate = self._explainability(rows)
        else:
            estimate = self.estimate(metric, rows, against)
        if estimate is None:
            raise RefusedError(
                f"policies/evaluation.yaml asks for {metric} against {against}, "
                "which this evaluation cannot measure: add it to the evaluation of the use case"
            )
        return estimate

    def _invariant_violations(self, rows: np.ndarray) -> Estimate:
        return counted(self.impossible(self.answers) & rows, int(rows.sum()))

    def _golden_violations(self, _: np.ndarray) -> Estimate:
        golden = self.data.golden
        answers = self.answers[golden.positions]
        wrong = self.missed(answers, golden.expected, self.policy["golden"]["tolerance"])
        return counted(wrong, len(wrong))

    def _selection_ratio(self, rows: np.ndarray) -> Estimate:
        ratio = self._between_groups(self.selected(), rows)
        return self.draws.estimate(ratio, int(rows.sum()))

    def _error_ratio(self, rows: np.ndarray) -> Estimate:
        with np.errstate(divide="ignore"):
            ratio = 1 / self._between_groups(self.errors(), rows)
        return self.draws.estimate(ratio, int(rows.sum()))

    def _opt_out_violations(self, _: np.ndarray) -> Estimate:
        """Return how many rows belong to people who did not consent."""
        barred = self.data.barred
        if barred is None:
            raise RefusedError(
                "policies/evaluation.yaml asks for opt_out_violations, and nothing in "
                "policies/data.yaml rests on consent"
            )
        people = pd.concat([self.data.training[barred.column], self.test[barred.column]])
        return counted(people.isin(barred.people).to_numpy(), len(people))

    def _between_groups(self, values: np.ndarray, rows: np.ndarray) -> np.ndarray:
        """Return the smallest mean of a group over the largest, as it is and in each resample."""
        fairness = self.policy["fairness"]
        worst = np.full(len(self.draws.times) + 1, np.nan)
        for attribute in fairness["attributes"]:
            groups = pooled(self.group(attribute), rows, fairness["min_rows"])
            means = [
                self.draws.mean(values.astype(float), rows & (groups == each))
                for each in np.unique(groups[rows])
            ]
            if len(means) < 2:
                raise RefusedError(
                    f"policies/evaluation.yaml compares groups of {attribute}, and the test has "
                    f"only one with {fairness['min_rows']} rows"
                )
            smallest, largest = np.min(means, axis=0), np.max(means, axis=0)
            # Nobody selected, or nothing wrong, in any group: they are treated the same.
            with np.errstate(invalid="ignore"):
                ratio = np.where(largest == 0, 1.0, smallest / largest)
            worst = np.fmin(worst, ratio) if not np.isnan(ratio).any() else ratio
        return worst

    def _explainability(self, rows: np.ndarray) -> Estimate | None:
        if self.twin is None or not self.NAMES:
            return None
        names, usual = self.NAMES, explain.usual(self.data.training, self.NAMES)
        with repeatable():
            first, second = (
                explain.explanation(each, self.test, names, usual)
                for each in (self.model, self.twin())
            )
        return explain.score(self.answers, first, second, self.draws, rows)

    def _perturbation_change(self, rows: np.ndarray) -> Estimate:
        noise, seed = self.policy["robustness"]["noise"], self.policy["statistics"]["seed"]
        moved = robustness.off(self.test, self.data.promise, noise, seed)
        with repeatable():
            answers = np.asarray(self.model.predict(moved), dtype=float)
        change = self.draws.mean(np.abs(answers - self.answers), rows)
        with np.errstate(invalid="ignore", divide="ignore"):
            share = change / self.draws.mean(np.abs(self.answers), rows)
        return self.draws.estimate(share, int(rows.sum()))

    def _unanswered_inputs(self, rows: np.ndarray) -> Estimate:
        promise = self.data.promise
        fallback = type(self).RULE(promise.fallback)
        with repeatable():
            left = robustness.unanswered(
                self.test[rows], promise, self.model, fallback, self.impossible
            )
        return counted(left, len(left))


def pooled(groups: np.ndarray, rows: np.ndarray, min_rows: int) -> np.ndarray:
    """Return the group of each row, with all groups of few chosen rows as one group."""
    names, counts = np.unique(groups[rows], return_counts=True)
    return np.where(np.isin(groups, names[counts >= min_rows]), groups, "(smaller groups)")


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
    """Return the rows up to ``train_until`` and those of the test days, which come later.

    With ``window_days`` only so many days up to ``train_until`` are learned from.
    """
    day = frame[time].dt.strftime("%Y-%m-%d")
    training = frame[day <= data["train_until"]]
    if data.get("window_days") is not None:
        last = date.fromisoformat(data["train_until"])
        first = last - timedelta(days=data["window_days"] - 1)
        training = training[day[training.index] >= first.isoformat()]
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
