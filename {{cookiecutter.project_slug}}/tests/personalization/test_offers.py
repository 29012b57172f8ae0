"""Clicks: the off-policy estimate is right where the answer is known."""

from __future__ import annotations

import ibis
import numpy as np
import pandas as pd
import pytest
from oracles import Truth

from {{ cookiecutter.package_name }}.personalization import evaluation
from {{ cookiecutter.package_name }}.personalization import offers


def simulated(rate: float, better: float, rows: int = 40_000) -> dict[str, ibis.Table]:
    """Return a log in which ten offers were drawn evenly, and the first five are better."""
    draw = np.random.default_rng(3)
    item = draw.integers(0, 10, rows)
    log = pd.DataFrame(
        {
            "timestamp": pd.date_range("2026-01-01", periods=rows, freq="s"),
            "item_id": item,
            "position": 1,
            "click": (draw.random(rows) < np.where(item < 5, better, rate)).astype(int),
            "propensity_score": 0.1,
            "policy": "random",
            "campaign": "only",
        }
    )
    return {offers.DATASET: ibis.memtable(log)}


def test_the_estimate_finds_what_the_better_offers_earn() -> None:
    log = offers.judged(simulated(0.02, 0.06))
    rate = (log.weight * log.clicked).sum() / log.weight.sum()
    assert rate == pytest.approx(0.06, abs=0.005)
    assert log.clicked.mean() == pytest.approx(0.04, abs=0.004)


def test_what_is_popular_is_learned_before_it_is_judged() -> None:
    """Clicks of the later half change no weight: they were not looked at."""
    tables = simulated(0.02, 0.06)
    frame = tables[offers.DATASET].execute()
    frame.loc[frame.index >= len(frame) // 2, "click"] = 0
    changed = offers.judged({offers.DATASET: ibis.memtable(frame)})
    np.testing.assert_array_equal(changed.weight, offers.judged(tables).weight)
    assert changed.clicked.sum() == 0


def test_the_kpi_is_measured_with_an_interval(data, found) -> None:
    judged = evaluation.Evaluation(data, Truth(), None, found.evaluation).measurements()
    rates = {each["metric"]: each for each in judged if each["metric"].startswith("ctr")}
    assert set(rates) == {"ctr", "ctr_random"}
    for each in rates.values():
        assert 0 < each["low"] < each["value"] < each["high"] < 0.02
    # Honest: so few clicks tell the two apart only if they are far apart.
    assert rates["ctr"]["n"] < rates["ctr_random"]["n"]


def test_only_rows_with_known_even_chances_are_judged(data) -> None:
    log = offers.logged(data.tables)
    judged = offers.judged(data.tables)
    later = log[
        log.groupby("campaign").cumcount()
        >= log.groupby("campaign")["click"].transform("size") // 2
    ]
    assert len(judged.clicked) == (later["policy"] == "random").sum()


def test_there_are_offers_for_each_campaign(data) -> None:
    popular = offers.popular(offers.logged(data.tables))
    assert {name: len(items) for name, items in popular.items()} == {
        "all": 5,
        "men": 5,
        "women": 5,
    }
