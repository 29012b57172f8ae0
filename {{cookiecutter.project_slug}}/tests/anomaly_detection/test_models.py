"""Candidates are different, learn without labels, and stay as they were frozen."""

from __future__ import annotations

import pickle

import numpy as np
import pandas as pd
import pytest

from {{ cookiecutter.package_name }} import train
from {{ cookiecutter.package_name }}.anomaly_detection import models
from {{ cookiecutter.package_name }}.anomaly_detection import rules
from {{ cookiecutter.package_name }}.anomaly_detection.features import NAMES
from {{ cookiecutter.package_name }}.anomaly_detection.features import TARGET
from {{ cookiecutter.package_name }}.errors import RefusedError


@pytest.fixture(scope="module", params=sorted(models.CANDIDATES))
def candidate(request) -> str:
    return request.param


@pytest.fixture(scope="module")
def model(data, candidate) -> models.FrozenDetector:
    return train.train(candidate, data.training, seed=1)


def test_a_candidate_finds_what_single_channels_do_not_show(data, model) -> None:
    rows = data.test[data.test["f1"] <= rules.CHANNEL_1]
    anomalies = rows[rows[TARGET] == 1]
    found = (model.predict(anomalies) >= rules.ALERT).mean()
    limits = (rules.Rule("static_threshold").predict(anomalies) >= rules.ALERT).mean()
    assert found > 2 * limits


def test_the_threshold_lets_through_what_it_was_calibrated_for(data, model) -> None:
    labelled = data.training.tail(models.LABELLED)
    normal = labelled[labelled[TARGET] == 0]
    called = (model.predict(normal) >= rules.ALERT).mean()
    assert 0 < called <= models.FALSE_ALERTS


def test_the_same_seed_makes_the_same_bytes(data, candidate) -> None:
    one, two = (
        pickle.dumps(train.train(candidate, data.training, seed=5), protocol=5) for _ in range(2)
    )
    assert one == two


def test_a_score_depends_on_its_own_reading_only(data, model) -> None:
    """Nothing is learned while serving: order, company and repetition change nothing."""
    rows = data.test.head(300)
    scores = model.predict(rows)
    shuffled = rows.sample(frac=1, random_state=1)
    np.testing.assert_array_equal(model.predict(shuffled), scores[shuffled.index])
    np.testing.assert_array_equal(model.predict(rows.tail(1)), scores[-1:])


def test_labels_move_the_threshold_and_nothing_else(data, candidate) -> None:
    """With the rarest readings relabelled as normal, the same scores need a higher threshold."""
    relabelled = data.training.assign(**{TARGET: 0})
    one, two = (train.train(candidate, each, seed=1) for each in (data.training, relabelled))
    assert two.threshold_ > one.threshold_
    assert pickle.dumps(two.detector_) == pickle.dumps(one.detector_)


def test_a_missing_channel_is_not_guessed(data, model) -> None:
    rows = data.test.head(5).assign(f4=[1.0, np.nan, np.inf, 1.0, 1.0])
    assert np.isnan(model.predict(rows)).tolist() == [False, True, True, False, False]


@pytest.mark.parametrize(
    "spoil",
    [
        pytest.param(lambda rows: rows.assign(**{TARGET: np.nan}), id="no labels"),
        pytest.param(lambda rows: rows.assign(**{TARGET: 1}), id="nothing normal"),
        pytest.param(lambda rows: rows.tail(models.LABELLED - 1), id="too few"),
    ],
)
def test_without_labelled_readings_there_is_no_threshold(data, candidate, spoil) -> None:
    with pytest.raises(RefusedError, match="too few for a threshold"):
        train.train(candidate, spoil(data.training), seed=1)


def test_candidates_are_genuinely_different(data) -> None:
    one, two = (train.train(name, data.training, seed=1) for name in models.CANDIDATES)
    calls = [each.predict(data.test) >= rules.ALERT for each in (one, two)]
    assert (calls[0] != calls[1]).sum() > 20


def test_the_limits_of_the_rule_are_those_of_the_training_days(data) -> None:
    for name, (mean, deviation) in rules.USUAL.items():
        assert mean == pytest.approx(data.training[name].mean(), abs=0.01)
        assert deviation == pytest.approx(data.training[name].std(), abs=0.01)


def test_a_silent_installation_calls_somebody() -> None:
    silent = pd.DataFrame({name: [np.nan] for name in NAMES})
    for rule in ("static_threshold", "channel_1_limit"):
        assert rules.Rule(rule).predict(silent)[0] >= rules.ALERT


def test_rules() -> None:
    assert rules.is_rule("static_threshold")
    assert not rules.is_rule("half_space_trees")
    with pytest.raises(RefusedError, match="there is no rule"):
        rules.Rule("coin")
