"""From the line of an order back to the lines of the data, and forward again."""

from __future__ import annotations

import gzip

import pandas as pd
import pytest

from {{ cookiecutter.package_name }} import trace
from {{ cookiecutter.package_name }}.errors import RefusedError


@pytest.fixture(scope="module", params=["20725", "84347", "22952"])
def traced(found, request) -> trace.Trace:
    return trace.trace(found, [request.param])


def test_the_lines_are_those_of_the_file(found, traced) -> None:
    lines = gzip.decompress(found.data.read_bytes()).decode().splitlines()
    assert len(traced.sources) > 0
    for number, row in traced.sources.iterrows():
        assert lines[number - 1] == ",".join(row)
    assert traced.digest == found.evaluation["data"]["digest"]


def test_the_features_come_from_these_lines_alone(traced) -> None:
    """Add up by hand what the lines say, and the features are there again."""
    rows = traced.sources.assign(
        date=pd.to_datetime(traced.sources["date"]),
        units=traced.sources["units"].astype(float),
        price=traced.sources["price"].astype(float),
    )
    week = rows["date"] - pd.to_timedelta(rows["date"].dt.day_of_week, unit="D")
    monday = pd.Timestamp(traced.keys["date"])
    recent = rows[week >= monday - pd.Timedelta(weeks=8)]
    assert traced.features["mean_8"] == pytest.approx(recent["units"].sum() / 8)
    last = rows[week == monday - pd.Timedelta(weeks=1)]
    assert traced.features["last_week"] == last["units"].sum()
    assert traced.features["price"] == rows[week == week.max()]["price"].median()
    assert set(rows["sku"]) == {traced.keys["sku"]}
    assert rows["date"].max() < monday


def test_it_says_who_answered_and_why(found) -> None:
    traced = trace.trace(found, ["20725"])
    told = trace.lines(traced)
    assert told[0].startswith("sku 20725, date 2011-12-05")
    assert any(line.startswith("because") for line in told)
    assert len(told) == 6 + len(traced.sources)


def test_an_order_that_does_not_exist_is_refused(found) -> None:
    with pytest.raises(RefusedError, match=r"0 of .* have the keys 99999: name one by its sku"):
        trace.trace(found, ["99999"])
