"""The explainability score: full for a sum, low where inputs act together or chance decides."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from {{ cookiecutter.package_name }} import explain
from {{ cookiecutter.package_name }}.statistics import Draws

NAMES = ("a", "b", "c", "d", "e", "f", "g")
WEIGHTS = np.array([7.0, 6.0, 5.0, 4.0, 3.0, 0.2, 0.1])
ROWS = pd.DataFrame(np.random.default_rng(1).normal(size=(400, 7)), columns=list(NAMES))
ALL = np.ones(len(ROWS), dtype=bool)
DRAWS = Draws(np.arange(len(ROWS)) % 40, seed=1, resamples=200, confidence=0.95)


class Sum:
    """Adds its inputs up."""

    def __init__(self, weights: np.ndarray = WEIGHTS) -> None:
        self.weights = weights

    def predict(self, rows: pd.DataFrame) -> np.ndarray:
        return rows[[*NAMES]].to_numpy() @ self.weights + 3


class Product(Sum):
    """Lets its inputs act only together."""

    def predict(self, rows: pd.DataFrame) -> np.ndarray:
        return rows["a"].to_numpy() * rows["b"].to_numpy() * rows["c"].to_numpy()


class SaysSo(Sum):
    """Explains itself, and is not asked for anything else."""

    def explain(self, rows: pd.DataFrame) -> explain.Explanation:
        return explain.Explanation(np.full(len(rows), 3.0), rows[[*NAMES]] * self.weights)


def score(model, twin, rows=ROWS):
    usual = explain.usual(rows, NAMES)
    first, second = (explain.explanation(each, rows, NAMES, usual) for each in (model, twin))
    return explain.score(model.predict(rows), first, second, DRAWS, ALL)


@pytest.mark.parametrize("model", [Sum(), SaysSo()])
def test_a_sum_is_explained_whole(model) -> None:
    found = score(model, model)
    assert (found.value, found.low, found.high) == (1.0, 1.0, 1.0)


def test_what_acts_only_together_is_explained_by_nothing() -> None:
    assert score(Product(), Product()).value < 0.2


def test_an_input_that_another_seed_drops_costs_its_share() -> None:
    other = Sum(WEIGHTS * [1, 1, 1, 1, 0, 1, 1])
    both = 2 * WEIGHTS.sum() - 3.0
    assert score(Sum(), other).value == pytest.approx(1 - 3.0 / both, abs=0.01)


def test_two_inputs_of_nearly_one_size_may_change_places() -> None:
    """Which one is the larger is chance, in the model and in each resample."""
    one = Sum(np.array([7, 6, 5, 4, 3, 2.99, 0.1]))
    other = Sum(np.array([7, 6, 5, 4, 2.99, 3, 0.1]))
    found = score(one, other)
    assert found.low > 0.99


def test_the_same_answers_for_other_reasons_are_unstable() -> None:
    """Two inputs say the same, and chance decides on which of them a model rests."""
    rows = ROWS.assign(b=ROWS["a"])
    one, other = Sum(np.array([13.0, 0, 5, 0, 0, 0, 0])), Sum(np.array([0, 13.0, 5, 0, 0, 0, 0]))
    np.testing.assert_allclose(one.predict(rows), other.predict(rows))
    assert score(one, other, rows).high < 0.5


def test_reasons_of_other_answers_are_unstable() -> None:
    """The same inputs matter on the whole, and each answer has the reasons of another one."""

    class Mixed(SaysSo):
        def explain(self, rows: pd.DataFrame) -> explain.Explanation:
            said = super().explain(rows)
            mixed = said.terms.sample(frac=1, random_state=1).reset_index(drop=True)
            return explain.Explanation(said.base, mixed)

    assert 0.2 < score(SaysSo(), Mixed()).value < 0.4


def test_reasons_that_change_sides_have_nothing_in_common() -> None:
    assert score(Sum(), Sum(-WEIGHTS)).value == 0


def test_reasons_that_do_not_add_up_to_the_answer_score_less() -> None:
    class Flatters(SaysSo):
        def explain(self, rows: pd.DataFrame) -> explain.Explanation:
            said = super().explain(rows)
            return explain.Explanation(said.base, said.terms.assign(a=0.0))

    assert score(Flatters(), Flatters()).value < 0.7


def test_a_model_that_uses_nothing_explains_nothing() -> None:
    constant = Sum(WEIGHTS * 0)
    assert score(constant, constant).value == 0


def test_occlusion_says_what_each_input_adds() -> None:
    said = explain.explanation(Sum(), ROWS, NAMES, explain.usual(ROWS, NAMES))
    expected = (ROWS["a"] - ROWS["a"].median()) * WEIGHTS[0]
    np.testing.assert_allclose(said.terms["a"], expected)
    np.testing.assert_allclose(said.sums, Sum().predict(ROWS))


def test_reasons_are_the_largest_terms() -> None:
    said = explain.Explanation(
        np.array([100.0]), pd.DataFrame({"a": [1.0], "b": [-20.0], "c": [5.0], "d": [-2.0]})
    )
    assert explain.reasons(said) == ["100 usually, b -20, c +5, d -2"]
