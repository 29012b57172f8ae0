"""Features know nothing of the week that they order for, and serving makes the same ones."""

from __future__ import annotations

import ibis
import numpy as np
import pandas as pd
import pytest

from {{ cookiecutter.package_name }} import feature_schema
from {{ cookiecutter.package_name }} import ingest
from {{ cookiecutter.package_name }}.errors import RefusedError
from {{ cookiecutter.package_name }}.inventory_optimization import features
from {{ cookiecutter.package_name }}.inventory_optimization import serving
from {{ cookiecutter.package_name }}.inventory_optimization.features import ARTICLE
from {{ cookiecutter.package_name }}.inventory_optimization.features import DATASET
from {{ cookiecutter.package_name }}.inventory_optimization.features import NAMES
from {{ cookiecutter.package_name }}.inventory_optimization.features import TIME

WEEKS = ["2010-03-01", "2011-01-24", "2011-11-28"]


@pytest.fixture(scope="session")
def days(found) -> pd.DataFrame:
    """The sample, day by day."""
    return ingest.tables(found)[DATASET].execute()


def built(days: pd.DataFrame) -> pd.DataFrame:
    return features.build({DATASET: ibis.memtable(days)}).execute().set_index([TIME, ARTICLE])


@pytest.fixture(scope="session")
def everything(days) -> pd.DataFrame:
    return built(days)


@pytest.mark.parametrize("week", WEEKS)
def test_nothing_after_sunday_is_known(days, everything, week) -> None:
    """Whatever is sold in the week and in all later ones, its features are the same."""
    changed = days.copy()
    later = pd.to_datetime(changed["date"]) >= week
    random = np.random.default_rng(1)
    changed.loc[later, "units"] = random.integers(1, 9999, later.sum())
    changed.loc[later, "orders"] = random.integers(1, 99, later.sum())
    changed.loc[later, "price"] = random.uniform(0.1, 99, later.sum())
    expected = everything.loc[week, [*NAMES]]
    assert len(expected) > 20
    pd.testing.assert_frame_equal(built(changed).loc[week, [*NAMES]], expected)


@pytest.mark.parametrize("week", WEEKS)
def test_serving_makes_the_features_that_training_saw(days, everything, found, week) -> None:
    history = days[pd.to_datetime(days["date"]) < week]
    seen = serving.week_ahead(history, found.features)
    assert set(seen[TIME]) == {pd.Timestamp(week)}
    expected = everything.loc[week, [*NAMES]]
    pd.testing.assert_frame_equal(seen.set_index(ARTICLE)[[*NAMES]], expected)


def test_a_week_that_is_not_over_is_the_one_to_order_for(days, found) -> None:
    seen = serving.week_ahead(days, found.features)
    assert set(seen[TIME]) == {pd.Timestamp("2011-12-05")}


def test_an_order_needs_eight_weeks(days, found) -> None:
    few = days[pd.to_datetime(days["date"]) < "2010-01-11"]
    with pytest.raises(RefusedError, match="8 whole weeks"):
        serving.week_ahead(few, found.features)


def test_features_are_what_they_say(days, everything) -> None:
    article = days[days[ARTICLE] == "20725"].assign(date=lambda rows: pd.to_datetime(rows["date"]))
    weekly = article.resample("W-MON", on="date", closed="left", label="left")["units"].sum()
    row = everything.loc[("2011-09-05", "20725")]
    eight = weekly["2011-07-11":"2011-08-29"]
    assert len(eight) == 8
    assert row["last_week"] == eight.iloc[-1]
    assert row["mean_4"] == pytest.approx(eight.tail(4).mean())
    assert row["mean_8"] == pytest.approx(eight.mean())
    assert row["median_8"] == pytest.approx(eight.median())
    assert row["high_8"] == pytest.approx(eight.quantile(0.8))
    assert row["deviation_8"] == pytest.approx(eight.std())
    assert row["idle_8"] == 0
    assert row["week_of_year"] == 36
    last = article[(article["date"] >= "2011-08-29") & (article["date"] < "2011-09-05")]
    assert row["price"] == last["price"].median()


def test_a_week_without_a_sale_sold_nothing(days, everything) -> None:
    sold = days[days[ARTICLE] == "84347"]
    monday = pd.to_datetime(sold["date"])
    monday -= pd.to_timedelta(monday.dt.day_of_week, unit="D")
    idle = everything.xs("84347", level=ARTICLE).drop(index=monday.unique(), errors="ignore")
    assert len(idle) > 5
    assert (idle["units"] == 0).all()
    assert (idle["price"] > 0).all()


def test_the_code_makes_what_the_schema_declares(data, found) -> None:
    assert [each["name"] for each in found.features["features"]] == list(NAMES)
    feature_schema.check(data.training, found.features, NAMES)
