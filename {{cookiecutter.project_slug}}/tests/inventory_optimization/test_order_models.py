"""Candidates learn, do so the same way every time, and say why."""

from __future__ import annotations

import pickle

import numpy as np
import pytest

from {{ cookiecutter.package_name }} import train
from {{ cookiecutter.package_name }}.errors import RefusedError
from {{ cookiecutter.package_name }}.inventory_optimization import models
from {{ cookiecutter.package_name }}.inventory_optimization import rules
from {{ cookiecutter.package_name }}.inventory_optimization import serving
from {{ cookiecutter.package_name }}.inventory_optimization.features import NAMES

DEMANDS = ["last_week", "mean_4", "mean_8", "median_8", "high_8", "deviation_8"]


@pytest.fixture(scope="module", params=sorted(models.CANDIDATES))
def candidate(request) -> str:
    return request.param


@pytest.fixture(scope="module")
def trained(data, candidate):
    return train.train(candidate, data.training.tail(900), seed=5)


def test_the_same_seed_makes_the_same_bytes(data, candidate, trained) -> None:
    again = train.train(candidate, data.training.tail(900), seed=5)
    assert pickle.dumps(again, protocol=5) == pickle.dumps(trained, protocol=5)


def test_the_quantity_is_enough_as_often_as_the_costs_ask_for(data, trained) -> None:
    enough = (trained.predict(data.training) >= data.training["units"]).mean()
    assert 0.55 < enough < 0.8  # two weeks in three


def test_ten_times_the_demand_is_about_ten_times_the_order(data, trained) -> None:
    rows = data.test[data.test["mean_8"].between(300, 400)].head(50)
    tenfold = rows.assign(**{name: rows[name] * 10 for name in DEMANDS})
    assert np.median(trained.predict(tenfold) / trained.predict(rows)) == pytest.approx(10, rel=0.4)


def test_an_explanation_names_each_feature(data, trained) -> None:
    said = trained.explain(data.test.head(20))
    assert list(said.terms) == list(NAMES)
    assert len(said.base) == len(said.terms) == 20


def test_the_terms_of_the_explainable_machine_add_up_to_its_answers(data) -> None:
    machine = train.train("explainable_boosting", data.training.tail(900), seed=5)
    answers = machine.predict(data.test)
    np.testing.assert_allclose(np.maximum(machine.explain(data.test).sums, 0), answers)


def test_the_terms_of_a_rule_add_up_to_its_answers(data) -> None:
    rule = rules.Rule("reorder_point")
    np.testing.assert_allclose(rule.explain(data.test).sums, rule.predict(data.test))
    assert rule.z == pytest.approx(0.4307, abs=1e-3)  # two weeks in three


def test_a_rule_makes_do_with_what_is_there(data) -> None:
    rows = data.test.head(3).assign(mean_8=[np.nan, -5.0, 100.0], deviation_8=[np.nan, 10.0, 10.0])
    z = rules.Rule("reorder_point").z
    expected = [rows["mean_4"].iloc[0], rows["mean_4"].iloc[1] + 10 * z, 100 + 10 * z]
    assert rules.Rule("reorder_point").predict(rows) == pytest.approx(expected)


def test_an_order_is_shown_with_its_reasons(data) -> None:
    rule = rules.Rule("reorder_point")
    rows = data.test.head(2)
    shown = serving.present(rows, rule.predict(rows), rule.explain(rows))
    assert list(shown) == ["week", "sku", "quantity", "value", "needs_approval", "reasons"]
    assert all("mean_8 +" in each for each in shown["reasons"])


def test_rules() -> None:
    assert rules.is_rule("reorder_point")
    assert not rules.is_rule("explainable_boosting")
    with pytest.raises(RefusedError, match="there is no rule"):
        rules.Rule("coin")
