"""Gates mean something: what is good passes, and what is not worth a model does not."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from ai_program import digests
from ai_program import verdict
from sklearn.metrics import average_precision_score

from {{ cookiecutter.package_name }} import evaluate
from {{ cookiecutter.package_name }} import golden
from {{ cookiecutter.package_name }} import train
from {{ cookiecutter.package_name }}.anomaly_detection import evaluation
from {{ cookiecutter.package_name }}.anomaly_detection import rules
from {{ cookiecutter.package_name }}.anomaly_detection.features import TARGET
from {{ cookiecutter.package_name }}.anomaly_detection.features import TIME
from {{ cookiecutter.package_name }}.predictor import Predictor


class Label:
    """A predictor that knows the label, but for what it is told to get wrong."""

    def __init__(self, wrong=None) -> None:
        self.wrong = wrong

    def predict(self, rows: pd.DataFrame) -> np.ndarray:
        scores = rows[TARGET].to_numpy(dtype=float)
        if self.wrong is None:
            return scores
        return np.where(self.wrong(rows), 1 - scores, scores)


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
def trained(data, found) -> dict[str, Predictor]:
    return {name: train.train(name, data.training, found.seed) for name in train.CHOICES}


def test_the_default_candidate_passes(data, found, trained) -> None:
    assert judged(data, found, trained[train.DEFAULT]).verdict == "pass"


@pytest.mark.parametrize("rule", ["static_threshold", "channel_1_limit"])
def test_no_limit_on_single_channels_passes(data, found, rule) -> None:
    judgement = judged(data, found, rules.Rule(rule))
    assert judgement.verdict == "fail"
    assert "GATE-ranking-hidden" in failed(judgement)


@pytest.mark.parametrize("score", [0.0, 1.0])
def test_calling_always_or_never_does_not_pass(data, found, score) -> None:
    class Always:
        def predict(self, rows: pd.DataFrame) -> np.ndarray:
            return np.full(len(rows), score)

    assert {"GATE-ranking", "GATE-golden"} <= failed(judged(data, found, Always()))


def test_a_worse_model_does_not_replace_a_better_one(data, found, trained) -> None:
    better, worse = trained["half_space_trees"], trained["isolation_forest"]
    assert "GATE-champion" in failed(judged(data, found, worse, champion=better))
    assert "GATE-champion" not in failed(judged(data, found, better, champion=worse))


def test_a_model_that_calls_for_nothing_is_stopped(data, found) -> None:
    often = Label(lambda rows: (rows[TARGET] == 0) & (rows.index % 90 == 0))
    assert {"GATE-false-positives", "GATE-false-calls"} <= failed(judged(data, found, often))


def test_a_model_that_calls_late_is_stopped(data, found) -> None:
    """It misses the first reading of every episode, and no other."""

    def first(rows: pd.DataFrame) -> np.ndarray:
        return evaluation.first_of_each(rows[TIME].to_numpy(), rows[TARGET].to_numpy() == 1)

    assert "GATE-time-to-detect" in failed(judged(data, found, Label(first)))


@pytest.mark.parametrize(
    ("value", "broken"), [(-0.1, True), (np.nan, True), (1.1, True), (0.0, False)]
)
def test_one_impossible_score_breaks_the_invariants(data, found, value, broken) -> None:
    place = int(np.flatnonzero(data.test[TARGET] == 0)[0])

    class Once(Label):
        def predict(self, rows: pd.DataFrame) -> np.ndarray:
            scores = super().predict(rows)
            scores[place] = value
            return scores

    assert ("GATE-invariants" in failed(judged(data, found, Once()))) == broken
    digests.of_value(measured(data, found, Once()))  # it can be written down all the same


def test_one_golden_reading_missed_is_one_too_many(data, found) -> None:
    (reading,) = golden.names(data.test, found.keys)[data.golden.positions[1]]
    once = Label(lambda rows: rows[TIME].dt.strftime("%Y-%m-%dT%H:%M") == reading)
    assert failed(judged(data, found, once)) == {"GATE-golden"}


def test_average_precision_is_the_known_one(data, found) -> None:
    rule = rules.Rule("static_threshold")
    values = {
        (each["metric"], each["slice"]): each["value"] for each in measured(data, found, rule)
    }
    scores = rule.predict(data.test)
    everything = average_precision_score(data.test[TARGET], scores)
    assert values["average_precision", None] == pytest.approx(everything)
    part = evaluate.rows_where(data.test, "f1 in 27..68")
    hidden = average_precision_score(data.test[TARGET][part], scores[part])
    assert values["average_precision", "channel_1_usual"] == pytest.approx(hidden)


def test_training_and_test_never_overlap(data) -> None:
    assert data.training[TIME].max() < data.test[TIME].min()


def test_readings_without_a_label_are_not_judged(data, found) -> None:
    frame = pd.concat([data.training, data.test], ignore_index=True)
    frame[TARGET] = frame[TARGET].astype(float)
    frame.loc[frame.index[-100:], TARGET] = np.nan
    _, test = evaluation.split(frame, found.evaluation["data"])
    assert len(test) == len(data.test) - 100
