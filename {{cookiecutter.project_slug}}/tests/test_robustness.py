"""Inputs that are off: each way is tried, and what nobody answers is counted."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from oracles import Truth

from {{ cookiecutter.package_name }} import robustness
from {{ cookiecutter.package_name }}.errors import RefusedError
from {{ cookiecutter.package_name }}.evaluate import Data
from {{ cookiecutter.package_name }}.robustness import Promise
from {{ cookiecutter.package_name }}.use_case import evaluation

VIEW = {
    "features": [
        {"name": "load", "range": [0, None]},
        {"name": "hour", "range": [0, 23]},
        {"name": "place"},
    ]
}
PROMISE = Promise(VIEW, "last_value")
ROWS = pd.DataFrame(
    {
        "load": np.linspace(100.0, 2000.0, 240),
        "hour": np.tile(np.arange(24), 10),
        "place": ["north", "south"] * 120,
    }
)


class Load:
    """A predictor that answers with a feature, and has nothing to say where it is missing."""

    def predict(self, rows: pd.DataFrame) -> np.ndarray:
        return rows["load"].to_numpy(dtype=float)


class Ten:
    """A predictor that always has an answer."""

    def predict(self, rows: pd.DataFrame) -> np.ndarray:
        return np.full(len(rows), 10.0)


class Brittle:
    """A predictor that breaks down on the first row that is missing something."""

    def predict(self, rows: pd.DataFrame) -> np.ndarray:
        if rows.isna().any(axis=None):
            raise ValueError("Input contains NaN.")
        return np.full(len(rows), 1.0)


def impossible(answers: np.ndarray) -> np.ndarray:
    return ~(answers >= 0)


def test_each_number_is_off_by_its_share_up_or_down() -> None:
    moved = robustness.off(ROWS, PROMISE, 0.01, seed=1)
    shares = moved["load"] / ROWS["load"] - 1
    np.testing.assert_allclose(np.abs(shares), 0.01)
    assert 80 < (shares > 0).sum() < 160
    assert moved["hour"].dtype == ROWS["hour"].dtype
    assert moved["hour"].between(0, 23).all()
    assert (moved["place"] == ROWS["place"]).all()
    pd.testing.assert_frame_equal(moved, robustness.off(ROWS, PROMISE, 0.01, seed=1))


def test_a_number_that_is_off_stays_within_its_range() -> None:
    assert robustness.off(ROWS, PROMISE, 0.5, seed=1)["hour"].between(0, 23).all()


def test_noise_that_moves_nothing_measures_nothing() -> None:
    hours = Promise({"features": VIEW["features"][1:]}, "last_value")
    with pytest.raises(RefusedError, match="no feature moves"):
        robustness.off(ROWS, hours, 0.01, seed=1)


def test_each_way_to_break_a_row_is_tried_by_itself() -> None:
    tried = []
    for some in robustness.broken(ROWS, PROMISE):
        original = ROWS.loc[some.index]
        (name,) = (name for name in ROWS if not some[name].equals(original[name]))
        value = some[name].iloc[0]
        tried.append((name, "missing" if pd.isna(value) else "low" if value < 0 else "high"))
        assert len(some) == robustness.ROWS
    assert tried == [
        ("load", "missing"),
        ("load", "low"),
        ("hour", "missing"),
        ("hour", "low"),
        ("hour", "high"),
        ("place", "missing"),
    ]


@pytest.mark.parametrize(
    ("model", "fallback", "left"),
    [
        (Load(), Ten(), 0),
        (Load(), Load(), 2 * robustness.ROWS),  # missing, and below what can be
        (Brittle(), Ten(), 0),
        (Brittle(), Brittle(), 3 * robustness.ROWS),
        (Brittle(), Load(), robustness.ROWS),
    ],
)
def test_what_neither_model_nor_fallback_answers_is_counted(model, fallback, left) -> None:
    found = robustness.unanswered(ROWS, PROMISE, model, fallback, impossible)
    assert (int(found.sum()), len(found)) == (left, 6 * robustness.ROWS)


def test_the_fallback_answers_only_where_the_model_cannot() -> None:
    rows = ROWS.head(3).assign(load=[5.0, np.nan, 7.0])
    answers, stepped_in = robustness.fail_safe(rows, Load(), Ten(), impossible)
    assert answers.tolist() == [5.0, 10.0, 7.0]
    assert stepped_in.tolist() == [False, True, False]


def test_an_evaluation_measures_what_its_gates_ask(data: Data, found) -> None:
    """The truth does not move with its inputs, and nothing keeps it from answering."""
    asked = [
        {"metric": name, "slice": None, "compare_with": None}
        for name in ("perturbation_change", "unanswered_inputs")
    ]
    policy = found.evaluation | {"gates": asked, "robustness": {"noise": 0.01}}
    measured = evaluation.Evaluation(data, Truth(), None, policy).measurements()
    assert [each["value"] for each in measured[:2]] == [0, 0]
    assert measured[0]["n"] == len(data.test)
    assert measured[1]["n"] > robustness.ROWS
