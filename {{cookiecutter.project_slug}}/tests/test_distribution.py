"""How far rows are from what was learned, and what chance and season give without any drift."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from {{ cookiecutter.package_name }} import distribution

COUNTS = st.lists(st.integers(0, 10_000), min_size=2, max_size=12).filter(any)


@given(COUNTS)
def test_the_same_is_not_apart(counts) -> None:
    assert distribution.psi(np.array(counts), np.array(counts)) == pytest.approx(0, abs=1e-12)


@given(COUNTS, st.data())
def test_it_is_the_same_both_ways_and_never_below_zero(counts, data) -> None:
    same_length = st.lists(st.integers(0, 10_000), min_size=len(counts), max_size=len(counts))
    others = np.array(data.draw(same_length.filter(any)))
    there = distribution.psi(np.array(counts), others)
    back = distribution.psi(others, np.array(counts))
    assert there >= 0
    assert there == pytest.approx(back)


@given(st.lists(st.floats(allow_infinity=False, width=32), max_size=50))
def test_every_value_is_in_one_bin(values) -> None:
    found = distribution.counted(np.array(values, dtype=float), [-1.0, 0.0, 2.5])
    assert len(found) == 5
    assert found.sum() == len(values)
    assert found[-1] == np.isnan(values).sum()


def test_bins_include_their_edge() -> None:
    values = np.array([-2.0, -1.0, -0.5, 0.0, 2.5, 2.6, np.nan])
    assert distribution.counted(values, [-1.0, 0.0, 2.5]).tolist() == [2, 2, 1, 1, 1]


def test_noise_is_what_samples_of_one_distribution_stay_below() -> None:
    """Of 400 windows without drift few may be beyond it: one in a hundred, and chance."""
    draws = np.random.default_rng(1)
    trained, rows = np.array([0, *[2400] * 10, 0, 0]), 60
    limit = distribution.noise(trained, rows, seed=1)
    windows = draws.multinomial(rows, trained / trained.sum(), size=400)
    beyond = (distribution.psi(trained, windows) > limit).mean()
    assert 0 < beyond < 0.03
    assert limit > 0.2, "a window as small as that is beyond the usual limit by chance alone"


def test_noise_falls_with_the_rows_and_rises_with_the_features() -> None:
    trained = np.array([500] * 10)
    small, large = (distribution.noise(trained, rows, seed=1) for rows in (50, 5000))
    assert small > 5 * large
    assert distribution.noise(trained, 50, seed=1, features=20) > small


def test_the_description_is_repeatable_and_counts_every_row(found, data) -> None:
    first, second = (distribution.describe(found, data.training) for _ in range(2))
    assert first == second
    assert list(first["features"]) == distribution.drifting(found)
    for feature in first["features"].values():
        assert sum(feature["rows"]) == len(data.training)
        assert len(feature["rows"]) == len(feature["edges"]) + 2
        assert feature["rows"][0] == feature["rows"][-2] == 0, "nothing is outside of its own range"


def test_what_follows_from_the_date_alone_does_not_drift(found) -> None:
    inputs = {each["name"]: set(each["inputs"]) for each in found.features["features"]}
    kinds = {
        each["name"]: each["logicalType"] for each in found.contract["schema"][0]["properties"]
    }
    for name in set(inputs) - set(distribution.drifting(found)):
        assert inputs[name] <= set(found.keys)
        assert {kinds[each] for each in inputs[name]} <= {"timestamp", "date"}
