"""Features: one definition, as expressions, for training and for serving.

A forecast is made at midnight for the 24 hours that follow. So a feature of an hour may use the
demand up to the last hour of the day before, and the calendar; nothing else is known by then. A
test holds every feature to that.

`build` takes a table of hours without gaps. Hours that are still to come stand in it with a demand
of NULL; that is the whole difference between training and serving. Where it has a column `meter`,
each meter is a series of its own; the sample is one.
"""

from __future__ import annotations

import ibis

from .holidays import holidays

DATASET = "electricity_demand"
TIME = "ts"
TARGET = "demand_kw"
METER = "meter"
# What there is more of when the data grows (`nox -s scale`).
GROWS_BY = METER
# What the demand is measured against: models learn the shape of a day, relative to this level.
LEVEL = "mean_168"
# The hours of history that a forecast needs: eight days, for the day before the week before.
HISTORY = 8 * 24

_LAGS = (24, 48, 144, 168)
_YEARS = (2000, 2050)


def build(tables: dict[str, ibis.Table]) -> ibis.Table:
    """Return time, features and demand of each hour that has enough history."""
    hours = tables[DATASET]
    series = _series(hours)
    by_time = ibis.window(group_by=series, order_by=TIME)
    demand = hours[TARGET]
    lagged = hours.mutate(
        day=hours[TIME].truncate("D"),
        **{f"lag_{lag}": demand.lag(lag).over(by_time) for lag in _LAGS},
    )
    table = lagged.join(_days(hours), [*series, "day"])
    table = table.mutate(
        hour=table[TIME].hour().cast("int64"),
        day_of_week=table[TIME].day_of_week.index().cast("int64"),
        month=table[TIME].month().cast("int64"),
        holiday=_is_holiday(table.day).cast("int64"),
        holiday_before=_is_holiday(table.day - ibis.interval(days=1)).cast("int64"),
        days_to_christmas=_days_to_christmas(table[TIME]).cast("int64"),
    )
    enough = table.filter(table[f"lag_{max(_LAGS)}"].notnull() & table[LEVEL].notnull())
    return enough.select(*series, TIME, *NAMES, TARGET).order_by(*series, TIME)


NAMES = (
    "hour",
    "day_of_week",
    "month",
    "holiday",
    "holiday_before",
    "days_to_christmas",
    *(f"lag_{lag}" for lag in _LAGS),
    "mean_24",
    LEVEL,
    "mean_evening",
)


def _days(hours: ibis.Table) -> ibis.Table:
    """Return for each day what is known of the days before it when it begins."""
    series = _series(hours)
    day = hours[TIME].truncate("D")
    demand = hours[TARGET]
    days = hours.group_by(*series, day=day).aggregate(
        mean=demand.mean(), evening=demand.mean(where=hours[TIME].hour() >= 20)
    )
    week = ibis.window(group_by=series, order_by="day", preceding=(7, 1))
    before = ibis.window(group_by=series, order_by="day")
    return days.select(
        *series,
        "day",
        mean_24=days["mean"].lag(1).over(before),
        mean_evening=days["evening"].lag(1).over(before),
        mean_168=days["mean"].mean().over(week),
    )


def _series(hours: ibis.Table) -> list[str]:
    """Return the columns that tell one series from another."""
    return [METER] if METER in hours.columns else []


def _is_holiday(day: ibis.Value) -> ibis.Value:
    return day.date().isin([ibis.date(each.isoformat()) for each in holidays(*_YEARS)])


def _days_to_christmas(time: ibis.Value) -> ibis.Value:
    """Return the distance to Christmas Day in days, never more than eight either way."""
    december = time.day() - 25
    january = time.day() + 6
    far = ibis.ifelse(time.month() > 6, -8, 8)
    distance = ibis.cases((time.month() == 12, december), (time.month() == 1, january), else_=far)
    return distance.clip(lower=-8, upper=8)
