"""Gates mean something: what is good passes, and what is not worth a model does not."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from ai_program import digests
from ai_program import verdict
from oracles import Truth

from {{ cookiecutter.package_name }} import golden
from {{ cookiecutter.package_name }} import train
from {{ cookiecutter.package_name }}.demand_forecasting import evaluation
from {{ cookiecutter.package_name }}.demand_forecasting.features import TARGET
from {{ cookiecutter.package_name }}.demand_forecasting.features import TIME
from {{ cookiecutter.package_name }}.demand_forecasting.rules import Rule
from {{ cookiecutter.package_name }}.errors import RefusedError
from {{ cookiecutter.package_name }}.predictor import Predictor


def measured(data, found, model, champion=None) -> list[dict]:
    return evaluation.Evaluation(data, model, champion, found.evaluation).measurements()


def judged(data, found, model, champion=None) -> verdict.Judgement:
    return verdict.judge(
        found.evaluation["gates"],
        measured(data, found, model, champion),
        champion=champion is not None,
    )


def failed(judgement: verdict.Judgement) -> set[str]:
    good = ("pass", "not_applicable")
    return {each["gate"] for each in judgement.outcomes if each["outcome"] not in good}


@pytest.fixture(scope="module")
def trained(data, found) -> Predictor:
    return train.train(train.DEFAULT, data.training, found.seed)


def test_the_default_candidate_passes(data, found, trained) -> None:
    assert judged(data, found, trained).verdict == "pass"


@pytest.mark.parametrize("rule", ["yesterday_same_hour", "last_week_same_hour"])
def test_no_naive_forecast_passes(data, found, rule) -> None:
    judgement = judged(data, found, Rule(rule))
    assert judgement.verdict == "fail"
    assert "GATE-improvement" in failed(judgement)


def test_a_model_that_learned_nothing_does_not_pass(data, found, trained) -> None:
    class Mean:
        def predict(self, rows: pd.DataFrame) -> np.ndarray:
            return np.full(len(rows), data.training[TARGET].mean())

    assert judged(data, found, Mean()).verdict == "fail"


def test_a_worse_model_does_not_replace_a_better_one(data, found, trained) -> None:
    assert "GATE-champion" in failed(judged(data, found, trained, champion=Truth(1.001)))
    assert "GATE-champion" not in failed(judged(data, found, trained, champion=trained))


@pytest.mark.parametrize(
    ("value", "broken"), [(-1.0, True), (np.nan, True), (np.inf, True), (1e6, True), (0.0, False)]
)
def test_one_impossible_forecast_breaks_the_invariants(data, found, value, broken) -> None:
    class Once(Truth):
        def predict(self, rows: pd.DataFrame) -> np.ndarray:
            forecast = super().predict(rows).copy()
            forecast[100] = value
            return forecast

    judgement = judged(data, found, Once())
    assert ("GATE-invariants" in failed(judgement)) == broken
    digests.of_value(measured(data, found, Once()))  # it can be written down all the same


def test_one_golden_hour_missed_is_one_too_many(data, found) -> None:
    (hour,) = golden.names(data.test, found.keys)[data.golden.positions[0]]

    class Once(Truth):
        def predict(self, rows: pd.DataFrame) -> np.ndarray:
            times = rows[TIME].dt.strftime("%Y-%m-%dT%H:%M")
            return np.where(times == hour, 1.3, 1.0) * super().predict(rows)

    assert failed(judged(data, found, Once())) == {"GATE-golden"}


def test_a_slice_is_measured_on_its_rows_only(data, found) -> None:
    class BadPeak(Truth):
        def predict(self, rows: pd.DataFrame) -> np.ndarray:
            return super().predict(rows) * np.where(rows["hour"].between(17, 21), 1.1, 1.0)

    values = {
        (each["metric"], each["slice"], each["compare_with"]): each
        for each in measured(data, found, BadPeak())
    }
    peak, night = values["mape", "peak", None], values["mape", "night", None]
    assert peak["value"] == pytest.approx(0.1)
    assert peak["n"] == 90 * 5
    assert night["value"] == 0


def test_training_and_test_never_overlap(data, found) -> None:
    assert data.training[TIME].max() < data.test[TIME].min()
    frame = pd.concat([data.training, data.test])
    with pytest.raises(RefusedError, match="nothing to judge on"):
        evaluation.split(frame, found.evaluation["data"] | {"test_from": "2014-10-01"})
