"""From one forecast back to the hours that it was made from."""

from __future__ import annotations

import pytest

from {{ cookiecutter.package_name }} import trace
from {{ cookiecutter.package_name }}.demand_forecasting.features import HISTORY


def test_a_forecast_comes_from_the_eight_days_before(found) -> None:
    traced = trace.trace(found, ["2015-01-01T17:00"])
    assert len(traced.sources) == HISTORY
    assert traced.sources["ts"].iloc[-1].startswith("2014-12-31")
    day_before = traced.sources[traced.sources["ts"].str.contains("2014-12-31.17:00")]
    assert traced.features["lag_24"] == pytest.approx(float(day_before["demand_kw"].iloc[0]))
    assert traced.sources.index[-1] == 26305
