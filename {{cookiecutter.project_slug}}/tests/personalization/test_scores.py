"""Gates mean something: what is good passes; rules, chance and unfair models do not."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from ai_program import verdict
from fairlearn.metrics import MetricFrame
from fairlearn.metrics import demographic_parity_ratio
from oracles import Truth
from sklearn.metrics import roc_auc_score

from {{ cookiecutter.package_name }} import train
from {{ cookiecutter.package_name }}.errors import RefusedError
from {{ cookiecutter.package_name }}.evaluate import pooled
from {{ cookiecutter.package_name }}.personalization import evaluation
from {{ cookiecutter.package_name }}.personalization import models
from {{ cookiecutter.package_name }}.personalization.features import GROUP
from {{ cookiecutter.package_name }}.personalization.features import TARGET
from {{ cookiecutter.package_name }}.personalization.features import TIME
from {{ cookiecutter.package_name }}.personalization.rules import Rule
from {{ cookiecutter.package_name }}.predictor import Predictor

EVERY = (None, None)


@pytest.fixture(scope="module", params=sorted(models.CANDIDATES))
def trained(request, data, found) -> Predictor:
    return train.train(request.param, data.training, found.seed)


@pytest.fixture(scope="module")
def default(data, found) -> Predictor:
    return train.train(train.DEFAULT, data.training, found.seed)


def measured(data, found, model, champion=None) -> dict:
    judged = evaluation.Evaluation(data, model, champion, found.evaluation)
    return {(m["metric"], m["slice"], m["compare_with"]): m for m in judged.measurements()}


def failed(data, found, model, champion=None) -> set[str]:
    judgement = verdict.judge(
        found.evaluation["gates"],
        [*measured(data, found, model, champion).values()],
        champion=champion is not None,
    )
    good = ("pass", "not_applicable")
    return {each["gate"] for each in judgement.outcomes if each["outcome"] not in good}


def test_each_candidate_passes(data, found, trained) -> None:
    assert failed(data, found, trained) == set()


@pytest.mark.parametrize("rule", ["recency_alone", "frequency_alone"])
def test_no_rule_passes(data, found, rule) -> None:
    assert {"GATE-auc-gain", "GATE-auc"} <= failed(data, found, Rule(rule))


def test_chance_does_not_pass(data, found) -> None:
    class Chance:
        def predict(self, rows: pd.DataFrame) -> np.ndarray:
            return np.random.default_rng(1).uniform(size=len(rows))

    assert {"GATE-auc-gain", "GATE-auc"} <= failed(data, found, Chance())


def test_an_equal_model_does_not_replace_a_better_one(data, found, default) -> None:
    assert "GATE-champion" in failed(data, found, default, champion=Truth())
    assert "GATE-champion" not in failed(data, found, default, champion=default)


def test_an_unfair_model_is_stopped(data, found, default) -> None:
    """It writes to nobody outside the United Kingdom, and orders everybody else as before."""

    class Unfair:
        def predict(self, rows: pd.DataFrame) -> np.ndarray:
            scores = default.predict(rows)
            return np.where(rows[GROUP] == "United Kingdom", scores, 0.5 + scores / 2)

    assert "GATE-selection" in failed(data, found, Unfair())
    ratio = measured(data, found, Unfair())["selection_ratio", *EVERY]
    assert ratio["value"] == 0


def test_fairness_is_what_fairlearn_says(data, found, default) -> None:
    judged = evaluation.Evaluation(data, default, None, found.evaluation)
    rows = np.ones(len(data.test), dtype=bool)
    groups = pooled(judged.group(GROUP), rows, found.evaluation["fairness"]["min_rows"])
    assert set(groups) == {"United Kingdom", "(smaller groups)"}
    truth, chosen = judged.truth == 1, judged.selected()
    value = measured(data, found, default)["selection_ratio", *EVERY]["value"]
    assert value == pytest.approx(
        demographic_parity_ratio(truth, chosen, sensitive_features=groups)
    )
    errors = MetricFrame(
        metrics=lambda wrong, _: wrong.mean(),
        y_true=judged.errors(),
        y_pred=chosen,
        sensitive_features=groups,
    )
    policy = found.evaluation["gates"][0] | {"metric": "error_ratio", "compare_with": None}
    asked = found.evaluation | {"gates": [policy]}
    judged = evaluation.Evaluation(data, default, None, asked)
    value = judged.measurements()[0]["value"]
    assert value == pytest.approx(1 / errors.ratio())


def test_groups_that_are_none_are_refused(data, found, default) -> None:
    for attribute, reason in (("mood", "no row of the test has"), (TIME, "only one")):
        fairness = found.evaluation["fairness"] | {"attributes": [attribute]}
        policy = found.evaluation | {"fairness": fairness}
        with pytest.raises(RefusedError, match=reason):
            evaluation.Evaluation(data, default, None, policy).measurements()


def test_the_area_is_what_scikit_learn_says(data, found, default) -> None:
    for model in (default, Rule("recency_alone")):  # the rule has many ties
        judged = evaluation.Evaluation(data, model, None, found.evaluation)
        rows = (data.test["frequency"] == 1).to_numpy()
        areas = judged.draws.auc(judged.answers, judged.truth == 1, rows)
        expected = roc_auc_score(judged.truth[rows], judged.answers[rows])
        assert areas[0] == pytest.approx(expected)
        times = judged.draws.times[6][judged.draws.cluster][rows]
        expected = roc_auc_score(judged.truth[rows], judged.answers[rows], sample_weight=times)
        assert areas[7] == pytest.approx(expected)


@pytest.mark.parametrize(
    ("value", "broken"), [(-0.1, True), (np.nan, True), (1.1, True), (0, False)]
)
def test_what_is_no_probability_breaks_the_invariants(data, found, value, broken) -> None:
    class Once(Truth):
        def predict(self, rows: pd.DataFrame) -> np.ndarray:
            scores = super().predict(rows).astype(float)
            scores[100] = value
            return scores

    assert ("GATE-invariants" in failed(data, found, Once())) == broken


def test_what_is_learned_was_known_before_the_test_begins(data, found) -> None:
    assert data.training[TIME].max() + pd.Timedelta(days=90) <= data.test[TIME].min()
    window = found.evaluation["data"] | {"train_until": "2011-07-01"}
    with pytest.raises(RefusedError, match="it would be learned from"):
        evaluation.split(pd.concat([data.training, data.test]), window)


def test_a_candidate_says_the_same_twice(data, found, trained, request) -> None:
    again = train.train(request.node.callspec.params["trained"], data.training, found.seed)
    np.testing.assert_array_equal(again.predict(data.test), trained.predict(data.test))


def test_the_country_is_no_input(data, trained) -> None:
    elsewhere = data.test.assign(**{GROUP: "Elsewhere", TARGET: 0})
    np.testing.assert_array_equal(trained.predict(elsewhere), trained.predict(data.test))
