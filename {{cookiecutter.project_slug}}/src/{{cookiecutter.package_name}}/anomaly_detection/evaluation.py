"""Evaluation: what is found, how soon, and how often somebody is called for nothing.

Metrics. ``recall``: share of the anomalous readings with an alert. ``false_positive_rate``: share
of the normal readings with one. ``average_precision``: how well the scores rank anomalies before
normal readings, whatever the threshold. ``time_to_detect`` (minutes) and ``events_to_detect``
(readings): from the first reading of an episode to its first alert; an episode without one counts
as its whole length and the cool-down. ``false_calls_per_day``: calls, after cool-down, that begin
outside of any episode. ``recall_gain`` against a rule or ``best_naive`` (the better one in each
resample) and ``recall_change`` against ``champion``: differences of recall.

An episode is what one call can find (see `alerts`). Readings are drawn together from one episode up
to the next.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from .. import evaluate
from ..errors import RefusedError
from ..statistics import Estimate
from .alerts import COOL_DOWN, first_of_each
from .features import TARGET, TIME
from .rules import ALERT, Rule, impossible

_DAY = np.timedelta64(1, "D")
_MINUTE = np.timedelta64(1, "m")


def split(frame: pd.DataFrame, data: dict[str, Any]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the readings to learn from, and the later ones with a label to judge on."""
    training, test = evaluate.split_by_day(frame, TIME, data)
    return training, test[test[TARGET].notna()].reset_index(drop=True)


class Evaluation(evaluate.Evaluation):
    """The scores of all parties on the test readings."""

    RULE = Rule
    TARGET = TARGET
    REPORTED = (
        "average_precision",
        "recall",
        "false_positive_rate",
        "time_to_detect",
        "events_to_detect",
        "false_calls_per_day",
    )

    def clusters(self, name: str) -> np.ndarray:
        """Return for each reading the number of episodes that began until then."""
        if name != "episode":
            raise RefusedError(f"policies/evaluation.yaml clusters by {name}, not by episode")
        return np.cumsum(first_of_each(self._times(), self.truth == 1))

    def estimate(self, metric: str, rows: np.ndarray, against: str | None) -> Estimate | None:
        """Return a metric on the chosen readings."""
        begins = first_of_each(self._times(), self.truth == 1)
        anomalous, normal = self.truth == 1, self.truth == 0
        match metric, against:
            case "recall", None:
                counted, values = anomalous, self._recall(self.answers, rows)
            case "recall_gain", _ if against in ("best_naive", *self.baselines):
                rules = self.baselines if against == "best_naive" else (against,)
                best = np.max([self._recall(self.baselines[rule], rows) for rule in rules], axis=0)
                counted, values = anomalous, self._recall(self.answers, rows) - best
            case "recall_change", "champion" if self.champion is not None:
                change = self._recall(self.answers, rows) - self._recall(self.champion, rows)
                counted, values = anomalous, change
            case "false_positive_rate", None:
                flagged = (self.answers >= ALERT).astype(float)
                counted, values = normal, self.draws.mean(flagged, rows & normal)
            case "average_precision", None:
                counted, values = rows, self._average_precision(rows)
            case "time_to_detect" | "events_to_detect", None:
                delays = self._delays(in_minutes=metric == "time_to_detect")
                counted, values = begins, self.draws.mean(delays, rows & begins)
            case "false_calls_per_day", None:
                counted, values = rows, self._false_calls(rows)
            case _:
                return None
        return self.draws.estimate(values, int((counted & rows).sum()))

    def impossible(self, answers: np.ndarray) -> np.ndarray:
        """Return which answers are no score: not finite, or not from 0 to 1."""
        return impossible(answers)

    def missed(self, answers: np.ndarray, expected: np.ndarray, tolerance: float) -> np.ndarray:
        """Return which golden readings are scored farther than the tolerance from their label."""
        return ~(np.abs(answers - expected) <= tolerance)

    def _times(self) -> np.ndarray:
        return self.test[TIME].to_numpy()

    def _recall(self, scores: np.ndarray, rows: np.ndarray) -> np.ndarray:
        return self.draws.mean((scores >= ALERT).astype(float), rows & (self.truth == 1))

    def _average_precision(self, rows: np.ndarray) -> np.ndarray:
        """Return the average precision over all readings and in each resample.

        A resample repeats whole clusters, so it weighs each reading by how often its cluster was
        drawn. Readings with one score are one step: their order must not matter.
        """
        chosen = np.flatnonzero(rows)
        chosen = chosen[np.argsort(-self.answers[chosen], kind="stable")]
        scores, clusters = self.answers[chosen], self.draws.cluster[chosen]
        anomalies = np.flatnonzero(self.truth[chosen] == 1)
        # Precision counts at the last reading with the score of the anomaly.
        ends = np.searchsorted(-scores, -scores[anomalies], side="right") - 1
        found_until = np.searchsorted(anomalies, ends, side="right") - 1

        def one(times: np.ndarray) -> float:
            seen = np.cumsum(times[clusters])[ends]
            weights = times[clusters[anomalies]]
            found = np.cumsum(weights)[found_until]
            total = weights.sum()
            return float(weights @ (found / np.maximum(seen, 1)) / total) if total else np.nan

        once = np.ones(self.draws.count, dtype=int)
        return np.array([one(times) for times in (once, *self.draws.times)])

    def _delays(self, *, in_minutes: bool) -> np.ndarray:
        """Return at the first reading of each episode how long it took to alert; else nothing."""
        times, off = self._times(), self.truth == 1
        begins = np.flatnonzero(first_of_each(times, off))
        alerts = np.flatnonzero(self.answers >= ALERT)
        anomalies = np.flatnonzero(off)
        ends = anomalies[np.searchsorted(anomalies, [*begins[1:], len(off)]) - 1]
        found = np.append(alerts, len(off))[np.searchsorted(alerts, begins)]
        in_time = found <= ends
        until = np.where(in_time, found, ends)
        delays = np.zeros(len(off))
        if in_minutes:
            waited = times[until] - times[begins] + np.where(in_time, 0, 1) * COOL_DOWN
            delays[begins] = waited / _MINUTE
        else:
            quiet = np.searchsorted(times, times[ends] + COOL_DOWN) - ends
            delays[begins] = until - begins + np.where(in_time, 0, quiet)
        return delays

    def _false_calls(self, rows: np.ndarray) -> np.ndarray:
        """Return the calls outside of all episodes, by the days over which they were counted."""
        times = self._times()
        calls = first_of_each(times, self.answers >= ALERT)
        # A call belongs to the episode that is going on, until the next anomaly would be too far.
        anomalies = np.flatnonzero(self.truth == 1)
        last = np.searchsorted(anomalies, np.arange(len(times)), side="right") - 1
        since = times - times[anomalies[np.maximum(last, 0)]]
        within = (last >= 0) & (since < COOL_DOWN)
        lengths = np.diff(times, append=times[-1]) / _DAY
        everything = np.ones(len(times), dtype=bool)
        false = self.draws.sums((calls & ~within).astype(float), rows)
        with np.errstate(invalid="ignore", divide="ignore"):
            return false / self.draws.sums(lengths, everything)
