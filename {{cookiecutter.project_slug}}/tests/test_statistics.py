"""Intervals: paired, by whole days, the same on every run."""

from __future__ import annotations

import numpy as np
import pytest

from {{ cookiecutter.package_name }}.statistics import Draws

DAYS = np.repeat(np.arange(60), 24)
ALL = np.ones(len(DAYS), dtype=bool)


def draws(seed: int = 1, clusters: np.ndarray = DAYS) -> Draws:
    return Draws(clusters, seed=seed, resamples=2000, confidence=0.95)


@pytest.fixture
def noise() -> np.ndarray:
    """Errors that are alike within a day."""
    random = np.random.default_rng(7)
    return np.repeat(random.normal(100, 20, 60), 24) + random.normal(0, 1, len(DAYS))


def test_the_same_seed_gives_the_same_interval(noise) -> None:
    one, two = (draws().estimate(draws().mean(noise, ALL), 1) for _ in range(2))
    assert one == two
    assert one != draws(2).estimate(draws(2).mean(noise, ALL), 1)


def test_the_value_is_the_plain_mean_and_lies_in_its_interval(noise) -> None:
    estimate = draws().estimate(draws().mean(noise, ALL), len(noise))
    assert estimate.value == pytest.approx(noise.mean())
    assert estimate.low < estimate.value < estimate.high


def test_hours_of_one_day_are_not_independent_evidence(noise) -> None:
    by_day = draws().estimate(draws().mean(noise, ALL), 1)
    hourly = draws(clusters=np.arange(len(DAYS)))
    by_hour = hourly.estimate(hourly.mean(noise, ALL), 1)
    assert by_day.high - by_day.low > 3 * (by_hour.high - by_hour.low)


def test_what_is_hard_for_both_cancels_out(noise) -> None:
    same = draws()
    ratio = same.mean(noise * 1.05, ALL) / same.mean(noise, ALL) - 1
    estimate = same.estimate(ratio, 1)
    assert (estimate.low, estimate.high) == (pytest.approx(0.05), pytest.approx(0.05))


def test_the_interval_holds_the_truth_about_as_often_as_it_says() -> None:
    random = np.random.default_rng(3)
    hits = 0
    for seed in range(200):
        sample = np.repeat(random.normal(0, 1, 60), 24)
        drawn = Draws(DAYS, seed=seed, resamples=300, confidence=0.9)
        estimate = drawn.estimate(drawn.mean(sample, ALL), 1)
        hits += estimate.low <= 0 <= estimate.high
    assert 0.82 < hits / 200 < 0.96
