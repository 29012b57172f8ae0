"""Candidates are different, learn, and do so the same way every time."""

from __future__ import annotations

import pickle

import numpy as np
import pytest

from {{ cookiecutter.package_name }} import train
from {{ cookiecutter.package_name }}.demand_forecasting import models
from {{ cookiecutter.package_name }}.demand_forecasting import rules
from {{ cookiecutter.package_name }}.demand_forecasting.features import NAMES
from {{ cookiecutter.package_name }}.demand_forecasting.features import TARGET
from {{ cookiecutter.package_name }}.errors import RefusedError

DEMANDS = [name for name in NAMES if name.startswith(("lag", "mean"))]


@pytest.fixture(scope="module", params=sorted(models.CANDIDATES))
def candidate(request) -> str:
    return request.param


def test_a_candidate_learns_more_than_a_rule(data, candidate) -> None:
    recent = data.training.tail(24 * 400)  # with one Christmas
    model = train.train(candidate, recent, seed=1)
    rule = rules.Rule("yesterday_same_hour")
    demand = data.test[TARGET]
    error = np.abs(model.predict(data.test) - demand).mean()
    assert error < np.abs(rule.predict(data.test) - demand).mean()


def test_the_same_seed_makes_the_same_bytes(data, candidate) -> None:
    recent = data.training.tail(24 * 30)
    one, two = (pickle.dumps(train.train(candidate, recent, seed=5), protocol=5) for _ in range(2))
    assert one == two


def test_a_model_follows_the_level(data, candidate) -> None:
    """Ten times the demand gives ten times the forecast, far beyond what training saw."""
    model = train.train(candidate, data.training.tail(24 * 30), seed=1)
    rows = data.test.head(48)
    tenfold = rows.assign(**{name: rows[name] * 10 for name in DEMANDS})
    assert model.predict(tenfold) == pytest.approx(model.predict(rows) * 10)


def test_candidates_are_genuinely_different(data) -> None:
    recent, rows = data.training.tail(24 * 60), data.test.head(500)
    answers = [train.train(name, recent, seed=1).predict(rows) for name in models.CANDIDATES]
    for index, one in enumerate(answers):
        for other in answers[index + 1 :]:
            assert np.abs(one / other - 1).mean() > 0.005


def test_rules() -> None:
    assert rules.is_rule("last_week_same_hour")
    assert not rules.is_rule("gradient_boosting")
    with pytest.raises(RefusedError, match="there is no rule"):
        rules.Rule("coin")
