"""Robustness: inputs as they may arrive, off by a little or broken, and what is answered to them.

``perturbation_change``: how far the answers move when each number is off by ``robustness.noise``
of policies/evaluation.yaml, up or down by chance; as a share of the answers.
``unanswered_inputs``: how many broken rows get a usable answer neither from the model nor from the
fallback of policies/release.yaml. A row is broken by one feature that is missing, or out of its
range.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from .errors import RefusedError
from .predictor import Predictor

# Rows that are broken, spread evenly over the test; each once for each way to break a feature.
ROWS = 100

# Which answers cannot be right, whatever the truth is.
Impossible = Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True, slots=True)
class Promise:
    """What is promised around a model: its feature view, and the rule that steps in for it."""

    view: dict[str, Any]
    fallback: str


def off(rows: pd.DataFrame, promise: Promise, noise: float, seed: int) -> pd.DataFrame:
    """Return the rows with each number moved by a share of itself, within its range.

    A whole number stays one: a few hours stay what they are, thousands of units do not.
    """
    random = np.random.default_rng(seed)
    changed = {}
    for feature, low, high in _numbers(rows, promise):
        values = rows[feature].to_numpy(dtype=float)
        values = np.clip(values * (1 + noise * random.choice((-1, 1), len(rows))), low, high)
        whole = pd.api.types.is_integer_dtype(rows[feature])
        changed[feature] = np.rint(values).astype(int) if whole else values
    moved = rows.assign(**changed)
    if all((moved[feature] == rows[feature]).all() for feature in changed):
        raise RefusedError(
            f"no feature moves when it is off by {noise:g}, so nothing is measured: raise "
            "robustness.noise in policies/evaluation.yaml"
        )
    return moved


def broken(rows: pd.DataFrame, promise: Promise) -> Iterator[pd.DataFrame]:
    """Yield some of the rows, each time with another feature missing or out of its range."""
    some = rows.iloc[np.unique(np.linspace(0, len(rows) - 1, ROWS).astype(int))]
    numbers = {name: (low, high) for name, low, high in _numbers(rows, promise)}
    for feature in promise.view["features"]:
        name = feature["name"]
        if name not in numbers:
            yield some.assign(**{name: None})
            continue
        yield some.assign(**{name: np.nan})
        low, high = numbers[name]
        seen = rows[name].abs().max() + 1
        span = high - low if np.isfinite([low, high]).all() else seen
        if np.isfinite(low):
            yield some.assign(**{name: low - span})
        if np.isfinite(high):
            yield some.assign(**{name: high + span})


def unanswered(
    rows: pd.DataFrame,
    promise: Promise,
    model: Predictor,
    fallback: Predictor,
    impossible: Impossible,
) -> np.ndarray:
    """Return for each broken row whether neither model nor fallback gives a usable answer."""
    answered = (
        impossible(fail_safe(some, model, fallback, impossible)[0])
        for some in broken(rows, promise)
    )
    return np.concatenate([*answered])


def fail_safe(
    rows: pd.DataFrame, model: Predictor, fallback: Predictor, impossible: Impossible
) -> tuple[np.ndarray, np.ndarray]:
    """Return the answers, and which of them the fallback gave because the model had none."""
    answers = _answers(model, rows)
    left = impossible(answers)
    if left.any():
        answers[left] = _answers(fallback, rows[left])
    return answers, left


def _answers(predictor: Predictor, rows: pd.DataFrame) -> np.ndarray:
    """Return the answers; a predictor that breaks down over a batch answers none of it."""
    try:
        return np.array(predictor.predict(rows), dtype=float)
    except Exception:  # whatever it is, there is no answer
        return np.full(len(rows), np.nan)


def _numbers(rows: pd.DataFrame, promise: Promise) -> Iterator[tuple[str, float, float]]:
    """Yield each feature that is a number, with the ends of its range."""
    for feature in promise.view["features"]:
        if pd.api.types.is_numeric_dtype(rows[feature["name"]]):
            low, high = feature.get("range") or (None, None)
            yield (
                feature["name"],
                -np.inf if low is None else float(low),
                np.inf if high is None else float(high),
            )
