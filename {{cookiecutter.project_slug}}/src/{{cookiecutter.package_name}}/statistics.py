"""Statistics: how sure a number is, by drawing parts of the test again and again.

Rows of one cluster (the hours of a day, say) depend on each other, so whole clusters are drawn. All
parties are judged on the same draws (the bootstrap is paired): a cluster that is hard for one is
hard for the others too, and what is left is the difference between them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, slots=True)
class Estimate:
    """A value with the interval that holds it, and the number of rows behind it."""

    value: float
    low: float
    high: float
    n: int

    @property
    def is_finite(self) -> bool:
        """Tell whether value and interval are numbers at all."""
        return bool(np.isfinite([self.value, self.low, self.high]).all())


class Draws:
    """The clusters of the test, and how often each was drawn in each resample."""

    def __init__(self, clusters: np.ndarray, *, seed: int, resamples: int, confidence: float):
        names, self.cluster = np.unique(clusters, return_inverse=True)
        self.count = len(names)
        shares = np.full(self.count, 1 / self.count)
        self.times = np.random.default_rng(seed).multinomial(self.count, shares, size=resamples)
        tail = (1 - confidence) / 2
        self.quantiles = (tail, 1 - tail)

    def sums(self, values: np.ndarray, rows: np.ndarray) -> np.ndarray:
        """Return the sum of the chosen rows: over all clusters first, then in each resample."""
        per_cluster = np.bincount(self.cluster[rows], values[rows], minlength=self.count)
        return np.concatenate([[per_cluster.sum()], self.times @ per_cluster])

    def mean(self, values: np.ndarray, rows: np.ndarray) -> np.ndarray:
        """Return the mean of the chosen rows, over all clusters and in each resample."""
        with np.errstate(invalid="ignore", divide="ignore"):
            return self.sums(values, rows) / self.sums(np.ones_like(values), rows)

    def auc(self, scores: np.ndarray, positive: np.ndarray, rows: np.ndarray) -> np.ndarray:
        """Return the area under the ROC curve of the chosen rows; a tie counts half."""
        order = np.argsort(scores[rows], kind="stable")
        sorted_scores = scores[rows][order]
        begins = np.flatnonzero(np.r_[True, np.diff(sorted_scores) != 0])
        clusters, hit = self.cluster[rows][order], positive[rows][order]
        found = np.empty(len(self.times) + 1)
        for draw in range(len(found)):
            weight = (self.times[draw - 1] if draw else np.ones(self.count))[clusters]
            positives = np.add.reduceat(weight * hit, begins)
            negatives = np.add.reduceat(weight * ~hit, begins)
            below = np.cumsum(negatives) - negatives / 2
            with np.errstate(invalid="ignore", divide="ignore"):
                found[draw] = positives @ below / (positives.sum() * negatives.sum())
        return found

    def estimate(self, values: np.ndarray, n: int) -> Estimate:
        """Return the estimate that a value and its resamples make."""
        with np.errstate(invalid="ignore"):
            low, high = np.quantile(values[1:], self.quantiles)
        return Estimate(rounded(values[0]), rounded(low), rounded(high), n)


def rounded(value: float) -> float:
    """Return nine significant digits: more would be noise of the machine."""
    return float(f"{value:.9g}")
