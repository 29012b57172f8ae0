"""Features know nothing of their own day or later, and serving makes the same ones."""

from __future__ import annotations

from datetime import date
from datetime import timedelta

import ibis
import numpy as np
import pandas as pd
import pytest

from {{ cookiecutter.package_name }} import feature_schema
from {{ cookiecutter.package_name }} import ingest
from {{ cookiecutter.package_name }}.personalization import features
from {{ cookiecutter.package_name }}.personalization.features import CUSTOMER
from {{ cookiecutter.package_name }}.personalization.features import DATASET
from {{ cookiecutter.package_name }}.personalization.features import NAMES
from {{ cookiecutter.package_name }}.personalization.features import TARGET
from {{ cookiecutter.package_name }}.personalization.features import TIME

DAY = date(2011, 9, 1)


@pytest.fixture(scope="module")
def orders(found) -> pd.DataFrame:
    return ingest.tables(found)[DATASET].execute()


def at(orders: pd.DataFrame, day: date) -> pd.DataFrame:
    return features.at(ibis.memtable(orders), [day]).execute().set_index(CUSTOMER)


def test_nothing_of_the_day_or_later_is_known(orders) -> None:
    later = orders["date"] >= pd.Timestamp(DAY)
    changed = orders.copy()
    changed.loc[later, "value"] = np.random.default_rng(1).uniform(1, 9999, later.sum())
    changed.loc[later, "items"] = 7
    pd.testing.assert_frame_equal(at(changed, DAY)[[*NAMES]], at(orders[~later], DAY)[[*NAMES]])


def test_what_customers_do_is_what_the_next_90_days_say(orders) -> None:
    days = (pd.Timestamp(DAY), pd.Timestamp(DAY) + timedelta(days=89))
    back = set(orders[orders["date"].between(*days)]["customer_id"])
    rows = at(orders, DAY)
    assert set(rows.index[rows[TARGET] == 1]) == set(rows.index) & back


def test_features_are_what_they_say(orders) -> None:
    rows = at(orders, DAY)
    year = orders[orders["date"].between(pd.Timestamp("2010-09-01"), pd.Timestamp("2011-08-31"))]
    for customer in rows.index[[0, 100, 2000]]:
        theirs, row = year[year["customer_id"] == customer], rows.loc[customer]
        days = (pd.Timestamp(DAY) - theirs["date"]).dt.days
        assert row["recency_days"] == days.min()
        assert row["tenure_days"] == days.max()
        assert row["frequency"] == len(theirs)
        assert row["monetary"] == pytest.approx(theirs["value"].sum())
        assert row["basket_items"] == pytest.approx(theirs["items"].mean())
        assert row["recent_orders"] == (days <= 90).sum()
        gap = (days.max() - days.min()) / (len(theirs) - 1) if len(theirs) > 1 else 365
        assert row["gap_days"] == pytest.approx(gap)
        assert row["overdue"] == pytest.approx(days.min() / max(gap, 1))


def test_serving_makes_the_features_that_training_saw(found, data, orders) -> None:
    until = orders[orders["date"] < pd.Timestamp(DAY)]
    # Serving begins on the day after the data ends.
    assert until["date"].max() == pd.Timestamp(DAY) - timedelta(days=1)
    served = features.now({DATASET: ibis.memtable(until)}).execute()
    assert TARGET not in served
    pd.testing.assert_frame_equal(
        served[[CUSTOMER, TIME, *NAMES]].reset_index(drop=True),
        data.test[[CUSTOMER, TIME, *NAMES]].reset_index(drop=True),
    )


def test_the_code_makes_what_the_schema_declares(data, found) -> None:
    assert [each["name"] for each in found.features["features"]] == list(NAMES)
    feature_schema.check(data.training, found.features, NAMES)


def test_every_snapshot_has_a_year_behind_it_and_90_days_ahead(data, orders) -> None:
    days = pd.concat([data.training, data.test])[TIME]
    assert days.min() >= orders["date"].min() + timedelta(days=365)
    assert days.max() + timedelta(days=89) <= orders["date"].max()
