"""The interval of a forecast holds as often as it says, on days that it was not made from."""

from __future__ import annotations

import numpy as np
import pytest

from {{ cookiecutter.package_name }} import intervals
from {{ cookiecutter.package_name }}.use_case import features
from {{ cookiecutter.package_name }}.use_case import rules


def test_it_leaves_out_what_the_confidence_allows() -> None:
    ratios, groups = np.arange(1.0, 40.0), np.zeros(39)
    low, high = intervals.bounds(ratios, groups, np.array([0]), 0.95)
    assert (low[0], high[0]) == (1.0, 39.0)
    low, high = intervals.bounds(ratios, groups, np.array([0]), 0.5)
    assert (low[0], high[0]) == (10.0, 30.0)


def test_too_few_rows_have_no_interval() -> None:
    low, high = intervals.bounds(np.ones(38), np.zeros(38), np.array([0, 1]), 0.95)
    assert np.isnan([low, high]).all()


@pytest.mark.parametrize("confidence", [0.8, 0.9])
def test_it_holds_on_days_that_it_was_not_made_from(data, confidence) -> None:
    """Every other day makes the interval, and the days between are covered about as often."""
    test, target = data.test, data.test[features.TARGET].to_numpy()
    answers = rules.Rule("last_week_same_hour").predict(test)
    even = (test["ts"].dt.day_of_year % 2 == 0).to_numpy()
    hours = test["hour"].to_numpy()
    low, high = intervals.bounds((target / answers)[even], hours[even], hours[~even], confidence)
    held = (target[~even] >= low * answers[~even]) & (target[~even] <= high * answers[~even])
    assert abs(held.mean() - confidence) < 0.06
