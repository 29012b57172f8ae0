"""Features know nothing of the day that they forecast, and serving makes the same ones."""

from __future__ import annotations

from datetime import date

import ibis
import numpy as np
import pandas as pd
import pytest

from {{ cookiecutter.package_name }} import feature_schema
from {{ cookiecutter.package_name }} import ingest
from {{ cookiecutter.package_name }}.demand_forecasting import features
from {{ cookiecutter.package_name }}.demand_forecasting import serving
from {{ cookiecutter.package_name }}.demand_forecasting.features import DATASET
from {{ cookiecutter.package_name }}.demand_forecasting.features import HISTORY
from {{ cookiecutter.package_name }}.demand_forecasting.features import METER
from {{ cookiecutter.package_name }}.demand_forecasting.features import NAMES
from {{ cookiecutter.package_name }}.demand_forecasting.features import TARGET
from {{ cookiecutter.package_name }}.demand_forecasting.features import TIME
from {{ cookiecutter.package_name }}.demand_forecasting.holidays import easter
from {{ cookiecutter.package_name }}.demand_forecasting.holidays import holidays
from {{ cookiecutter.package_name }}.errors import RefusedError

DAYS = ["2012-03-26", "2013-10-28", "2014-12-26"]


@pytest.fixture(scope="session")
def hours(found) -> pd.DataFrame:
    """The sample, hour by hour."""
    return ingest.tables(found)[DATASET].order_by(TIME).execute()


def built(hours: pd.DataFrame) -> pd.DataFrame:
    return features.build({DATASET: ibis.memtable(hours)}).execute().set_index(TIME)


@pytest.fixture(scope="session")
def everything(hours) -> pd.DataFrame:
    return built(hours)


@pytest.mark.parametrize("day", DAYS)
def test_nothing_after_midnight_is_known(hours, everything, day) -> None:
    """Whatever the demand of the day and of all later days is, its features are the same."""
    begins = pd.Timestamp(day)
    changed = hours.copy()
    later = changed[TIME] >= begins
    changed.loc[later, TARGET] = np.random.default_rng(1).uniform(1, 9999, later.sum())
    today = slice(begins, begins + pd.Timedelta(hours=23))
    expected = everything.loc[today, [*NAMES]]
    assert len(expected) == 24
    pd.testing.assert_frame_equal(built(changed).loc[today, [*NAMES]], expected)


@pytest.mark.parametrize("day", DAYS)
def test_serving_makes_the_features_that_training_saw(hours, everything, found, day) -> None:
    begins = pd.Timestamp(day)
    history = hours[hours[TIME] < begins].tail(HISTORY)
    seen = serving.day_ahead(history, found.features)
    assert list(seen[TIME]) == list(pd.date_range(begins, periods=24, freq="h"))
    expected = everything.loc[begins : begins + pd.Timedelta(hours=23), [*NAMES]].reset_index()
    pd.testing.assert_frame_equal(seen[[TIME, *NAMES]].reset_index(drop=True), expected)


@pytest.mark.parametrize(
    "spoil",
    [
        pytest.param(lambda rows: rows.drop(rows.index[50]), id="a gap"),
        pytest.param(lambda rows: rows.tail(HISTORY - 24), id="too short"),
        pytest.param(lambda rows: rows.iloc[:-1], id="not up to midnight"),
    ],
)
def test_a_forecast_needs_whole_days(hours, found, spoil) -> None:
    with pytest.raises(RefusedError, match="without a gap"):
        serving.day_ahead(spoil(hours.tail(HISTORY + 24)), found.features)


def test_lags_are_what_they_say(hours, everything) -> None:
    demand = hours.set_index(TIME)[TARGET]
    at = pd.Timestamp("2014-11-05 17:00")
    assert everything.loc[at, "lag_24"] == demand["2014-11-04 17:00"]
    assert everything.loc[at, "lag_168"] == demand["2014-10-29 17:00"]
    assert everything.loc[at, "mean_24"] == pytest.approx(demand["2014-11-04"].mean())
    assert everything.loc[at, "mean_168"] == pytest.approx(demand["2014-10-29":"2014-11-04"].mean())
    assert everything.loc[at, "mean_evening"] == pytest.approx(
        demand["2014-11-04 20:00":"2014-11-04 23:00"].mean()
    )


def test_a_meter_is_forecast_from_its_own_past(hours, everything) -> None:
    other = hours.assign(**{METER: "b", TARGET: hours[TARGET] * 2})
    both = built(pd.concat([hours.assign(**{METER: "a"}), other]))
    seen = both[both[METER] == "a"].drop(columns=METER)
    pd.testing.assert_frame_equal(seen, everything)
    assert (both.loc[both[METER] == "b", "lag_24"] == seen["lag_24"] * 2).all()


def test_the_calendar(everything) -> None:
    def at(time: str) -> pd.Series:
        return everything.loc[pd.Timestamp(time)]

    assert at("2014-12-25 07:00")["holiday"] == 1
    assert at("2014-12-26 07:00")[["holiday", "holiday_before"]].tolist() == [0, 1]
    assert at("2014-12-24 07:00")["days_to_christmas"] == -1
    assert at("2013-01-02 07:00")["days_to_christmas"] == 8
    assert at("2014-07-01 07:00")["days_to_christmas"] == -8
    assert at("2014-12-27 07:00")["day_of_week"] == 5


def test_holidays() -> None:
    assert [easter(year) for year in (2012, 2013, 2014, 2038)] == [
        date(2012, 4, 8),
        date(2013, 3, 31),
        date(2014, 4, 20),
        date(2038, 4, 25),
    ]
    assert date(2012, 10, 5) in holidays(2012, 2012)
    assert date(2013, 10, 5) not in holidays(2013, 2013)


def test_the_code_makes_what_the_schema_declares(data, found) -> None:
    assert [each["name"] for each in found.features["features"]] == list(NAMES)
    feature_schema.check(data.training, found.features, NAMES)


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (lambda rows: rows.assign(hour=rows["hour"] + 1), "hour is out of its range"),
        (lambda rows: rows.assign(lag_24=np.nan), "lag_24 is missing in"),
        (lambda rows: rows.assign(month=rows["month"].astype(float)), "month is float64"),
    ],
)
def test_other_features_than_declared_are_refused(data, found, spoil, reason) -> None:
    with pytest.raises(RefusedError, match=reason):
        feature_schema.check(spoil(data.test), found.features, NAMES)
