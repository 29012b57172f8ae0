"""Train: a candidate learns from the days up to ``train_until``, the same way on every run."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pandas as pd
from threadpoolctl import threadpool_limits

from . import models, naive
from .errors import RefusedError
from .features import TARGET, TIME

CHOICES = (*models.CANDIDATES,)
DEFAULT = models.DEFAULT


@contextmanager
def repeatable() -> Iterator[None]:
    """Compute on one thread: sums are added in one order, and small models gain nothing by more."""
    with threadpool_limits(limits=1):
        yield


def split(frame: pd.DataFrame, data: dict[str, Any]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the rows to learn from and the rows to judge on, which come later."""
    day = frame[TIME].dt.strftime("%Y-%m-%d")
    training = frame[day <= data["train_until"]]
    test = frame[(day >= data["test_from"]) & (day <= data["test_until"])]
    if training.empty or test.empty or data["test_from"] <= data["train_until"]:
        raise RefusedError(
            f"policies/evaluation.yaml leaves nothing to judge on: training until "
            f"{data['train_until']}, test from {data['test_from']} to {data['test_until']}"
        )
    return training.reset_index(drop=True), test.reset_index(drop=True)


def train(candidate: str, training: pd.DataFrame, seed: int) -> models.Forecaster:
    """Return a candidate that learned from these rows; a rule has nothing to learn."""
    if naive.is_rule(candidate):
        return naive.NaiveForecaster(candidate)
    with repeatable():
        return models.untrained(candidate, seed).fit(training, training[TARGET])
