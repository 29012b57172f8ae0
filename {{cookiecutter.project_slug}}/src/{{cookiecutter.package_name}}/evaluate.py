"""Evaluate: measure a forecast on the test days, as the gates of the policy ask.

Metrics. ``mae`` and ``mape``: mean absolute (percentage) error. ``mae_improvement`` against
``best_naive``: by which share the error is smaller than that of the better naive forecast (the
better one in each resample, so that the choice cannot favour the model). ``mae_change`` against
``champion``: by which share it is larger than that of the release in force.
``invariant_violations``: forecasts that are no demand at all. ``golden_violations``: known hours
that were missed by more than the tolerance.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from .errors import RefusedError
from .features import TARGET, TIME
from .models import Forecaster
from .naive import NaiveForecaster
from .statistics import Draws, Estimate
from .train import repeatable

# More than this many times the highest demand ever seen is no forecast but an accident.
PLAUSIBLE = 1.5

_WHERE = re.compile(r"([a-z][a-z0-9_]*) in (?:(-?[0-9.]+?)\.\.(-?[0-9.]+)|\[([^\[\]]+)\])")


def measure(
    test: pd.DataFrame,
    model: Forecaster,
    champion: Forecaster | None,
    policy: dict[str, Any],
    *,
    highest: float,
    golden: dict[str, float],
) -> list[dict[str, Any]]:
    """Return every measurement that the policy's gates ask for, and the errors of each slice."""
    return _Evaluation(test, model, champion, policy, highest=highest, golden=golden).measurements()


class _Evaluation:
    """The forecasts of all parties on the test, and what can be said about them."""

    def __init__(
        self,
        test: pd.DataFrame,
        model: Forecaster,
        champion: Forecaster | None,
        policy: dict[str, Any],
        *,
        highest: float,
        golden: dict[str, float],
    ) -> None:
        self.test = test
        self.policy = policy
        self.highest = highest
        self.golden = golden
        self.demand = test[TARGET].to_numpy(dtype=float)
        statistics = policy["statistics"]
        self.draws = Draws(
            clusters(test, statistics["cluster"]),
            seed=statistics["seed"],
            resamples=statistics["resamples"],
            confidence=statistics["confidence"],
        )
        with repeatable():
            self.forecast = np.asarray(model.predict(test), dtype=float)
            self.champion = None if champion is None else np.asarray(champion.predict(test))
            self.naive = {rule: NaiveForecaster(rule).predict(test) for rule in policy["baselines"]}
        self.slices = {None: np.ones(len(test), dtype=bool)} | {
            each["id"]: rows_where(test, each["where"]) for each in policy["slices"]
        }

    def measurements(self) -> list[dict[str, Any]]:
        """Return each measurement once, in the order of the gates, then the errors per slice."""
        wanted = [(g["metric"], g["slice"], g["compare_with"]) for g in self.policy["gates"]]
        wanted += [(metric, part, None) for part in self.slices for metric in ("mae", "mape")]
        found = []
        for metric, part, against in dict.fromkeys(wanted):
            if against == "champion" and self.champion is None:
                continue
            estimate = self._estimate(metric, part, against)
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

    def _estimate(self, metric: str, part: str | None, against: str | None) -> Estimate:
        rows = self.slices[part]
        n = int(rows.sum())
        match metric, against:
            case "mae", None:
                return self.draws.estimate(self._mae(self.forecast, rows), n)
            case "mape", None:
                errors = np.abs(self.forecast - self.demand) / np.abs(self.demand)
                return self.draws.estimate(self.draws.mean(errors, rows), n)
            case "mae_improvement", _ if against in ("best_naive", *self.naive):
                rules = self.naive if against == "best_naive" else (against,)
                naive = np.min([self._mae(self.naive[rule], rows) for rule in rules], axis=0)
                return self.draws.estimate(1 - self._mae(self.forecast, rows) / naive, n)
            case "mae_change", "champion" if self.champion is not None:
                ratio = self._mae(self.forecast, rows) / self._mae(self.champion, rows)
                return self.draws.estimate(ratio - 1, n)
            case "invariant_violations", None:
                return _count(violations(self.forecast, self.highest) & rows, n)
            case "golden_violations", None:
                return self._golden()
        raise RefusedError(
            f"policies/evaluation.yaml asks for {metric} against {against}, "
            "which this evaluation cannot measure: add it to evaluate.py"
        )

    def _mae(self, forecast: np.ndarray, rows: np.ndarray) -> np.ndarray:
        return self.draws.mean(np.abs(forecast - self.demand), rows)

    def _golden(self) -> Estimate:
        tolerance = self.policy["golden"]["tolerance"]
        times = self.test[TIME].dt.strftime("%Y-%m-%dT%H:%M").tolist()
        wrong = []
        for time, expected in self.golden.items():
            if time not in times:
                raise RefusedError(f"the golden hour {time} is not among the test days")
            forecast = self.forecast[times.index(time)]
            wrong.append(not abs(forecast - expected) <= tolerance * expected)
        return _count(np.array(wrong, dtype=bool), len(wrong))


def clusters(test: pd.DataFrame, name: str) -> np.ndarray:
    """Return for each row the cluster that it is drawn with."""
    if name == "day":
        return test[TIME].dt.strftime("%Y-%m-%d").to_numpy(dtype=str)
    raise RefusedError(f"policies/evaluation.yaml clusters by {name}; this evaluation knows day")


def rows_where(test: pd.DataFrame, where: str) -> np.ndarray:
    """Return which rows belong to a slice: ``column in 5..6`` or ``column in [1, 3]``."""
    found = _WHERE.fullmatch(where)
    if found is None or found[1] not in test:
        raise RefusedError(f"the slice {where!r} names no feature, or no values of it")
    column, low, high, listed = found.groups()
    if listed is None:
        return test[column].between(float(low), float(high)).to_numpy()
    return test[column].isin([float(each) for each in listed.split(",")]).to_numpy()


def violations(forecast: np.ndarray, highest: float) -> np.ndarray:
    """Return which forecasts are no demand: not finite, negative, or absurdly high."""
    with np.errstate(invalid="ignore"):
        return ~(np.isfinite(forecast) & (forecast >= 0) & (forecast <= PLAUSIBLE * highest))


def golden_hours(path: Path) -> dict[str, float]:
    """Return the golden hours: time and known demand."""
    rows = json.loads(path.read_text(encoding="utf-8"))["hours"]
    return {row[TIME]: float(row[TARGET]) for row in rows}


def _count(wrong: np.ndarray, n: int) -> Estimate:
    number = int(wrong.sum())
    return Estimate(number, number, number, n)
