"""Explain: which inputs made an answer what it is, and how far that can be trusted.

An explanation of an answer is a sum: what the model starts from, and what each input adds. A model
that is such a sum says so itself (a method ``explain``). For any other, the term of an input is
what the answer loses when that input is replaced by its median of the training (occlusion).

The score says whether such sums may be shown to somebody who has to stand for a decision:

    explainability_score = (1 - additivity error) * stability

additivity error  how far the sums are from the answers, as a share of how far the answers are from
                  what the model starts from: 0 for a sum, near 1 where inputs act only together
stability         how much of the terms stays when the model is trained with another seed: one less
                  the sum of |term - other term| over the sum of |term| + |other term|, over inputs
                  and answers; 1 if each answer keeps its reasons, near 0.3 if they are those of
                  another answer, 0 if all change sides

Whoever reads reasons reads those of one answer, so these are compared, not which inputs matter on
the whole: a model that is fitted to chance names the same inputs again, and other reasons for each
answer. And sizes are compared, not ranks: that two inputs of equal weight change places means
nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
import pandas as pd

from .predictor import Predictor
from .statistics import Draws, Estimate

_SHOWN = 3


@dataclass(frozen=True, slots=True)
class Explanation:
    """Sums that explain answers: one row for each answer, in the unit of the answer."""

    base: np.ndarray
    terms: pd.DataFrame

    @property
    def sums(self) -> np.ndarray:
        """Return what the explanation says that the answers are."""
        return self.base + self.terms.to_numpy().sum(axis=1)


@runtime_checkable
class Explained(Protocol):
    """A model whose answers are sums, and that says of what."""

    def explain(self, features: pd.DataFrame) -> Explanation:
        """Return the exact terms of each answer."""


def explanation(
    model: Predictor, rows: pd.DataFrame, names: tuple[str, ...], usual: pd.Series
) -> Explanation:
    """Return the terms of each answer: the model's own, or those of occlusion."""
    if isinstance(model, Explained):
        return model.explain(rows)
    return occlusion(model, rows, names, usual)


def occlusion(
    model: Predictor, rows: pd.DataFrame, names: tuple[str, ...], usual: pd.Series
) -> Explanation:
    """Return as the term of each input what the answers lose when it is replaced by the usual."""
    unknown = {name: np.full(len(rows), usual[name], dtype=rows[name].dtype) for name in names}

    def without(*names: str) -> np.ndarray:
        changed = rows.assign(**{name: unknown[name] for name in names})
        return np.asarray(model.predict(changed), dtype=float)

    answers = without()
    with np.errstate(invalid="ignore"):  # answers that are no numbers have no terms either
        terms = pd.DataFrame({name: answers - without(name) for name in names})
    return Explanation(base=without(*names), terms=terms)


def usual(training: pd.DataFrame, names: tuple[str, ...]) -> pd.Series:
    """Return the median of each input, of its own type."""
    return pd.Series({name: training[name].median() for name in names})


def score(
    answers: np.ndarray, first: Explanation, second: Explanation, draws: Draws, rows: np.ndarray
) -> Estimate:
    """Return the score of a model; ``second`` explains the same rows with another seed."""
    with np.errstate(invalid="ignore", divide="ignore"):
        apart = draws.mean(np.abs(answers - first.sums), rows)
        reach = draws.mean(np.abs(answers - first.base), rows)
        error = np.where(reach > 0, np.minimum(apart / reach, 1.0), 1.0)
    return draws.estimate((1 - error) * _stability(first, second, draws, rows), int(rows.sum()))


def _stability(
    first: Explanation, second: Explanation, draws: Draws, rows: np.ndarray
) -> np.ndarray:
    """Return how much of the terms both have in common, over all rows and in each resample."""
    one, other = first.terms.to_numpy(), second.terms[[*first.terms]].to_numpy()
    apart = draws.mean(np.abs(one - other).sum(axis=1), rows)
    sizes = draws.mean((np.abs(one) + np.abs(other)).sum(axis=1), rows)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(sizes > 0, 1 - apart / sizes, 0.0)


def page(title: str, said: Explanation, inputs: pd.DataFrame) -> str:
    """Return the explanation of one answer (the first row) as a page for whoever stands for it."""
    terms = said.terms.iloc[0].sort_values(key=lambda each: -each.abs(), kind="stable")
    values = inputs.iloc[0]
    rows = [f"| {name} | {values[name]:.4g} | {term:+.1f} |" for name, term in terms.items()]
    return "\n".join([
        f"# {title}",
        "",
        f"| input | its value | adds |\n|---|---|---|\n| usually | | {said.base[0]:.1f} |",
        *rows,
        f"| **together** | | **{said.sums[0]:.1f}** |",
        "",
    ])  # fmt: skip


def reasons(said: Explanation) -> list[str]:
    """Return for each answer its largest terms, for people: ``mean_4 +12, price_change -3``."""
    values, names = said.terms.to_numpy(), list(said.terms)
    largest = np.argsort(-np.abs(values), axis=1, kind="stable")[:, :_SHOWN]
    return [
        f"{start:.0f} usually, "
        + ", ".join(f"{names[place]} {row[place]:+.0f}" for place in places)
        for start, row, places in zip(said.base, values, largest, strict=True)
    ]
