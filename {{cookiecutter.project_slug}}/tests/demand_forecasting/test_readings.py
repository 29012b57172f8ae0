"""What the monitors would read of a forecast that is right, and of one that is not."""

from __future__ import annotations

import pytest
from oracles import Truth

from {{ cookiecutter.package_name }} import readings


@pytest.mark.parametrize(("factor", "is_broken"), [(1.0, False), (1.5, True)])
def test_a_forecast_that_is_far_off_has_to_learn_again(found, data, factor, is_broken) -> None:
    acting = [each for each in found.monitoring["monitors"] if each["action"] != "review"]
    assert {each["action"] for each in acting} == {"retrain", "trip"}
    for monitor in acting:
        reading = readings.read(found, data, monitor, Truth(factor))
        assert readings.breaks(monitor, *reading) is is_broken, readings.said(monitor, *reading)
