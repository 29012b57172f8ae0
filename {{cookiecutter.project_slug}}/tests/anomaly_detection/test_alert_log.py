"""One call for a flock, and what is measured of it is what happened."""

from __future__ import annotations

import dataclasses

import numpy as np
import pandas as pd
import pytest

from {{ cookiecutter.package_name }}.anomaly_detection import alerts
from {{ cookiecutter.package_name }}.anomaly_detection import evaluation
from {{ cookiecutter.package_name }}.anomaly_detection.features import NAMES
from {{ cookiecutter.package_name }}.anomaly_detection.features import TARGET
from {{ cookiecutter.package_name }}.anomaly_detection.features import TIME


@pytest.mark.parametrize(
    ("off", "calls"),
    [
        ([], []),
        ([0], [0]),
        ([5, 6, 7], [5]),
        ([0, 14, 28], [0]),
        ([0, 15], [0, 15]),
        ([0, 14, 29], [0, 29]),
    ],
)
def test_a_call_lasts_until_it_was_quiet_for_the_cool_down(off, calls) -> None:
    times = pd.date_range("2026-01-01", periods=60, freq="min").to_numpy()
    flags = np.isin(np.arange(60), off)
    assert np.flatnonzero(alerts.first_of_each(times, flags)).tolist() == calls


@pytest.fixture
def measured(data, found):
    """Return a function that measures alerts at some minutes of a day with some anomalies."""

    def measured(anomalies: list[int], flagged: list[int]) -> dict[str, float]:
        minutes = np.arange(1440)
        test = pd.DataFrame(0.0, index=minutes, columns=[*NAMES])
        test["f1"] = 40.0
        test[TIME] = pd.date_range("2026-01-01", periods=1440, freq="min")
        test[TARGET] = np.isin(minutes, anomalies).astype(int)

        class Flagged:
            def predict(self, rows: pd.DataFrame) -> np.ndarray:
                return np.isin(np.arange(len(rows)), flagged).astype(float)

        day = dataclasses.replace(data, test=test)
        judged = evaluation.Evaluation(day, Flagged(), None, found.evaluation)
        everything = np.ones(len(test), dtype=bool)
        return {
            metric: judged.estimate(metric, everything, None).value
            for metric in evaluation.Evaluation.REPORTED
        }

    return measured


def test_time_to_detect_runs_from_the_first_reading_of_an_episode(measured) -> None:
    found = measured([100, 105, 110, 500], [105, 500])
    assert found["time_to_detect"] == pytest.approx((5 + 0) / 2)
    assert found["events_to_detect"] == found["time_to_detect"]  # one reading a minute
    assert found["recall"] == pytest.approx(2 / 4)


def test_an_episode_that_nobody_found_counts_to_its_end_and_beyond(measured) -> None:
    found = measured([100, 110, 500], [500, 800])
    assert found["time_to_detect"] == pytest.approx((10 + 15 + 0) / 2)
    assert found["events_to_detect"] == pytest.approx((10 + 15 + 0) / 2)


def test_an_alert_before_the_episode_finds_nothing(measured) -> None:
    assert measured([100], [99])["time_to_detect"] == pytest.approx(15)


def test_only_calls_outside_of_episodes_are_false(measured) -> None:
    found = measured([100, 110], [102, 400, 401, 402, 900])
    assert found["false_calls_per_day"] == pytest.approx(2 / (1439 / 1440), rel=1e-6)
    assert found["false_positive_rate"] == pytest.approx(5 / 1438)


def test_ranking_does_not_depend_on_the_threshold_or_on_the_order_of_ties(measured) -> None:
    assert measured([100, 110], [100, 110])["average_precision"] == 1
    nothing = measured([100, 110], [])["average_precision"]
    assert nothing == pytest.approx(2 / 1440)
    assert measured([1438, 1439], [])["average_precision"] == pytest.approx(nothing)
